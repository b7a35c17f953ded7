"""Everything that lasts: jobs, pages, records, properties, observations and the model's paid answers; and the history
of the keys, their health reports and alerts.

One `Database` (SQLite or PostgreSQL) with a store per subject on it. Whoever imports from here needs no SQL.
"""

from app.property.storage.alerts import Alarm, Alert, AlertStore, Booked, ClaimedNotice, Severity, Untold
from app.property.storage.answers import AnswerStore, Question, StoredAnswer
from app.property.storage.batches import BatchStore
from app.property.storage.change_feed import LATEST, Backlog, ChangeStore, ClaimedChange, Followed, ask_for_looks
from app.property.storage.change_rows import Change
from app.property.storage.decision_rows import IdentityDecision
from app.property.storage.decisions import DecisionStore
from app.property.storage.engine import Database, database_url, names_key
from app.property.storage.explaining import explain
from app.property.storage.forecast import (
    CACHED_DAYS,
    AddressTook,
    Took,
    addresses_took,
    cached_share,
    new_targets,
    pages_took,
)
from app.property.storage.found_jobs import FoundJobs, LeftOut, Walked
from app.property.storage.health_reports import ReportStore, StoredReport
from app.property.storage.job_sources import JobSources
from app.property.storage.jobs import FRESH_DAYS, JobStore
from app.property.storage.key_actions import KeyAction, KeyActionStore, KeyDeed
from app.property.storage.key_history import KeyHistoryStore, KnownKey
from app.property.storage.model_batches import (
    Answered,
    Candidate,
    Charges,
    ModelBatch,
    ModelBatchState,
    ModelBatchStore,
    Used,
)
from app.property.storage.model_requests import (
    ModelRequest,
    ModelRequestStore,
    Parked,
    RequestFigures,
    RequestOutcome,
    RequestState,
)
from app.property.storage.models import (
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
from app.property.storage.names_key import NamesKey
from app.property.storage.page_index import KnownRecord, PageIndex
from app.property.storage.pages import PageStore
from app.property.storage.paging import Page, every
from app.property.storage.person_purging import PersonPurge
from app.property.storage.personal_data import Aged, AgeLimits
from app.property.storage.properties import PropertyStore
from app.property.storage.purge_account import PurgeAccount, PurgeEntry
from app.property.storage.purge_journal import PurgeJournal
from app.property.storage.purge_scope import PurgeKind
from app.property.storage.purged_names import PurgedNames
from app.property.storage.purging import Purged, PurgeStore
from app.property.storage.quotas import Requester, next_day
from app.property.storage.refiling import Refiled, Refiler
from app.property.storage.repurging import Repurge
from app.property.storage.request_keys import RequestKey
from app.property.storage.retention import Pruned, Retention
from app.property.storage.rows import digest, new_id
from app.property.storage.sayings import Saying, sayings
from app.property.storage.schema import downgrade, upgrade
from app.property.storage.searches import SearchStore, StoredSearch
from app.property.storage.searching import PropertyFilter
from app.property.storage.snapshots import snapshot
from app.property.storage.source_tries import SourceTries, SourceTry
from app.property.storage.tried import Tried
from app.property.storage.unverified import Hearsay, UnverifiedStore
from app.property.storage.usage import Counted, CountedKey, CountedModel, Demand, Uses, Usual
from app.property.storage.watch_budget import Charge, WatchDay, WatchLedger, WatchLimits
from app.property.storage.watch_models import Tick, Watch, WatchKind, WatchStatus
from app.property.storage.watch_ticks import TICK_SECONDS
from app.property.storage.watches import Watches, ask_recheck
from app.property.urls.targets import (
    address_of_target,
    host_of_target,
    is_address,
    normalise_target,
    normalise_url,
    normalise_watched,
)

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
