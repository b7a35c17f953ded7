"""Everything that lasts: jobs, pages, records, properties, observations and the model's paid answers; and the history
of the keys, their health reports and alerts.

One `Database` (SQLite or PostgreSQL) with a store per subject on it. Whoever imports from here needs no SQL.
"""

from app.property.store.alerts import Alarm, Alert, AlertStore, Booked, ClaimedNotice, Severity, Untold
from app.property.store.answers import AnswerStore, Question, StoredAnswer
from app.property.store.batches import BatchStore
from app.property.store.change_feed import LATEST, Backlog, ChangeStore, ClaimedChange, Followed, ask_for_looks
from app.property.store.change_rows import Change
from app.property.store.decision_rows import IdentityDecision
from app.property.store.decisions import DecisionStore
from app.property.store.engine import Database, database_url, names_key
from app.property.store.explaining import explain
from app.property.store.forecast import (
    CACHED_DAYS,
    AddressTook,
    Took,
    addresses_took,
    cached_share,
    new_targets,
    pages_took,
)
from app.property.store.found_jobs import FoundJobs, LeftOut, Walked
from app.property.store.health_reports import ReportStore, StoredReport
from app.property.store.job_sources import JobSources
from app.property.store.jobs import FRESH_DAYS, JobStore
from app.property.store.key_actions import KeyAction, KeyActionStore, KeyDeed
from app.property.store.key_history import KeyHistoryStore, KnownKey
from app.property.store.model_batches import (
    Answered,
    Candidate,
    Charges,
    ModelBatch,
    ModelBatchState,
    ModelBatchStore,
    Used,
)
from app.property.store.model_requests import (
    ModelRequest,
    ModelRequestStore,
    Parked,
    RequestFigures,
    RequestOutcome,
    RequestState,
)
from app.property.store.models import (
    Batch,
    CallbackState,
    ClaimedCallback,
    Enqueued,
    Job,
    JobState,
    PageFrom,
    Recovered,
    RecoveryReason,
)
from app.property.store.names_key import NamesKey
from app.property.store.page_index import KnownRecord, PageIndex
from app.property.store.pages import PageStore
from app.property.store.paging import Page, every
from app.property.store.person_purging import PersonPurge
from app.property.store.personal_data import Aged, AgeLimits
from app.property.store.properties import PropertyStore
from app.property.store.purge_account import PurgeAccount, PurgeEntry
from app.property.store.purge_journal import PurgeJournal
from app.property.store.purge_scope import PurgeKind
from app.property.store.purged_names import PurgedNames
from app.property.store.purging import Purged, PurgeStore
from app.property.store.quotas import Requester, next_day
from app.property.store.refiling import Refiled, Refiler
from app.property.store.repurging import Repurge
from app.property.store.request_keys import RequestKey
from app.property.store.retention import Pruned, Retention
from app.property.store.rows import digest, new_id
from app.property.store.sayings import Saying, sayings
from app.property.store.schema import downgrade, upgrade
from app.property.store.searches import SearchStore, StoredSearch
from app.property.store.searching import PropertyFilter
from app.property.store.snapshots import snapshot
from app.property.store.source_tries import SourceTries, SourceTry
from app.property.store.targets import (
    address_of_target,
    host_of_target,
    is_address,
    normalise_target,
    normalise_url,
    normalise_watched,
)
from app.property.store.tried import Tried
from app.property.store.unverified import Hearsay, UnverifiedStore
from app.property.store.usage import Counted, CountedKey, CountedModel, Demand, Uses, Usual
from app.property.store.watch_budget import Charge, WatchDay, WatchLedger, WatchLimits
from app.property.store.watch_models import Tick, Watch, WatchKind, WatchStatus
from app.property.store.watch_ticks import TICK_SECONDS
from app.property.store.watches import Watches, ask_recheck

__all__ = [
    "CACHED_DAYS",
    "FRESH_DAYS",
    "LATEST",
    "TICK_SECONDS",
    "AddressTook",
    "AgeLimits",
    "Aged",
    "Alarm",
    "Alert",
    "AlertStore",
    "AnswerStore",
    "Answered",
    "Backlog",
    "Batch",
    "BatchStore",
    "Booked",
    "CallbackState",
    "Candidate",
    "Change",
    "ChangeStore",
    "Charge",
    "Charges",
    "ClaimedCallback",
    "ClaimedChange",
    "ClaimedNotice",
    "Counted",
    "CountedKey",
    "CountedModel",
    "Database",
    "DecisionStore",
    "Demand",
    "Enqueued",
    "Followed",
    "FoundJobs",
    "Hearsay",
    "IdentityDecision",
    "Job",
    "JobSources",
    "JobState",
    "JobStore",
    "KeyAction",
    "KeyActionStore",
    "KeyDeed",
    "KeyHistoryStore",
    "KnownKey",
    "KnownRecord",
    "LeftOut",
    "ModelBatch",
    "ModelBatchState",
    "ModelBatchStore",
    "ModelRequest",
    "ModelRequestStore",
    "NamesKey",
    "Page",
    "PageFrom",
    "PageIndex",
    "PageStore",
    "Parked",
    "PersonPurge",
    "PropertyFilter",
    "PropertyStore",
    "Pruned",
    "PurgeAccount",
    "PurgeEntry",
    "PurgeJournal",
    "PurgeKind",
    "PurgeStore",
    "Purged",
    "PurgedNames",
    "Question",
    "Recovered",
    "RecoveryReason",
    "Refiled",
    "Refiler",
    "ReportStore",
    "Repurge",
    "RequestFigures",
    "RequestKey",
    "RequestOutcome",
    "RequestState",
    "Requester",
    "Retention",
    "Saying",
    "SearchStore",
    "Severity",
    "SourceTries",
    "SourceTry",
    "StoredAnswer",
    "StoredReport",
    "StoredSearch",
    "Tick",
    "Took",
    "Tried",
    "Untold",
    "UnverifiedStore",
    "Used",
    "Uses",
    "Usual",
    "Walked",
    "Watch",
    "WatchDay",
    "WatchKind",
    "WatchLedger",
    "WatchLimits",
    "WatchStatus",
    "Watches",
    "address_of_target",
    "addresses_took",
    "ask_for_looks",
    "ask_recheck",
    "cached_share",
    "database_url",
    "digest",
    "downgrade",
    "every",
    "explain",
    "host_of_target",
    "is_address",
    "names_key",
    "new_id",
    "new_targets",
    "next_day",
    "normalise_target",
    "normalise_url",
    "normalise_watched",
    "pages_took",
    "sayings",
    "snapshot",
    "upgrade",
]
