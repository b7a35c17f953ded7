"""Store OpenAI batches: their requests, state, and lease.

A batch passes through the states new, uploaded, running, ended, settled, and closed. Each step is small and repeatable.
A worker must hold the batch's lease for a step.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, true, update

from app.errors.jobs import LeaseLostError
from app.property.storage.llm.requests import is_ready, is_wanted, over, wake
from app.property.storage.llm.tables import LlmBatch, LlmBatchState, LlmRequest, RequestState
from app.property.storage.statements import Store, chunks, clean, entities, new_id

#: Maximum number of batches in which a request is sent; after them, its job makes a normal API call.
MOST_SENDS = 3
_PAGE = 500
_R = LlmRequest
_B = LlmBatch
#: For each batch of jobs, the calls, tokens, and millionths of a US dollar that a model batch uses.
Charges = Mapping[str, Sequence[int]]


class Candidate(NamedTuple):
    """A parked request that can be sent now. `batch` is the batch of jobs whose budget it is charged to."""

    id: str
    batch: str
    body_bytes: int
    input_tokens: int
    output_tokens: int
    give_up_at: datetime


class Answered(NamedTuple):
    """An answer. `cached_tokens` are prompt tokens from the provider's cache."""

    request_id: str
    answer: Mapping[str, Any]
    prompt_tokens: int
    completion_tokens: int
    microusd: int
    cached_tokens: int = 0


class Used(NamedTuple):
    batch: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    microusd: int
    cached_tokens: int


class LlmBatchStore(Store):
    """Stores model batches. `note`, `release`, and `give_back` raise `LeaseLostError` if the owner's lease is lost."""

    def candidates(self, model: str, limit: int) -> list[Candidate]:
        """Return up to `limit` parked requests to the model that are not paused, the longest parked first."""
        ready = and_(_R.state == RequestState.PARKED, _R.model == model, is_ready(self._clock.now()))
        query = select(_R.id, _R.batch_id, _R.body_bytes, _R.input_tokens, _R.output_tokens, _R.give_up_at)
        query = query.where(ready).order_by(_R.parked_at, _R.id).limit(limit)
        return [Candidate(*row) for row in self._rows(query)]

    def begin(
        self, model: str, chosen: Sequence[Candidate], charges_of: Callable[[Sequence[Candidate]], Charges]
    ) -> LlmBatch | None:
        """Put those of the `chosen` requests that are still parked into a new batch, which is due now.

        Return None if no request is still parked.
        """
        now, by_id = self._clock.now(), {candidate.id: candidate for candidate in chosen}

        def work(connection: Connection) -> LlmBatch | None:
            self._database.advisory_lock(connection, "llm_batches.begin")
            taken: list[Candidate] = []
            for some in chunks(list(by_id)):
                parked = select(_R.id).where(_R.id.in_(some), _R.state == RequestState.PARKED).with_for_update()
                taken += [by_id[found] for found in connection.execute(parked).scalars()]
            if not taken:
                return None
            tokens = sum(each.input_tokens + each.output_tokens for each in taken)
            row = {"id": new_id(), "model": model, "state": LlmBatchState.NEW, "created_at": now, "next_at": now}
            row |= {"requests": len(taken), "tokens": tokens, "charges": dict(charges_of(taken))}
            (batch,) = entities(connection, insert(_B).values(row).returning(_B))
            change = {"state": RequestState.SENT, "llm_batch_id": batch.id, "attempts": _R.attempts + 1}
            for some in chunks([each.id for each in taken]):
                connection.execute(update(_R).where(_R.id.in_(some)).values(change))
            return batch

        return self._database.repeat(work)

    def bodies(self, batch_id: str) -> Iterator[tuple[str, str]]:
        """Yield (id, body) of each unanswered request of the batch, ordered by id."""
        query, last = select(_R.id, _R.body).where(_unanswered(batch_id)).order_by(_R.id).limit(_PAGE), ""
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(_R.id > last)).all()
            yield from ((row.id, row.body) for row in rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1].id

    def claim(self, owner: str, lease_seconds: float) -> LlmBatch | None:
        """Lease the batch that has been due longest, and return it (None: no batch is due)."""
        now = self._clock.now()
        due = and_(_B.next_at <= now, or_(_B.lease_expires_at.is_(None), _B.lease_expires_at <= now))
        query = select(_B.id).where(due).order_by(_B.next_at).limit(1).with_for_update(skip_locked=True)
        lease = {"lease_owner": owner, "lease_expires_at": now + timedelta(seconds=lease_seconds)}

        def work(connection: Connection) -> LlmBatch | None:
            found = connection.execute(query).scalar_one_or_none()
            change = update(_B).where(_B.id == found, due).values(lease).returning(_B)
            return next(iter(entities(connection, change)), None)

        return self._database.repeat(work)

    def renew(self, batch_id: str, owner: str, lease_seconds: float) -> bool:
        until = self._clock.now() + timedelta(seconds=lease_seconds)
        with self._database.writing() as connection:
            held = update(_B).where(_B.id == batch_id, _B.lease_owner == owner)
            return connection.execute(held.values(lease_expires_at=until)).rowcount == 1

    def note(self, batch_id: str, owner: str, **change: Any) -> LlmBatch:
        """Update columns of a batch that `owner` has leased, and return the batch."""
        if "error" in change:
            change["error"] = clean(change["error"])
        held = update(_B).where(_B.id == batch_id, _B.lease_owner == owner).values(change)
        with self._database.writing() as connection:
            for batch in entities(connection, held.returning(_B)):
                return batch
        raise LeaseLostError(batch_id)

    def release(self, batch_id: str, owner: str, next_at: datetime | None) -> None:
        """Release the batch's lease. Its next step is due at `next_at` (None: never)."""
        self.note(batch_id, owner, next_at=next_at, lease_owner=None, lease_expires_at=None)

    def answer(self, batch_id: str, lines: Sequence[Answered]) -> int:
        """Store the answers to unanswered requests and wake the waiting jobs. Return the number of answers stored."""
        changes = {line.request_id: line._asdict() | {"state": RequestState.ANSWERED} for line in lines}
        for change in changes.values():
            del change["request_id"]
        return self._end(batch_id, changes)

    def fail(self, batch_id: str, failures: Mapping[str, tuple[str, str]]) -> int:
        """Store an error (code and message) for each unanswered request of `failures`, and return their number."""
        changes = {
            name: {"state": RequestState.FAILED, "error_code": clean(code[:64]), "error_message": clean(message)}
            for name, (code, message) in failures.items()
        }
        return self._end(batch_id, changes)

    def _end(self, batch_id: str, changes: Mapping[str, Mapping[str, Any]]) -> int:
        def work(connection: Connection) -> int:
            held, now = _hold(connection, _unanswered(batch_id, list(changes))), self._clock.now()
            for request_id in held:
                change = {**over(now), **changes[request_id]}
                connection.execute(update(_R).where(_R.id == request_id).values(change))
            wake(connection, held, now)
            return len(held)

        return self._database.repeat(work)

    def give_back(
        self, batch: LlmBatch, request_ids: Sequence[str] | None, *, pause_seconds: float = 0.0, counted: bool = True
    ) -> int:
        """Park unanswered requests of the batch again, and return their number.

        `request_ids` None means all. The requests can be sent again after `pause_seconds`. A request that was in
        `MOST_SENDS` batches or waited too long is returned to its job, which makes a normal API call. Unless `counted`,
        this batch does not count toward `MOST_SENDS`. At most a few thousand `request_ids` fit into a statement.
        """
        which = _unanswered(batch.id, request_ids)
        these = update(_R).where(which)
        leased = select(_B.id).where(_B.id == batch.id, _B.lease_owner == batch.lease_owner)

        def work(connection: Connection) -> int:
            if connection.execute(leased.with_for_update()).first() is None:
                raise LeaseLostError(batch.id)
            now, held = self._clock.now(), _hold(connection, which)
            if not counted:
                connection.execute(these.values(attempts=_R.attempts - 1))
            is_direct = or_(_R.attempts >= MOST_SENDS, _R.give_up_at <= now)
            direct = these.where(is_direct).values(state=RequestState.DIRECT, **over(now)).returning(_R.id)
            wake(connection, connection.execute(direct).scalars().all(), now)
            pause = {"not_before": now + timedelta(seconds=pause_seconds), "llm_batch_id": None}
            connection.execute(these.values(state=RequestState.PARKED, **pause))
            return len(held)

        return self._database.repeat(work)

    def used(self, batch_id: str) -> list[Used]:
        answered = and_(_R.llm_batch_id == batch_id, _R.state == RequestState.ANSWERED)
        sums = (func.sum(one) for one in (_R.prompt_tokens, _R.completion_tokens, _R.microusd, _R.cached_tokens))
        query = select(_R.batch_id, func.count(), *sums).where(answered).group_by(_R.batch_id).order_by(_R.batch_id)
        return [Used(payer, *(int(n or 0) for n in figures)) for payer, *figures in self._rows(query)]

    def worth_waiting(self, batch_id: str) -> bool:
        """Return whether any job waits for the batch, and no unanswered request has waited too long."""
        sent = exists().where(_unanswered(batch_id))
        late = sent.where(_R.give_up_at <= self._clock.now())
        return bool(self._scalar(select(sent.where(is_wanted()) & ~late)))

    def has_work(self) -> bool:
        work = exists().where(_R.state == RequestState.PARKED) | exists().where(_B.next_at <= self._clock.now())
        return bool(self._scalar(select(work)))

    def under_way(self) -> list[LlmBatch]:
        """Return up to 1,000 batches that are not closed, oldest first."""
        query = select(_B).where(_B.next_at.is_not(None)).order_by(_B.created_at).limit(1000)
        return self._read(query)

    def count_under_way(self) -> int:
        """Return the number of batches that OpenAI has not finished."""
        states = (LlmBatchState.NEW, LlmBatchState.UPLOADED, LlmBatchState.RUNNING)
        query = select(func.count()).where(_B.next_at.is_not(None), _B.state.in_(states))
        return self._scalar(query) or 0

    def newest(self, limit: int = 100) -> list[LlmBatch]:
        query = select(_B).order_by(_B.created_at.desc(), _B.id).limit(limit)
        return self._read(query)


def _unanswered(batch_id: str, request_ids: Sequence[str] | None = None) -> ColumnElement[bool]:
    named = true() if request_ids is None else _R.id.in_(request_ids)
    return and_(_R.llm_batch_id == batch_id, _R.state == RequestState.SENT, named)


def _hold(connection: Connection, which: ColumnElement[bool]) -> list[str]:
    return list(connection.execute(select(_R.id).where(which).order_by(_R.id).with_for_update()).scalars())
