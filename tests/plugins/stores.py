"""All stores of one database, and steps that their tests share."""

from typing import Any

from sqlalchemy import Executable, Row

from app.clock import ManualClock
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.repository import JobStore
from app.property.storage.keys.alerts import AlertStore
from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.llm.batches import LlmBatchStore
from app.property.storage.llm.cache import AnswerStore
from app.property.storage.llm.requests import LlmRequestStore
from app.property.storage.outbox import Outbox
from app.property.storage.pages.index import PageIndex
from app.property.storage.pages.repository import PageStore
from app.property.storage.pages.retention import Retention
from app.property.storage.privacy.ages import AgeLimits
from app.property.storage.privacy.names_key import NamesKey
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.recipes import StoredRecipes
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.watches.changes import ChangeStore
from app.property.storage.watches.repository import Watches
from benchmarks.saving import save_record

NAMES_KEY = NamesKey("k" * 32)


class Stores(Database):
    """A database with its stores and with a clock that only tests advance."""

    clock: ManualClock

    def __init__(self, url: str, clock: ManualClock) -> None:
        super().__init__(url, clock, names_key=NAMES_KEY, busy_timeout_seconds=120)
        self.jobs, self.batches, self.outbox = JobStore(self), BatchStore(self), Outbox(self)
        self.pages, self.index, self.retention = PageStore(self), PageIndex(self), Retention(self)
        self.answers, self.requests, self.llm_batches = AnswerStore(self), LlmRequestStore(self), LlmBatchStore(self)
        self.properties, self.decisions, self.recipes = PropertyStore(self), DecisionStore(self), StoredRecipes(self)
        self.watches, self.feed = Watches(self), ChangeStore(self)
        self.ages, self.history, self.alerts = AgeLimits(self), KeyHistoryStore(self), AlertStore(self)

    def start(self, target: str, owner: str = "me", **how: Any) -> Job:
        """Enqueue `target`, and return its job with a lease of 30 seconds."""
        (job,) = self.jobs.enqueue([target], **how).jobs
        return self.claim(job.id, owner)

    def claim(self, job_id: str, owner: str = "me") -> Job:
        job = self.jobs.claim(job_id, owner, 30)
        assert job is not None
        return job

    def save(self, record: SourceRecord, **how: Any) -> str:
        return save_record(self.properties, record, **how)

    def purge(self, kind: str, name: str, *, dry_run: bool = False) -> dict[str, int]:
        """Purge as the operator "alice", and return the number of deleted rows by table."""
        return PurgeStore(self).purge(PurgeKind(kind), name, who="alice", dry_run=dry_run).removed

    def execute(self, statement: Executable, rows: Any = None) -> list[Row[Any]]:
        """Execute one statement in its own transaction, and return its rows."""
        with self.writing() as connection:
            found = connection.execute(statement, rows)
            return list(found.all()) if found.returns_rows else []
