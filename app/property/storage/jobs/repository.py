"""The jobs table is the source of truth; the broker only delivers messages.

Each change of state is one UPDATE that checks the old state and, if needed, the lease. Therefore, only one of two
concurrent changes succeeds.
"""

import builtins
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, literal, or_, select, update
from sqlalchemy.orm import aliased, selectinload

from app.errors import NotFoundError, PropertyIntelligenceError
from app.property.storage.database import Database
from app.property.storage.jobs import idempotency, usage
from app.property.storage.jobs.batches import cancel_jobs, count_jobs, reopen_batches
from app.property.storage.jobs.enqueue import make_batch, refuse_named
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import (
    CLEARED,
    ONE_ATTEMPT_LESS,
    Batch,
    Enqueued,
    Job,
    JobAttempt,
    JobState,
    Recovered,
)
from app.property.storage.jobs.recovery import RESEND_SECONDS, take_lost
from app.property.storage.jobs.usage import Requester
from app.property.storage.outbox import Message
from app.property.storage.paging import Order, Page
from app.property.storage.statements import Store, chunks, clean, entities
from app.property.storage.types import ACTIVE, UtcDateTime
from app.property.storage.watches.outcomes import job_again_at
from app.property.urls.targets import normalize_target

#: Maximum age of a fresh target, in days. A fresh target is read again only if the request has `refresh`.
FRESH_DAYS = 30.0
#: Assumed number of messages sent per second.
_SENT_PER_SECOND = 500
#: A message may arrive this many seconds before its countdown ends, because clocks differ.
_EARLY_SECONDS = 1.0
_ENDED_BADLY = Job.state.in_((JobState.FAILED, JobState.CANCELLED))
_OTHER = aliased(Job)
#: Condition that another job of the same target is active.
TARGET_IS_ACTIVE = exists().where(_OTHER.target == Job.target, _OTHER.state.in_(ACTIVE))
_PLACE = (Job.created_at, Job.position, Job.id)
ORDER = Order("jobs", _PLACE)
NEWEST_FIRST = Order("newest jobs", _PLACE, descending=True)
_SHOWN = select(Job).options(selectinload(Job.tried))


def queue_again(
    connection: Connection, job_ids: Sequence[str], ended_badly: ColumnElement[bool], resend_at: datetime
) -> list[Job]:
    """Reset and requeue the jobs that meet the condition `ended_badly`, and reopen their batches.

    Return the queued jobs.
    """
    change = {
        **CLEARED,
        **dict.fromkeys(("error_code", "error_message", "started_at", "finished_at", "model_note")),
        **dict.fromkeys(("page_from", "request_id")),
        "state": JobState.QUEUED,
        "attempts": 0,
        "waited_seconds": 0.0,
        "wanted_model": [],
        "sent_times": 0,
        "resend_at": resend_at,
    }
    queued: dict[str, Job] = {}
    for some in chunks(job_ids):
        # checked again, because another process may have requeued the job
        statement = update(Job).where(Job.id.in_(some), ended_badly).values(change).returning(Job)
        changed = {job.id: job for job in entities(connection, statement)}
        queued |= changed
        reopen_batches(connection, list(changed))
        connection.execute(delete(JobAttempt).where(JobAttempt.job_id.in_(changed)))
    return [queued[job_id] for job_id in job_ids if job_id in queued]


class JobStore(Store):
    """Stores jobs. A target that was read within `fresh_days` is fresh, unless it waits for a model that `can_ask`."""

    def __init__(
        self, database: Database, *, fresh_days: float = FRESH_DAYS, can_ask: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__(database)
        self._fresh = timedelta(days=fresh_days)
        self._can_ask = can_ask

    def enqueue(
        self,
        targets: Sequence[str],
        *,
        priority: int = 5,
        refresh: bool = False,
        callback_url: str | None = None,
        economy: bool = False,
        requester: Requester | None = None,
    ) -> Enqueued:
        """Create a batch with a job for each target that has no active job and is not fresh.

        With `refresh`, no target counts as fresh. Priorities range from 0 (urgent) to 9. A webhook is sent to
        `callback_url` (already checked) when the batch completes. Jobs with `economy` may wait for model batches. New
        jobs count against the quota of `requester`. If the requester's idempotency key was used before, return the
        earlier batch, or raise an error of `idempotency.earlier`.

        Raises `InvalidTargetError` and `QuotaExceededError`, and then creates nothing.
        """
        now, key = self._clock.now(), requester.key if requester is not None else None
        resend_at = self._send_by(now, len(targets))
        fresh_since = None if refresh else now - self._fresh
        wanted = [normalize_target(target) for target in targets]
        batch: dict[str, Any] = {"priority": priority, "economy": economy, "callback_url": callback_url}
        batch["can_ask"] = self._can_ask()
        if requester is not None:
            batch["caller"] = requester.caller
        if key is not None:
            batch |= {"idempotency_key": key.id, "fingerprint": key.fingerprint, "answer_by": resend_at}

        def work(connection: Connection) -> Enqueued:
            if key is not None and (earlier := idempotency.take(self._database, connection, key, now)) is not None:
                return earlier
            refuse_named(self._database, connection, wanted)
            made = make_batch(connection, now, wanted, resend_at=resend_at, fresh_since=fresh_since, **batch)
            if requester is not None:
                usage.charge(connection, requester, now, len(made.new))
            return made

        return self._database.repeat(work)

    def earlier(self, key: RequestKey) -> Enqueued | None:
        return self._database.repeat(lambda connection: idempotency.earlier(connection, key, self._clock.now()))

    def note_answered(self, key: RequestKey) -> None:
        with self._database.writing() as connection:
            idempotency.note_answered(connection, key, self._clock.now())

    def used_today(self, caller: str) -> int:
        with self._database.reading() as connection:
            return usage.used(connection, caller, self._clock.now().date())

    def mark_sent(self, sent: Sequence[Job], queue: str) -> None:
        """Record that the messages of these jobs are in `queue`, except jobs that were claimed meanwhile."""
        change = {"sent_at": self._clock.now(), "sent_to": queue, "sent_times": Job.sent_times + 1}

        def work(connection: Connection) -> None:
            for resend_at in {job.resend_at for job in sent}:
                ids = [job.id for job in sent if job.resend_at == resend_at]
                for some in chunks(ids):
                    unclaimed = Job.id.in_(some), Job.state == JobState.QUEUED, Job.resend_at == resend_at
                    connection.execute(update(Job).where(*unclaimed).values({**change, "resend_at": None}))

        if sent:
            self._database.repeat(work)

    def claim(self, job_id: str, owner: str, lease_seconds: float) -> Job | None:
        """Lease the job to `owner` and return it. Return None if it may not run now (it may be running already)."""
        now = self._clock.now()
        soon = now + timedelta(seconds=_EARLY_SECONDS)
        free = or_(
            and_(Job.state == JobState.QUEUED, or_(Job.due_at.is_(None), Job.due_at <= soon)),
            and_(Job.state == JobState.DEFERRED, Job.due_at <= now),
            and_(Job.state == JobState.RUNNING, Job.lease_expires_at <= now),
        )
        change = {
            **CLEARED,
            "state": JobState.RUNNING,
            "lease_owner": owner,
            "lease_expires_at": now + timedelta(seconds=lease_seconds),
            "attempts": Job.attempts + 1,
            "started_at": func.coalesce(Job.started_at, literal(now, UtcDateTime())),
        }
        statement = update(Job).where(Job.id == job_id, free).values(change).returning(Job)
        with self._database.writing() as connection:
            return next(iter(entities(connection, statement)), None)

    def holds(self, lease: Lease) -> bool:
        """Return whether the lease is valid: the job was not canceled, requeued, or purged."""
        return bool(self._rows(select(Job.id).where(lease.holds())))

    def renew(self, job_id: str, owner: str, lease_seconds: float) -> bool:
        """Extend the lease, even an expired one. Return False if the lease is lost; the run must then stop."""
        until = self._clock.now() + timedelta(seconds=lease_seconds)
        return self._change(job_id, owner, {"lease_expires_at": until})

    def fail(self, job_id: str, error: PropertyIntelligenceError, owner: str | None = None) -> bool:
        """Fail the job. If `owner` is None (the worker is dead), the lease is not checked.

        If a watch created the job and the error may be temporary, the job is requeued at `due_at`.
        """
        now = self._clock.now()
        change = {
            **CLEARED,
            "state": JobState.FAILED,
            "error_code": error.code,
            "error_message": clean(str(error)),
            "finished_at": now,
            "due_at": job_again_at(error.code, str(error), now),
        }
        return self._change(job_id, owner, change)

    def defer(self, job_id: str, owner: str, due_at: datetime, waited_seconds: float, *, counted: bool = False) -> bool:
        """Defer the job until `due_at`, when recovery requeues it."""
        change = {"state": JobState.DEFERRED, "due_at": due_at}
        return self._change(job_id, owner, {**CLEARED, **change, **_wait(waited_seconds, counted)})

    def release(
        self,
        job_id: str,
        owner: str,
        waited_seconds: float,
        queue: str,
        *,
        again_seconds: float = 0.0,
        counted: bool = False,
    ) -> bool:
        """Queue the job to run after `again_seconds`. The caller must send its message to `queue`, with that countdown.

        `waited_seconds` is the new total of waits that count toward the job's deadline. The run counts as an attempt
        only if `counted`, as for a retry after a failure.
        """
        due_at = self._clock.now() + timedelta(seconds=again_seconds)
        # until then a worker holds the message, so recovery must not expect it in the queue
        change = {"state": JobState.QUEUED, "due_at": due_at, "sent_at": due_at, "sent_to": queue}
        return self._change(job_id, owner, {**CLEARED, **change, **_wait(waited_seconds, counted)})

    def release_all(self, owners: str) -> builtins.list[str]:
        """Requeue the running jobs of a stopping worker, and return their ids. The next recovery sends their messages.

        The lease owners of the worker's runs begin with `owners`. These runs do not count as attempts.
        """
        mine = and_(Job.state == JobState.RUNNING, Job.lease_owner.startswith(owners, autoescape=True))
        now = self._clock.now()
        change = {"state": JobState.QUEUED, "due_at": now, "resend_at": now, "attempts": ONE_ATTEMPT_LESS}
        statement = update(Job).where(mine).values({**CLEARED, **change}).returning(Job.id)
        return self._database.repeat(lambda connection: list(connection.execute(statement).scalars()))

    def cancel(self, job_id: str) -> bool:
        """Cancel the job. Return False if it has ended already. Raises `NotFoundError`."""
        with self._database.writing() as connection:
            canceled = cancel_jobs(connection, Job.id == job_id, Job.state.in_(ACTIVE), now=self._clock.now())
        if not canceled:
            self.get(job_id)
        return canceled == 1

    def withdraw(self, made: Enqueued, requester: Requester | None = None) -> bool:
        """Undo a failed request: cancel its jobs that have not started, and refund them to `requester`.

        Started jobs continue, and stay counted against the quota. The callback is removed, and the idempotency key can
        be used again. If a repeated request was already answered with this batch, change nothing and return False.
        """

        def work(connection: Connection) -> bool:
            key = requester.key if requester is not None else None
            if key is not None and not idempotency.release(connection, key, made.batch):
                return False
            untouched = Job.state == JobState.QUEUED, Job.started_at.is_(None)
            withdrawn = cancel_jobs(connection, Job.batch_id == made.batch, *untouched, now=self._clock.now())
            change = update(Batch).where(Batch.id == made.batch).values(callback_url=None)
            made_at = connection.execute(change.returning(Batch.created_at)).scalar_one()
            connection.execute(delete(Message).where(Message.batch_id == made.batch))
            if requester is not None:
                usage.refund(connection, requester, made_at.date(), withdrawn)
            return True

        return self._database.repeat(work)

    def retry(self, job_ids: Sequence[str], requester: Requester | None = None) -> builtins.list[Job]:
        """Requeue failed and canceled jobs, reset their counters, and reopen their batches. Return the jobs to send.

        Jobs in other states are skipped, and jobs whose target has another active job. The requeued jobs count against
        the quota of `requester`. If the quota is too small, raise `QuotaExceededError` and requeue nothing.
        """

        def work(connection: Connection) -> builtins.list[Job]:
            targets: dict[str, str] = {}
            for some in chunks(job_ids):
                free = select(Job.id, Job.target).where(Job.id.in_(some), _ENDED_BADLY, ~TARGET_IS_ACTIVE)
                targets |= {row.id: row.target for row in connection.execute(free)}
            chosen: dict[str, str] = {}
            for job_id in job_ids:
                if job_id in targets:  # keep the first of several jobs for one target
                    chosen.setdefault(targets[job_id], job_id)
            resend_at = self._send_by(self._clock.now(), len(chosen))
            queued = queue_again(connection, list(chosen.values()), _ENDED_BADLY, resend_at)
            if requester is not None:
                usage.charge(connection, requester, self._clock.now(), len(queued))
            return queued

        return self._database.repeat(work)

    def get(self, job_id: str) -> Job:
        """Return the job with this id. Raises `NotFoundError`."""
        found = self._read(_SHOWN.where(Job.id == job_id))
        if not found:
            raise NotFoundError("job", job_id)
        return found[0]

    def list(self, *, batch: str | None = None, state: str | None = None, limit: int = 100) -> builtins.list[Job]:
        """Return up to `limit` jobs, oldest first."""
        return self.page(batch=batch, state=state, limit=limit).items

    def page(
        self,
        cursor: str | None = None,
        *,
        batch: str | None = None,
        state: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page[Job]:
        """Return a page of jobs, oldest or newest first. Raises `InvalidCursorError`."""
        chosen = [column == value for column, value in ((Job.batch_id, batch), (Job.state, state)) if value is not None]
        return self._page(NEWEST_FIRST if newest_first else ORDER, _SHOWN.where(*chosen), cursor, limit)

    def counts(self, batch: str | None = None) -> dict[str, int]:
        with self._database.reading() as connection:
            return count_jobs(connection, batch)

    def recoverable(self, limit: int = 1000, messages: Mapping[str, int] | None = None) -> builtins.list[Recovered]:
        """Requeue jobs that are due, returned, or lost (`recovery.py`). Return them, urgent and old jobs first.

        Concurrent calls never return the same job. `messages` is the number of messages in each broker queue, counted
        before this call, or None if the broker did not answer.
        """
        return take_lost(self._database, limit, messages)

    def _send_by(self, now: datetime, count: int) -> datetime:
        return now + timedelta(seconds=RESEND_SECONDS + count / _SENT_PER_SECOND)

    def _change(self, job_id: str, owner: str | None, change: dict[str, Any]) -> bool:
        is_active = and_(Job.id == job_id, Job.state.in_(ACTIVE))
        allowed = Lease(job_id, owner).holds() if owner is not None else is_active
        with self._database.writing() as connection:
            return connection.execute(update(Job).where(allowed).values(change)).rowcount == 1


def _wait(waited_seconds: float, counted: bool) -> dict[str, Any]:
    wait = {"waited_seconds": waited_seconds}
    return wait if counted else {**wait, "attempts": ONE_ATTEMPT_LESS}
