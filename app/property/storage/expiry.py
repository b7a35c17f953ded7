"""Deletes rows of the bookkeeping that are too old: each rule by an index, some hundred rows in a transaction.

What else expires is elsewhere: copies of pages (`pages/retention.py`), and values (`privacy/ages.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, select, update

from app.property.storage.audit import AuditEntry
from app.property.storage.database import Database
from app.property.storage.jobs.idempotency import FORGOTTEN, KEPT
from app.property.storage.jobs.models import Batch as BatchRow
from app.property.storage.jobs.models import DailyUsage
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.keys.tables import Alert, Key, KeyHour
from app.property.storage.llm.tables import LlmRequest
from app.property.storage.outbox import Channel, Message
from app.property.storage.pages.tables import PageAlias
from app.property.storage.privacy.tables import Suppression
from app.property.storage.properties.tables import IdentityDecision
from app.property.storage.statements import delete_some
from app.property.storage.types import Base

#: rows that go in one transaction, so that no writer waits long
AT_ONCE = 500
#: what was counted by day, for callers and for watches
_USAGE_KEPT = timedelta(days=62)
#: lines of the audit, alerts that are over, hours of keys, keys that were removed, and decisions that were undone
_AUDIT_KEPT = timedelta(days=400)
#: messages about alerts; those about a batch go with it
_ALERTS_SENT_KEPT = timedelta(days=30)


def prune_jobs(database: Database, days: float) -> int:
    """Delete jobs of batches that were complete `days` ago, with their attempts; return how many, at most `AT_ONCE`."""
    oldest = database.clock.now() - timedelta(days=days)
    complete = select(BatchRow.id).where(BatchRow.id == JobRow.batch_id, BatchRow.completed_at < oldest).exists()
    old = JobRow.finished_at < oldest, complete
    with database.reading() as connection:
        query = select(JobRow.id).where(*old).order_by(JobRow.finished_at).limit(AT_ONCE)
        ids = connection.execute(query).scalars().all()

    def work(connection: Connection) -> int:
        # one of them may have been retried meanwhile
        still = select(JobRow.id).where(JobRow.id.in_(ids), *old).with_for_update()
        gone = connection.execute(still).scalars().all()
        return connection.execute(delete(JobRow).where(JobRow.id.in_(gone))).rowcount

    return database.repeat(work) if ids else 0


def prune_rows(database: Database, *, job_days: float, page_days: float) -> int:
    """Delete up to `AT_ONCE` rows by each other rule, each in a transaction of its own; return how many went."""
    now = database.clock.now()
    old_jobs = now - timedelta(days=job_days)
    has_jobs = select(JobRow.id).where(JobRow.batch_id == BatchRow.id).exists()
    has_requests = select(LlmRequest.id).where(LlmRequest.batch_id == BatchRow.id).exists()
    rules: tuple[tuple[type[Base], ColumnElement[bool]], ...] = (
        (BatchRow, (BatchRow.completed_at < old_jobs) & ~has_jobs & ~has_requests),
        (PageAlias, PageAlias.seen_at < now - timedelta(days=page_days)),
        (DailyUsage, DailyUsage.day < (now - _USAGE_KEPT).date()),
        (Alert, Alert.resolved_at < now - _AUDIT_KEPT),
        (Key, Key.removed_at < now - _AUDIT_KEPT),
        (KeyHour, KeyHour.hour < now - _AUDIT_KEPT),
        (IdentityDecision, IdentityDecision.undone_at < now - _AUDIT_KEPT),
        (Suppression, Suppression.expires_at < now),
        (AuditEntry, AuditEntry.at < now - _AUDIT_KEPT),
        (Message, (Message.channel == Channel.ALERT) & (Message.created_at < now - _ALERTS_SENT_KEPT)),
    )
    forgotten = _forget_keys(database, now - KEPT)
    return forgotten + sum(delete_some(database, table, old, AT_ONCE) for table, old in rules)


def _forget_keys(database: Database, oldest: datetime) -> int:
    with_key = select(BatchRow.id).where(BatchRow.idempotency_key.is_not(None), BatchRow.created_at <= oldest)
    with database.reading() as connection:
        old = connection.execute(with_key.limit(AT_ONCE)).scalars().all()
    forget = update(BatchRow).where(BatchRow.id.in_(old)).values(FORGOTTEN)
    return database.repeat(lambda connection: connection.execute(forget).rowcount) if old else 0
