"""Everything that lasts: jobs, pages, records, properties, observations and the model's paid answers.

One `Database` (SQLite or PostgreSQL) with a store per subject on it. Whoever imports from here needs no SQL.
"""

from app.property.store.answers import AnswerStore, Question, StoredAnswer
from app.property.store.batches import BatchStore
from app.property.store.engine import Database, database_url
from app.property.store.jobs import FRESH_DAYS, JobStore
from app.property.store.models import Batch, CallbackState, ClaimedCallback, Enqueued, Job, JobState
from app.property.store.pages import PageStore
from app.property.store.paging import Page, every
from app.property.store.properties import PropertyStore
from app.property.store.quotas import Requester, next_day
from app.property.store.request_keys import RequestKey
from app.property.store.rows import digest, new_id
from app.property.store.schema import downgrade, upgrade
from app.property.store.targets import normalise_target

__all__ = [
    "FRESH_DAYS",
    "AnswerStore",
    "Batch",
    "BatchStore",
    "CallbackState",
    "ClaimedCallback",
    "Database",
    "Enqueued",
    "Job",
    "JobState",
    "JobStore",
    "Page",
    "PageStore",
    "PropertyStore",
    "Question",
    "RequestKey",
    "Requester",
    "StoredAnswer",
    "database_url",
    "digest",
    "downgrade",
    "every",
    "new_id",
    "next_day",
    "normalise_target",
    "upgrade",
]
