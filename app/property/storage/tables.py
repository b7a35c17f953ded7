"""All tables, as the newest migration in `migrations` leaves them; a test compares the two.

They are defined by subject in `*_tables.py`; whoever needs one takes it from here.
"""

from __future__ import annotations

from app.property.storage.change_tables import change_candidates, change_receivers, changes
from app.property.storage.columns import ACTIVE, IS_ACTIVE, STATES, UtcDateTime, metadata
from app.property.storage.job_tables import ONE_ATTEMPT_LESS, batches, caller_days, job_sources, jobs, request_keys
from app.property.storage.key_tables import (
    IS_FIRING,
    alert_notices,
    alerts,
    key_actions,
    key_history,
    key_hours,
    model_history,
    model_hours,
)
from app.property.storage.model_tables import model_answers, model_batches, model_requests
from app.property.storage.page_tables import (
    bodies,
    page_readers,
    page_urls,
    pages,
    purge_marks,
    purged_names,
    purges,
    site_answers,
    source_tries,
    web_searches,
)
from app.property.storage.property_tables import (
    RECORD_URLS,
    identity_overrides,
    observations,
    properties,
    property_blocks,
    property_keys,
    records,
    unverified,
)
from app.property.storage.recipe_tables import recipe_examples, recipes
from app.property.storage.watch_tables import watch_days, watches

__all__ = [
    "ACTIVE",
    "IS_ACTIVE",
    "IS_FIRING",
    "ONE_ATTEMPT_LESS",
    "RECORD_URLS",
    "STATES",
    "UtcDateTime",
    "alert_notices",
    "alerts",
    "batches",
    "bodies",
    "caller_days",
    "change_candidates",
    "change_receivers",
    "changes",
    "identity_overrides",
    "job_sources",
    "jobs",
    "key_actions",
    "key_history",
    "key_hours",
    "metadata",
    "model_answers",
    "model_batches",
    "model_history",
    "model_hours",
    "model_requests",
    "observations",
    "page_readers",
    "page_urls",
    "pages",
    "properties",
    "property_blocks",
    "property_keys",
    "purge_marks",
    "purged_names",
    "purges",
    "recipe_examples",
    "recipes",
    "records",
    "request_keys",
    "site_answers",
    "source_tries",
    "unverified",
    "watch_days",
    "watches",
    "web_searches",
]
