"""The batches table: how far the jobs of one request are, when all were over, and who is to be told.

Every change is atomic, so that of two processes one sees a batch become complete. Its callback is put into the outbox
in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)

from app.errors import NotFoundError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Batch, Callback, CallbackState, JobState
from app.property.storage.jobs.tables import UNLEASED
from app.property.storage.jobs.tables import Batch as BatchRow
from app.property.storage.jobs.tables import Job as JobRow
from app.property.storage.outbox import Channel, Message, put
from app.property.storage.paging import Order, Page
from app.property.storage.statements import chunks
from app.property.storage.types import ACTIVE, STATES

_HAS_ACTIVE_JOB = exists().where(JobRow.batch_id == BatchRow.id, JobRow.state.in_(ACTIVE))
ORDER = Order("batches", (BatchRow.created_at, BatchRow.id), descending=True)
_OPEN_AND_OVER = and_(BatchRow.completed_at.is_(None), ~_HAS_ACTIVE_JOB)


class BatchStore:
    """Batches in a `Database`. Atomic on every method, over all processes; raises errors of `app.errors`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = database.clock

    # --- looking

    def get(self, batch_id: str) -> Batch:
        """Raises `NotFoundError`. A batch whose targets were all duplicates is one too, without a job."""
        with self._database.reading() as connection:
            found = _with_counts(connection, connection.execute(select(BatchRow).where(BatchRow.id == batch_id)).all())
        if not found:
            raise NotFoundError("batch", batch_id)
        return found[0]

    def page(self, cursor: str | None = None, *, limit: int = 100) -> Page[Batch]:
        """The batches after `cursor`, the newest first. Raises `InvalidCursorError`."""
        with self._database.reading() as connection:
            rows = connection.execute(ORDER.page_query(select(BatchRow), cursor, limit)).all()
            return Page(_with_counts(connection, rows[:limit]), ORDER.next_cursor(rows, limit))

    def callback_url(self, batch_id: str) -> str | None:
        """Return where its callback goes; None: nowhere, or there is no such batch any more."""
        with self._database.reading() as connection:
            return connection.execute(select(BatchRow.callback_url).where(BatchRow.id == batch_id)).scalar()

    # --- the operator's hand

    def cancel(self, batch_id: str) -> int:
        """Cancel all jobs of the batch that are not over; return how many. Raises `NotFoundError`."""
        active, now = (JobRow.batch_id == batch_id, JobRow.state.in_(ACTIVE)), self._clock.now()
        cancelled = self._database.repeat(lambda connection: cancel_jobs(connection, *active, now=now))
        if not cancelled:
            self.get(batch_id)
        return cancelled

    # --- complete

    def complete(self, limit: int = 1000) -> list[Batch]:
        """Note which open batches have no active job left, and return them: of several callers each goes to one.

        Their callbacks are due from now on.
        """
        with self._database.reading() as connection:  # most of the time there is none, and no writer need be stopped
            found = list(connection.execute(select(BatchRow.id).where(_OPEN_AND_OVER).limit(limit)).scalars())
        return self._database.repeat(lambda connection: self._complete(connection, found)) if found else []

    def _complete(self, connection: Connection, found: Sequence[str]) -> list[Batch]:
        # The rows first, then a statement that looks at the jobs anew: PostgreSQL would judge a row that it had to
        # wait for by the jobs of before the wait, and miss those that `JobStore.retry` has just queued again.
        mine = select(BatchRow.id).where(BatchRow.id.in_(found)).with_for_update(key_share=True, skip_locked=True)
        held = connection.execute(mine).scalars().all()
        now = self._clock.now()
        statement = update(BatchRow).where(BatchRow.id.in_(held), _OPEN_AND_OVER).values(completed_at=now)
        completed = _with_counts(connection, connection.execute(statement.returning(*BatchRow.__table__.c)).all())
        if completed:
            frozen = update(BatchRow).where(BatchRow.id == bindparam("its_id")).values(counts=bindparam("its_counts"))
            connection.execute(frozen, [{"its_id": batch.id, "its_counts": batch.counts} for batch in completed])
        for batch in completed:
            if batch.callback is not None:
                event_id = f"batch_{batch.id}_{int(now.timestamp() * 1_000_000)}"
                told = {"batch_id": batch.id, "payload": batch.outcome()}
                put(connection, now, Channel.BATCH, event_id, type="batch.completed", **told)
        return completed


def cancel_jobs(connection: Connection, *which: ColumnElement[bool], now: datetime) -> int:
    """Cancel the jobs `which`; return how many."""
    change = {"state": JobState.CANCELLED, "finished_at": now, "due_at": None, "resend_at": None, **UNLEASED}
    return connection.execute(update(JobRow).where(*which).values(change)).rowcount


def reopen_batches(connection: Connection, job_ids: Sequence[str]) -> None:
    """Open the batches of these jobs, which were queued again; their callbacks are called anew.

    Every row is written, also one that is open: a `complete` that has not ended yet is waited for, and undone.
    """
    theirs = select(JobRow.batch_id).where(JobRow.id.in_(job_ids))
    change = {"completed_at": None, "counts": None}
    connection.execute(update(BatchRow).where(BatchRow.id.in_(theirs)).values(change))
    connection.execute(delete(Message).where(Message.batch_id.in_(theirs)))


def count_jobs(connection: Connection, batch_id: str | None = None) -> dict[str, int]:
    """Return how many jobs are in each state. Those of complete batches were counted when they were complete."""
    which = () if batch_id is None else (BatchRow.id == batch_id,)
    sums = [func.coalesce(func.sum(BatchRow.counts[state].as_integer()), 0).label(state) for state in STATES]
    counts: dict[str, int] = dict(connection.execute(select(*sums).where(*which)).one()._mapping)
    query = select(JobRow.state, func.count()).join(BatchRow).where(BatchRow.counts.is_(None), *which)
    for state, count in connection.execute(query.group_by(JobRow.state)):
        counts[state] += count
    return counts


def _with_counts(connection: Connection, rows: Sequence[Row[Any]]) -> list[Batch]:
    counts = {row.id: row.counts or dict.fromkeys(STATES, 0) for row in rows}
    told = dict[str, Row[Any]]()
    for some in chunks([row.id for row in rows if row.counts is None]):
        query = select(JobRow.batch_id, JobRow.state, func.count()).where(JobRow.batch_id.in_(some))
        for batch_id, state, count in connection.execute(query.group_by(JobRow.batch_id, JobRow.state)):
            counts[batch_id][state] = count
    messages = select(Message.batch_id, Message.due_at, Message.attempts, Message.error)
    for some in chunks([row.id for row in rows if row.callback_url is not None]):
        told |= {row.batch_id: row for row in connection.execute(messages.where(Message.batch_id.in_(some)))}
    return [_batch_of(row, counts[row.id], _callback_of(row, told.get(row.id))) for row in rows]


def _batch_of(row: Row[Any], counts: dict[str, int], callback: Callback | None) -> Batch:
    names = "id", "created_at", "priority", "targets", "duplicates", "completed_at", "economy"
    return Batch(**{name: getattr(row, name) for name in names}, counts=counts, callback=callback)


def _callback_of(row: Row[Any], message: Row[Any] | None) -> Callback | None:
    if row.callback_url is None:
        return None
    if message is None:
        return Callback(row.callback_url, CallbackState.WAITING, 0, None)
    over = CallbackState.GIVEN_UP if message.error else CallbackState.DELIVERED
    state = CallbackState.PENDING if message.due_at is not None else over
    return Callback(row.callback_url, state, message.attempts, message.error)
