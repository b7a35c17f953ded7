"""Store model requests that wait for a batch. A job parks its request, and the answer wakes all jobs that wait for it.

A question has one row, even if many jobs ask it. Job and request change in one transaction, so that no job waits for a
finished request.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from app.property.page import Page
from app.property.storage.jobs.leases import Lease, hold
from app.property.storage.jobs.models import CLEARED, ONE_ATTEMPT_LESS, Job, JobState
from app.property.storage.llm.cache import Question
from app.property.storage.llm.tables import LlmBatch, LlmCache, LlmRequest, RequestState
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.statements import Store, chunks, insert_if_new

#: If no answer wakes a waiting job, the job resumes this long after its request's `give_up_at`. Until then, answers of
#: a batch that is being canceled can wake it.
_GRACE = timedelta(hours=1)
#: If the batch is then still due for a step, the job resumes again at this interval.
_AGAIN = timedelta(minutes=1)
_OPEN = (RequestState.PARKED, RequestState.SENT)
_R = LlmRequest
_B = LlmBatch
_REQUESTS = LlmRequest.__table__
_BLANK = {column.name: None for column in _REQUESTS.columns if column.nullable}


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request about `page` for a batch.

    `input_tokens` is its estimated number of tokens, and `output_tokens` is the limit for the answer.
    """

    question: Question
    body: Mapping[str, Any]
    input_tokens: int
    output_tokens: int
    page: Page

    @property
    def id(self) -> str:
        return self.question.id


class Parked(NamedTuple):
    model: str
    requests: int
    body_bytes: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class RequestFigures:
    parked: int = 0
    sent: int = 0
    oldest_seconds: float = 0.0


class LlmRequestStore(Store):
    def park(self, job: Job, owner: str, request: NewRequest, max_wait_seconds: float) -> None:
        """Park the request and defer the job until it is answered. The run does not count as an attempt.

        Jobs with the same question share one row. A finished request is parked again. If this job was waiting for it,
        the job becomes due now instead. Raises `LeaseLostError`, `PurgedMeanwhileError` if the page was purged after it
        was fetched, and `PersonPurgedMeanwhileError` if the request contains a purged name.
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
            # usually, an answer wakes the job earlier
            due_at = max(give_up_at + _GRACE, now + _AGAIN) if state.is_open else now
            change = {**CLEARED, "state": JobState.DEFERRED, "attempts": ONE_ATTEMPT_LESS, "due_at": due_at}
            change |= {"request_id": request.id, "parked_at": now}
            connection.execute(update(Job).where(Job.id == job.id).values(change))

        self._database.repeat(work)

    def get(self, request_id: str) -> LlmRequest | None:
        with self._database.reading() as connection:
            return Session(connection).get(LlmRequest, request_id)

    def may_be_answered(self, request: LlmRequest) -> bool:
        """Return whether an open request may still be answered.

        After `give_up_at` and a grace period, this is so only while its batch is due for a step and no such step has
        crashed.
        """
        now = self._clock.now()
        is_due = and_(_B.next_at <= now, or_(_B.lease_expires_at.is_(None), _B.lease_expires_at > now))
        query = select(_B.id).where(_B.id == request.llm_batch_id, is_due)
        return now < request.give_up_at + _GRACE or bool(self._rows(query))

    def mark_used(self, request_id: str) -> None:
        """Record that a job used the answer.

        Other jobs then read the cache, or ask again if the answer is not cached.
        """
        with self._database.writing() as connection:
            change = update(_R).where(_R.id == request_id, _R.used_at.is_(None))
            connection.execute(change.values(used_at=self._clock.now()))

    def parked(self) -> list[Parked]:
        ready = and_(_R.state == RequestState.PARKED, is_ready(self._clock.now()))
        oldest = func.min(_R.parked_at, type_=_REQUESTS.c.parked_at.type)
        query = select(_R.model, func.count(), func.sum(_R.body_bytes), oldest).where(ready).group_by(_R.model)
        return [Parked(row[0], row[1], int(row[2]), row[3]) for row in self._rows(query)]

    def withdraw_unwanted(self) -> int:
        return self._end_parked(~is_wanted(), RequestState.WITHDRAWN)

    def release_answered(self) -> int:
        """Release parked requests whose answers are in the cache by now, and return their number."""
        cached = select(_R.id, LlmCache.answer).join(LlmCache, LlmCache.id == _R.id)
        rows = self._rows(cached.where(_R.state == RequestState.PARKED))
        # not part of the query: PostgreSQL cannot read a member of JSON text with a NUL character
        return self.release([row.id for row in rows if not row.answer["failure"]])

    def release_overdue(self) -> int:
        return self._end_parked(_R.give_up_at <= self._clock.now(), RequestState.DIRECT)

    def release(self, request_ids: Sequence[str]) -> int:
        return sum(self._end_parked(_R.id.in_(some), RequestState.DIRECT) for some in chunks(request_ids))

    def figures(self) -> RequestFigures:
        query = select(_R.state, func.count(), func.min(_R.parked_at, type_=_REQUESTS.c.parked_at.type))
        rows = self._rows(query.where(_R.state.in_(_OPEN)).group_by(_R.state))
        counts = {row[0]: row[1] for row in rows}
        now = self._clock.now()
        waited = max(0.0, (now - min((row[2] for row in rows), default=now)).total_seconds())
        return RequestFigures(counts.get(RequestState.PARKED, 0), counts.get(RequestState.SENT, 0), waited)

    def _end_parked(self, which: ColumnElement[bool], state: RequestState) -> int:
        parked = and_(_R.state == RequestState.PARKED, which)

        def work(connection: Connection) -> int:
            # Lock the rows first, and check the jobs in a second statement. On PostgreSQL, a single statement that
            # waits for a row would not see a job that was parked during the wait.
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
    return {"finished_at": now, "body": None, "not_before": None}


def is_ready(now: datetime) -> ColumnElement[bool]:
    return (_R.not_before.is_(None)) | (_R.not_before <= now)


def is_wanted() -> ColumnElement[bool]:
    return exists().where(Job.request_id == _R.id, _waiting())


def wake(connection: Connection, request_ids: Sequence[str], now: datetime) -> None:
    """Make the jobs that wait for these requests due `now`, so that recovery sends them."""
    for some in chunks(request_ids):
        connection.execute(update(Job).where(Job.request_id.in_(some), _waiting()).values(due_at=now))


def _waiting() -> ColumnElement[bool]:
    return and_(Job.state == JobState.DEFERRED, Job.parked_at.is_not(None))
