"""Deletes rows of the bookkeeping that are too old: each rule by an index, some hundred rows in a transaction.

What else expires is elsewhere: copies of pages (`pages/retention.py`), and values (`privacy/ages.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_, update

from app.property.storage.database import Database
from app.property.storage.jobs.idempotency import FORGOTTEN, KEPT
from app.property.storage.outbox import Channel
from app.property.storage.tables import (
    alerts,
    audit_log,
    batches,
    daily_usage,
    identity_overrides,
    jobs,
    key_history,
    keys,
    llm_requests,
    outbox,
    page_aliases,
    pages,
    suppressions,
)

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
    complete = select(batches.c.id).where(batches.c.id == jobs.c.batch_id, batches.c.completed_at < oldest).exists()
    old = jobs.c.finished_at < oldest, complete
    with database.reading() as connection:
        query = select(jobs.c.id).where(*old).order_by(jobs.c.finished_at).limit(AT_ONCE)
        ids = connection.execute(query).scalars().all()

    def work(connection: Connection) -> int:
        # one of them may have been retried meanwhile
        still = select(jobs.c.id).where(jobs.c.id.in_(ids), *old).with_for_update()
        gone = connection.execute(still).scalars().all()
        connection.execute(update(pages).where(pages.c.job_id.in_(gone)).values(job_id=None))
        return connection.execute(delete(jobs).where(jobs.c.id.in_(gone))).rowcount

    return database.repeat(work) if ids else 0


def prune_rows(database: Database, *, job_days: float, page_days: float) -> int:
    """Delete up to `AT_ONCE` rows by each other rule, each in a transaction of its own; return how many went."""
    now = database.clock.now()
    old_jobs = now - timedelta(days=job_days)
    has_jobs = select(jobs.c.id).where(jobs.c.batch_id == batches.c.id).exists()
    has_requests = select(llm_requests.c.id).where(llm_requests.c.batch_id == batches.c.id).exists()
    rules: tuple[tuple[Table, ColumnElement[bool]], ...] = (
        (batches, (batches.c.completed_at < old_jobs) & ~has_jobs & ~has_requests),
        (page_aliases, page_aliases.c.seen_at < now - timedelta(days=page_days)),
        (daily_usage, daily_usage.c.day < (now - _USAGE_KEPT).date()),
        (alerts, alerts.c.resolved_at < now - _AUDIT_KEPT),
        (keys, keys.c.removed_at < now - _AUDIT_KEPT),
        (key_history, key_history.c.hour < now - _AUDIT_KEPT),
        (identity_overrides, identity_overrides.c.undone_at < now - _AUDIT_KEPT),
        (suppressions, suppressions.c.expires_at < now),
        (audit_log, audit_log.c.at < now - _AUDIT_KEPT),
        (outbox, (outbox.c.channel == Channel.ALERT) & (outbox.c.created_at < now - _ALERTS_SENT_KEPT)),
    )
    _forget_keys(database, now - KEPT)
    return sum(_delete_some(database, table, old) for table, old in rules)


def _forget_keys(database: Database, oldest: datetime) -> None:
    with_key = select(batches.c.id).where(batches.c.idempotency_key.is_not(None), batches.c.created_at <= oldest)
    with database.reading() as connection:
        old = connection.execute(with_key.limit(AT_ONCE)).scalars().all()
    if old:
        forget = update(batches).where(batches.c.id.in_(old)).values(FORGOTTEN)
        database.repeat(lambda connection: connection.execute(forget))


def _delete_some(database: Database, table: Table, old: ColumnElement[bool]) -> int:
    key = tuple(table.primary_key.columns)
    some = select(*key).where(old).limit(AT_ONCE)
    with database.reading() as connection:
        if connection.execute(some.limit(1)).first() is None:
            return 0
    gone = delete(table).where(tuple_(*key).in_(some))
    return database.repeat(lambda connection: connection.execute(gone).rowcount)
