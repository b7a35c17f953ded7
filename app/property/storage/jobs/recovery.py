"""Requeue due jobs, and jobs that would never run because their worker or sender died or their message was lost.

A queued job without `resend_at` has a message in the queue `sent_to`. A queued job with `resend_at` is still to be
sent; after that time, its sender is assumed dead. If the job also has `due_at`, a stopping worker returned it, and
recovery sends it. While a worker holds the message until a countdown ends, `sent_at` is the end of the countdown.

If a queue has fewer messages than jobs sent to it, messages were lost. Workers take messages in order, so the oldest
jobs of that queue are requeued.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, update

from app.property.storage.database import Database
from app.property.storage.jobs.models import CLEARED, Job, JobState, Recovered, RecoveryReason
from app.property.storage.statements import chunks, entities

#: If a queued job is not sent within this many seconds, its sender is assumed dead.
RESEND_SECONDS = 20.0
#: A job sent within this many seconds is not assumed lost: a worker may have its message but not its lease yet.
JUST_SENT_SECONDS = 5.0
#: Conditions for requeuing a job, by reason; a job meets at most one.
_Lost = Mapping[RecoveryReason, ColumnElement[bool]]


def take_lost(database: Database, limit: int, messages: Mapping[str, int] | None) -> list[Recovered]:
    now = database.clock.now()

    def work(connection: Connection) -> list[Recovered]:
        database.advisory_lock(connection, "jobs.recoverable")
        found = _requeued(connection, _overdue(now), limit, now)
        for queue, missing in _shortages(connection, messages or {}, now):
            if (room := min(limit - len(found), missing)) > 0:
                lost = {RecoveryReason.LOST: and_(_sent(now), Job.sent_to == queue)}
                found += _requeued(connection, lost, room, now)
        return found

    return database.repeat(work)


def _overdue(now: datetime) -> _Lost:
    unsent = and_(Job.state == JobState.QUEUED, Job.resend_at <= now)
    return {
        RecoveryReason.LEASE: and_(Job.state == JobState.RUNNING, Job.lease_expires_at <= now),
        RecoveryReason.DUE: and_(Job.state == JobState.DEFERRED, Job.due_at <= now),
        RecoveryReason.RETURNED: and_(unsent, Job.due_at.is_not(None)),
        RecoveryReason.UNSENT: and_(unsent, Job.due_at.is_(None)),
    }


def _shortages(connection: Connection, messages: Mapping[str, int], now: datetime) -> Iterator[tuple[str, int]]:
    """Yield each queue that lost messages, with the number lost. A queue not in `messages` counts as empty."""
    if not messages:
        return
    query = select(Job.sent_to, func.count()).where(_sent(now)).group_by(Job.sent_to)
    for queue, waiting in connection.execute(query).all():
        if queue is not None and (missing := waiting - messages.get(queue, 0)) > 0:
            yield queue, missing


def _sent(now: datetime) -> ColumnElement[bool]:
    return and_(
        Job.state == JobState.QUEUED, Job.resend_at.is_(None), Job.sent_at <= now - timedelta(seconds=JUST_SENT_SECONDS)
    )


def _requeued(connection: Connection, lost: _Lost, limit: int, now: datetime) -> list[Recovered]:
    why = case(*((condition, reason.value) for reason, condition in lost.items()))
    query = select(Job.id, why).where(or_(*lost.values()))
    query = query.order_by(Job.priority, Job.created_at, Job.position).limit(limit)
    reasons = {row[0]: RecoveryReason(row[1]) for row in connection.execute(query)}
    change = {**CLEARED, "state": JobState.QUEUED, "resend_at": now + timedelta(seconds=RESEND_SECONDS)}
    found: dict[str, Recovered] = {}
    for reason, condition in lost.items():
        for some in chunks([job_id for job_id, its in reasons.items() if its is reason]):
            statement = update(Job).where(Job.id.in_(some), condition).values(change).returning(Job)
            found |= {job.id: Recovered(job, reason) for job in entities(connection, statement)}
    return [found[job_id] for job_id in reasons if job_id in found]
