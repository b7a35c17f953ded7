"""All tables, as the migration creates them.

They are the mapped classes of the packages beside this module; whoever needs a table takes it from here.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table

from app.property.storage.audit import AuditEntry
from app.property.storage.jobs.tables import ONE_ATTEMPT_LESS, Batch, DailyUsage, Job, JobAttempt
from app.property.storage.keys.tables import IS_FIRING, Alert, Key, KeyHour
from app.property.storage.llm.tables import LlmBatch, LlmCache, LlmRequest
from app.property.storage.outbox import Message
from app.property.storage.pages.tables import Blob, BlobBytes, PageAlias, PageCopy
from app.property.storage.privacy.tables import Suppression
from app.property.storage.properties.tables import (
    IdentityOverride,
    Observation,
    Property,
    PropertyKey,
    RecipeExample,
    RecipeRow,
    SourceRow,
    Unverified,
)
from app.property.storage.types import ACTIVE, IS_ACTIVE, STATES, Base, UtcDateTime
from app.property.storage.watches.models import Change, Watch

__all__ = [
    "ACTIVE",
    "IS_ACTIVE",
    "IS_FIRING",
    "ONE_ATTEMPT_LESS",
    "RECORD_URLS",
    "STATES",
    "UtcDateTime",
    "alerts",
    "audit_log",
    "batches",
    "blob_bytes",
    "blobs",
    "changes",
    "daily_usage",
    "identity_overrides",
    "job_attempts",
    "jobs",
    "key_history",
    "keys",
    "llm_batches",
    "llm_cache",
    "llm_requests",
    "metadata",
    "observations",
    "outbox",
    "page_aliases",
    "pages",
    "properties",
    "property_keys",
    "recipe_examples",
    "recipes",
    "records",
    "suppressions",
    "unverified",
    "watches",
]

metadata = Base.metadata
alerts = cast(Table, Alert.__table__)
audit_log = cast(Table, AuditEntry.__table__)
batches = cast(Table, Batch.__table__)
blob_bytes = cast(Table, BlobBytes.__table__)
blobs = cast(Table, Blob.__table__)
changes = cast(Table, Change.__table__)
daily_usage = cast(Table, DailyUsage.__table__)
identity_overrides = cast(Table, IdentityOverride.__table__)
job_attempts = cast(Table, JobAttempt.__table__)
jobs = cast(Table, Job.__table__)
key_history = cast(Table, KeyHour.__table__)
keys = cast(Table, Key.__table__)
llm_batches = cast(Table, LlmBatch.__table__)
llm_cache = cast(Table, LlmCache.__table__)
llm_requests = cast(Table, LlmRequest.__table__)
observations = cast(Table, Observation.__table__)
outbox = cast(Table, Message.__table__)
page_aliases = cast(Table, PageAlias.__table__)
pages = cast(Table, PageCopy.__table__)
properties = cast(Table, Property.__table__)
property_keys = cast(Table, PropertyKey.__table__)
recipe_examples = cast(Table, RecipeExample.__table__)
recipes = cast(Table, RecipeRow.__table__)
records = cast(Table, SourceRow.__table__)
suppressions = cast(Table, Suppression.__table__)
unverified = cast(Table, Unverified.__table__)
watches = cast(Table, Watch.__table__)

#: the URLs that a page is known by
RECORD_URLS = (records.c.url, records.c.final_url, records.c.page_url)
