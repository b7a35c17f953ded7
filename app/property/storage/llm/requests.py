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
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select, update
from sqlalchemy.orm import Session

from app.property.page import Page
from app.property.storage.database import Database
from app.property.storage.jobs.leases import Lease, hold
from app.property.storage.jobs.models import CLEARED, ONE_ATTEMPT_LESS, Job, JobState
from app.property.storage.llm.cache import Question
from app.property.storage.llm.tables import LlmCache, LlmRequest, RequestState
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.statements import chunks, insert_if_new

#: A job comes back by itself so long after its request should have been given up, should nobody have woken it: the
#: longest that OpenAI needs to cancel a batch is ten minutes.
GRACE = timedelta(hours=1)
_OPEN = (RequestState.PARKED, RequestState.SENT)
_R = LlmRequest
_REQUESTS = LlmRequest.__table__
_BLANK = {column.name: None for column in _REQUESTS.columns if column.nullable}


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A question about `page` on its way to a batch. Of `body`, which is sent, `input_tokens` are our estimate and
    `output_tokens` the most that it allows."""

    question: Question
    body: Mapping[str, Any]
    input_tokens: int
    output_tokens: int
    page: Page

    @property
    def id(self) -> str:
        return self.question.id


class Parked(NamedTuple):
    """Requests of one model that could be sent now. `oldest_at` is since when the first of them waits."""

    model: str
    requests: int
    body_bytes: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """`parked` and `sent` requests that are not over; `oldest_seconds` is how long the oldest has waited, 0 without."""

    parked: int = 0
    sent: int = 0
    oldest_seconds: float = 0.0


class LlmRequestStore:
    """Requests in a `Database`. Atomic on every method, over all processes; raises errors of `app.errors`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = database.clock

    # --- the job's side

    def park(self, job: Job, owner: str, request: NewRequest, max_wait_seconds: float) -> None:
        """Let the job wait for the answer, at no cost; it is asked once for all jobs that want it.

        A request that is over is asked anew, unless this very job has waited for it. Raises `LeaseLostError`,
        `PurgedMeanwhileError` if the page was purged after it was fetched, and `PersonPurgedMeanwhileError` for a
        question that names somebody who was purged.
        """
        now, question, page = self._clock.now(), request.question, request.page
        body = json.dumps(request.body, ensure_ascii=True, separators=(",", ":"))
        row: dict[str, Any] = {
            **_BLANK,
            "id": request.id,
            "content_sha256": question.content_sha256,
            "fields": list(question.fields),
            "model": question.model,
            "batch_id": job.batch_id,
            "body": body,
            "body_bytes": len(body),
            "input_tokens": request.input_tokens,
            "output_tokens": request.output_tokens,
            "state": RequestState.PARKED,
            "attempts": 0,
            "parked_at": now,
            "give_up_at": now + timedelta(seconds=max_wait_seconds),
        }

        def work(connection: Connection) -> None:
            purged = purged_since(self._database, connection, page.fetched_at, (page.url, page.final_url))
            hold(connection, Lease(job.id, owner))
            purged.refuse()
            purged_since(self._database, connection, None).refuse(body)
            connection.execute(insert_if_new(connection, _REQUESTS).values(row))
            known = select(_R.state, _R.give_up_at).where(_R.id == request.id).with_for_update()
            state, give_up_at = connection.execute(known).one()
            if not state.is_open and job.request_id != request.id:
                connection.execute(update(_R).where(_R.id == request.id).values(row))
                state, give_up_at = row["state"], row["give_up_at"]
            # woken long before, unless everything that could has failed
            due_at = give_up_at + GRACE if state.is_open else now
            change = {**CLEARED, "state": JobState.DEFERRED, "attempts": ONE_ATTEMPT_LESS, "due_at": due_at}
            change |= {"request_id": request.id, "parked_at": now}
            connection.execute(update(Job).where(Job.id == job.id).values(change))

        self._database.repeat(work)

    def get(self, request_id: str) -> LlmRequest | None:
        """Return how far it is; None if it was never asked, or is forgotten."""
        with self._database.reading() as connection:
            return Session(connection).get(LlmRequest, request_id)

    def mark_used(self, request_id: str) -> None:
        """A job has taken the answer: one that asks later and cannot use the same asks anew."""
        with self._database.writing() as connection:
            change = update(_R).where(_R.id == request_id, _R.used_at.is_(None))
            connection.execute(change.values(used_at=self._clock.now()))

    # --- what is parked

    def parked(self) -> list[Parked]:
        """Return what could be sent now, by model."""
        ready = and_(_R.state == RequestState.PARKED, is_ready(self._clock.now()))
        oldest = func.min(_R.parked_at, type_=_REQUESTS.c.parked_at.type)
        query = select(_R.model, func.count(), func.sum(_R.body_bytes), oldest).where(ready).group_by(_R.model)
        with self._database.reading() as connection:
            return [Parked(row[0], row[1], int(row[2]), row[3]) for row in connection.execute(query)]

    def withdraw_unwanted(self) -> int:
        """Parked requests for whose answer no job waits any more are not sent; return how many."""
        return self._end_parked(~is_wanted(), RequestState.WITHDRAWN)

    def release_answered(self) -> int:
        """Parked requests whose question another job got answered go back to their jobs; return how many."""
        good = exists().where(LlmCache.id == _R.id, LlmCache.answer["failure"].as_string() == "")
        return self._end_parked(good, RequestState.DIRECT)

    def release_overdue(self) -> int:
        """Parked requests that have waited long enough go back to their jobs, to be asked at once; return how many."""
        return self._end_parked(_R.give_up_at <= self._clock.now(), RequestState.DIRECT)

    def release(self, request_ids: Sequence[str]) -> int:
        """These parked requests go back to their jobs, to be asked at once; return how many."""
        return sum(self._end_parked(_R.id.in_(some), RequestState.DIRECT) for some in chunks(request_ids))

    def figures(self) -> RequestFigures:
        """Count for metrics and reports."""
        query = select(_R.state, func.count(), func.min(_R.parked_at, type_=_REQUESTS.c.parked_at.type))
        with self._database.reading() as connection:
            rows = connection.execute(query.where(_R.state.in_(_OPEN)).group_by(_R.state)).all()
        counts = {row[0]: row[1] for row in rows}
        now = self._clock.now()
        waited = max(0.0, (now - min((row[2] for row in rows), default=now)).total_seconds())
        return RequestFigures(counts.get(RequestState.PARKED, 0), counts.get(RequestState.SENT, 0), waited)

    def _end_parked(self, which: ColumnElement[bool], state: RequestState) -> int:
        parked = and_(_R.state == RequestState.PARKED, which)

        def work(connection: Connection) -> int:
            # The rows first, then a statement that looks at the jobs anew: a job may have been parked meanwhile, and
            # PostgreSQL would judge a row that it had to wait for by the jobs of before the wait.
            query = select(_R.id).where(parked).with_for_update(of=_REQUESTS, skip_locked=True)
            held = connection.execute(query).scalars().all()
            now, ended = self._clock.now(), 0
            for some in chunks(held):
                change = update(_R).where(_R.id.in_(some), parked).values(state=state, **over(now))
                ids = connection.execute(change.returning(_R.id)).scalars().all()
                wake(connection, ids, now)
                ended += len(ids)
            return ended

        return self._database.repeat(work)


def over(now: datetime) -> dict[str, Any]:
    """Return what changes in a request that ends, beside its state: the text that it held is not kept."""
    return {"finished_at": now, "body": None, "not_before": None}


def is_ready(now: datetime) -> ColumnElement[bool]:
    """It need not wait before it is sent (again)."""
    return (_R.not_before.is_(None)) | (_R.not_before <= now)


def is_wanted() -> ColumnElement[bool]:
    """Some job waits for the request's answer."""
    return exists().where(Job.request_id == _R.id, _waiting())


def wake(connection: Connection, request_ids: Sequence[str], now: datetime) -> None:
    """The jobs that wait for these requests are due: recovery sends them."""
    for some in chunks(request_ids):
        connection.execute(update(Job).where(Job.request_id.in_(some), _waiting()).values(due_at=now))


def _waiting() -> ColumnElement[bool]:
    return and_(Job.state == JobState.DEFERRED, Job.parked_at.is_not(None))
