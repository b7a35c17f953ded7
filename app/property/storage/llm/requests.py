"""Questions to the model that can wait for a batch: parked by their jobs, sent together, answered, and taken up again.

One row for each question, however many jobs ask it. A job that waits is deferred, with `request_id` and `parked_at`;
who still wants an answer is asked of the jobs, so cancelling a job needs to know nothing of this. Both tables change in
one transaction: no job waits for what is over, and no answer is given twice. What is sent is `llm/batches.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select, update

from app.property.storage.database import Database
from app.property.storage.jobs.leases import Lease, hold
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.llm.answers import Question
from app.property.storage.privacy.marks import PURGE
from app.property.storage.privacy.names import purged_since
from app.property.storage.statements import chunks, insert_into
from app.property.storage.tables import ONE_ATTEMPT_LESS, jobs, model_answers, model_requests

#: A job comes back by itself so long after its request should have been given up, should nobody have woken it: the
#: longest that OpenAI needs to cancel a batch is ten minutes.
GRACE = timedelta(hours=1)
#: how long the outcome of a request is kept
KEPT = timedelta(days=7)
_R = model_requests.c


class RequestState(StrEnum):
    """parked: to be sent · sent: in a batch that is made or under way · the rest is final.

    direct: it is to be asked like any other, by its job · withdrawn: nobody wants the answer any more.
    """

    PARKED = "parked"
    SENT = "sent"
    ANSWERED = "answered"
    FAILED = "failed"
    DIRECT = "direct"
    WITHDRAWN = "withdrawn"

    @property
    def is_open(self) -> bool:
        return self in (RequestState.PARKED, RequestState.SENT)


OPEN = (RequestState.PARKED.value, RequestState.SENT.value)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A question on its way to a batch. `id` is its hash; `body` is sent, of which `input_tokens` are our estimate and
    `output_tokens` the most that it allows."""

    id: str
    question: Question
    body: Mapping[str, Any]
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """How far a request is. `answer` is the completion of an answered one, `error` what was wrong with a failed one.

    `used`: some job has taken the answer.
    """

    id: str
    state: RequestState
    attempts: int
    parked_at: datetime
    give_up_at: datetime
    answer: Mapping[str, Any] | None
    error_code: str | None
    error: str | None
    used: bool


@dataclass(frozen=True, slots=True)
class Parked:
    """Requests of one model that could be sent now. `oldest_at` is since when the first of them waits."""

    model: str
    requests: int
    body_bytes: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """`parked` and `sent` requests that are not over; `oldest_seconds` is how long the oldest has waited, 0 without."""

    parked: int
    sent: int
    oldest_seconds: float


NO_REQUESTS = RequestFigures(0, 0, 0.0)


class ModelRequestStore:
    """Requests in a `Database`. Atomic on every method, over all processes; raises errors of `app.errors`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = database.clock

    # --- the job's side

    def park(self, job: Job, owner: str, request: ModelRequest, max_wait_seconds: float) -> None:
        """Let the job wait for the answer, at no cost; it is asked once for all jobs that want it.

        A request that is over is asked anew, unless this very job has waited for it. Raises `LeaseLostError`, and
        `PersonPurgedMeanwhileError` for a question that names somebody who was purged.
        """
        now = self._clock.now()
        row = _row_of(job, request, now, now + timedelta(seconds=max_wait_seconds))

        def work(connection: Connection) -> None:
            self._database.together(connection, PURGE)
            hold(connection, Lease(job.id, owner))
            purged_since(self._database, connection, None).refuse(row["body"])
            _park(connection, job, row, now)

        self._database.repeat(work)

    def outcome(self, request_id: str) -> RequestOutcome | None:
        """How far it is; None if it was never asked, or is forgotten."""
        with self._database.reading() as connection:
            row = connection.execute(select(model_requests).where(_R.id == request_id)).one_or_none()
        if row is None:
            return None
        return RequestOutcome(
            id=row.id,
            state=RequestState(row.state),
            attempts=row.attempts,
            parked_at=row.parked_at,
            give_up_at=row.give_up_at,
            answer=row.answer,
            error_code=row.error_code,
            error=row.error_message,
            used=row.used_at is not None,
        )

    def question(self, request_id: str) -> Question | None:
        """What it asks; None if it was never asked, or is forgotten."""
        with self._database.reading() as connection:
            row = connection.execute(select(model_requests).where(_R.id == request_id)).one_or_none()
        return None if row is None else Question(row.content_sha256, tuple(row.fields), row.model, row.prompt_sha256)

    def mark_used(self, request_id: str) -> None:
        """A job has taken the answer: one that asks later and cannot use the same asks anew."""
        with self._database.writing() as connection:
            change = update(model_requests).where(_R.id == request_id, _R.used_at.is_(None))
            connection.execute(change.values(used_at=self._clock.now()))

    # --- what is parked

    def parked(self) -> list[Parked]:
        """What could be sent now, by model."""
        ready = and_(_R.state == RequestState.PARKED, is_ready(self._clock.now()))
        oldest = func.min(_R.parked_at, type_=_R.parked_at.type)
        query = select(_R.model, func.count(), func.sum(_R.body_bytes), oldest).where(ready).group_by(_R.model)
        with self._database.reading() as connection:
            return [Parked(row[0], row[1], int(row[2]), row[3]) for row in connection.execute(query)]

    def withdraw_unwanted(self) -> int:
        """Parked requests for whose answer no job waits any more are not sent; -> how many."""
        return self._database.repeat(
            lambda connection: self._end_parked(connection, ~is_wanted(), RequestState.WITHDRAWN)
        )

    def release_answered(self) -> int:
        """Parked requests whose question was answered meanwhile, for another job, go back to theirs; -> how many."""
        c = model_answers.c
        answered = exists().where(
            *(c.content_sha256 == _R.content_sha256, c.prompt_sha256 == _R.prompt_sha256, c.model == _R.model),
            func.coalesce(c.answer["failure"].as_string(), "") == "",
        )
        return self._database.repeat(lambda connection: self._end_parked(connection, answered, RequestState.DIRECT))

    def release_overdue(self) -> int:
        """Parked requests that have waited long enough go back to their jobs, to be asked at once; -> how many."""
        late = _R.give_up_at <= self._clock.now()
        return self._database.repeat(lambda connection: self._end_parked(connection, late, RequestState.DIRECT))

    def release(self, request_ids: Sequence[str]) -> int:
        """These parked requests go back to their jobs, to be asked at once; -> how many."""
        return sum(
            self._database.repeat(partial(self._end_parked, which=_R.id.in_(some), state=RequestState.DIRECT))
            for some in chunks(request_ids)
        )

    def prune(self) -> int:
        """Forget what was over long ago; -> how many."""
        old = _R.finished_at < self._clock.now() - KEPT
        with self._database.writing() as connection:
            return connection.execute(delete(model_requests).where(old)).rowcount

    def figures(self) -> RequestFigures:
        """For metrics and reports."""
        query = select(_R.state, func.count(), func.min(_R.parked_at, type_=_R.parked_at.type))
        query = query.where(_R.state.in_(OPEN)).group_by(_R.state)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        counts = {row[0]: row[1] for row in rows}
        oldest = min((row[2] for row in rows), default=None)
        waited = 0.0 if oldest is None else max(0.0, (self._clock.now() - oldest).total_seconds())
        return RequestFigures(counts.get(RequestState.PARKED, 0), counts.get(RequestState.SENT, 0), waited)

    def _end_parked(self, connection: Connection, which: ColumnElement[bool], state: RequestState) -> int:
        # The rows first, then a statement that looks at the jobs anew: a job may have been parked meanwhile, and
        # PostgreSQL would judge a row that it had to wait for by the jobs of before the wait.
        parked = _R.state == RequestState.PARKED
        query = select(_R.id).where(parked, which).with_for_update(of=model_requests, skip_locked=True)
        held = connection.execute(query).scalars().all()
        now, ended = self._clock.now(), 0
        for some in chunks(held):
            change = update(model_requests).where(_R.id.in_(some), parked, which).values(over(state, now))
            ids = connection.execute(change.returning(_R.id)).scalars().all()
            wake(connection, list(ids), now)
            ended += len(ids)
        return ended


def over(state: RequestState, now: datetime) -> dict[str, Any]:
    """The change of a request that ends: the text that it held is not kept."""
    return {"state": state, "finished_at": now, "body": None, "not_before": None}


def is_ready(now: datetime) -> ColumnElement[bool]:
    """It need not wait before it is sent (again)."""
    return (_R.not_before.is_(None)) | (_R.not_before <= now)


def is_wanted() -> ColumnElement[bool]:
    """Some job waits for the request's answer."""
    return exists().where(jobs.c.request_id == _R.id, _waiting())


def wake(connection: Connection, request_ids: list[str], now: datetime) -> None:
    """The jobs that wait for these requests are due: recovery sends them."""
    for some in chunks(request_ids):
        connection.execute(update(jobs).where(jobs.c.request_id.in_(some), _waiting()).values(due_at=now))


def _waiting() -> ColumnElement[bool]:
    return and_(jobs.c.state == JobState.DEFERRED, jobs.c.parked_at.is_not(None))


def _row_of(job: Job, request: ModelRequest, now: datetime, give_up_at: datetime) -> dict[str, Any]:
    body = json.dumps(request.body, ensure_ascii=True, separators=(",", ":"))
    return {
        "id": request.id,
        "content_sha256": request.question.content_sha256,
        "fields": list(request.question.fields),
        "model": request.question.model,
        "prompt_sha256": request.question.prompt_sha256,
        "batch_id": job.batch,
        "body": body,
        "body_bytes": len(body),
        "input_tokens": request.input_tokens,
        "output_tokens": request.output_tokens,
        "state": RequestState.PARKED,
        "attempts": 0,
        "parked_at": now,
        "not_before": None,
        "give_up_at": give_up_at,
        **dict.fromkeys(
            ("model_batch_id", "answer", "prompt_tokens", "completion_tokens", "cached_tokens", "microusd")
        ),
        **dict.fromkeys(("error_code", "error_message", "used_at", "finished_at")),
    }


def _park(connection: Connection, job: Job, row: dict[str, Any], now: datetime) -> None:
    connection.execute(
        insert_into(connection, model_requests).values(row).on_conflict_do_nothing(index_elements=["id"])
    )
    query = select(_R.state, _R.give_up_at).where(_R.id == row["id"]).with_for_update()
    state, give_up_at = connection.execute(query).one()
    if state not in OPEN and job.request_id != row["id"]:
        connection.execute(update(model_requests).where(_R.id == row["id"]).values(row))
        state, give_up_at = row["state"], row["give_up_at"]
    change = {
        "state": JobState.DEFERRED,
        "request_id": row["id"],
        "parked_at": now,
        # woken long before, unless everything that could has failed
        "due_at": give_up_at + GRACE if state in OPEN else now,
        "attempts": ONE_ATTEMPT_LESS,
        "lease_owner": None,
        "lease_expires_at": None,
    }
    connection.execute(update(jobs).where(jobs.c.id == job.id).values(change))
