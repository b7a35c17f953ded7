"""Finds the jobs that no message and no worker will bring forward any more, and queues them anew."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Update, and_, bindparam, or_, select, update

from app.property.store.engine import Database
from app.property.store.models import Job, JobState
from app.property.store.rows import chunks, job_of
from app.property.store.tables import UtcDateTime, jobs

#: a job is sent again after 1, 2, 4 ... 64 times the usual patience: a long queue must not fill up with duplicates
_MAX_DOUBLINGS = 6


def take_lost(database: Database, limit: int, resend_seconds: float, *, broker_is_empty: bool) -> list[Job]:
    """See `JobStore.recoverable`."""
    now = database.clock.now()
    lost = _lost(now, broker_is_empty=broker_is_empty)

    def work(connection: Connection) -> list[Job]:
        database.exclusively(connection, "jobs.recoverable")
        query = select(jobs.c.id, jobs.c.sent_times).where(lost)
        query = query.order_by(jobs.c.priority, jobs.c.created_at, jobs.c.position).limit(limit)
        rows = connection.execute(query).all()
        if not rows:
            return []
        again = [
            {"of": row.id, "again": now + timedelta(seconds=resend_seconds * 2 ** min(row.sent_times, _MAX_DOUBLINGS))}
            for row in rows
        ]
        connection.execute(_queue_anew(lost, now), again)
        return _in_order(connection, [row.id for row in rows], now)

    return database.repeat(work)


def _lost(now: datetime, *, broker_is_empty: bool) -> ColumnElement[bool]:
    unclaimed = jobs.c.state == JobState.QUEUED
    return or_(
        and_(jobs.c.state == JobState.RUNNING, jobs.c.lease_expires_at <= now),
        and_(jobs.c.state == JobState.DEFERRED, jobs.c.due_at <= now),
        unclaimed if broker_is_empty else and_(unclaimed, jobs.c.resend_at <= now),
    )


def _queue_anew(lost: ColumnElement[bool], now: datetime) -> Update:
    return (
        update(jobs)
        .where(jobs.c.id == bindparam("of"), lost)
        .values(
            state=JobState.QUEUED,
            sent_at=now,
            sent_times=jobs.c.sent_times + 1,
            resend_at=bindparam("again", type_=UtcDateTime()),
            due_at=None,
            lease_owner=None,
            lease_expires_at=None,
        )
    )


def _in_order(connection: Connection, ids: list[str], now: datetime) -> list[Job]:
    """The jobs of `ids` that were queued anew at `now`: one that a worker claimed meanwhile is left out."""
    found: dict[str, Job] = {}
    for some in chunks(ids):
        query = select(jobs).where(jobs.c.id.in_(some), jobs.c.state == JobState.QUEUED, jobs.c.sent_at == now)
        found |= {row.id: job_of(row) for row in connection.execute(query)}
    return [found[job_id] for job_id in ids if job_id in found]
