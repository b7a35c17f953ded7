"""Finds the jobs that no message and no worker will bring forward any more, and queues them anew.

A queued job is either handed over (`resend_at` is empty: its message waits in the broker's queue `sent_to`), or it is
to be handed over by `resend_at`, and its sender has died if it was not; one with a `due_at` beside it was given back by
a worker that ended, and never had a sender. A message that a worker holds for a countdown
belongs to its queue from the end of the countdown on (`sent_at`). A queue that holds fewer messages than jobs were
handed to it has lost some, and since it is served in order, they are those of the oldest jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, update

from app.property.storage.database import Database
from app.property.storage.jobs.models import CLEARED, Job, JobState, Recovered, RecoveryReason
from app.property.storage.statements import chunks, entities

#: by then a job that was queued must have been handed to the broker; else its sender has died
RESEND_SECONDS = 20.0
#: a message that a worker has just taken is no longer in its queue, and its job not yet claimed
JUST_SENT_SECONDS = 5.0
#: which jobs are lost, by the reason; no job is so for two
_Lost = Mapping[RecoveryReason, ColumnElement[bool]]


def take_lost(database: Database, limit: int, messages: Mapping[str, int] | None) -> list[Recovered]:
    """See `JobStore.recoverable`."""
    now = database.clock.now()

    def work(connection: Connection) -> list[Recovered]:
        database.advisory_lock(connection, "jobs.recoverable")
        found = _taken(connection, _overdue(now), limit, now)
        for queue, missing in _shortages(connection, messages or {}, now):
            if (room := min(limit - len(found), missing)) > 0:
                lost = {RecoveryReason.LOST: and_(_handed_over(now), Job.sent_to == queue)}
                found += _taken(connection, lost, room, now)
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
    """How many messages each queue lacks. One that `messages` does not name is not consumed any more and lacks all."""
    if not messages:
        return
    query = select(Job.sent_to, func.count()).where(_handed_over(now)).group_by(Job.sent_to)
    for queue, waiting in connection.execute(query).all():
        if queue is not None and (missing := waiting - messages.get(queue, 0)) > 0:
            yield queue, missing


def _handed_over(now: datetime) -> ColumnElement[bool]:
    return and_(
        Job.state == JobState.QUEUED,
        Job.resend_at.is_(None),
        Job.sent_at <= now - timedelta(seconds=JUST_SENT_SECONDS),
    )


def _taken(connection: Connection, lost: _Lost, limit: int, now: datetime) -> list[Recovered]:
    """Queue at most `limit` of the `lost` jobs anew, urgent and old ones first.

    One that is claimed meanwhile, or lost for another reason by now, is left out.
    """
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
