"""Store batches of jobs, with their progress, completion, and callback.

Only one process completes a batch. In the same transaction, it puts the callback's message into the outbox.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, exists, func, select, update
from sqlalchemy.orm import selectinload

from app.errors import NotFoundError
from app.property.storage.jobs.models import CLEARED, Batch, Job, JobState
from app.property.storage.outbox import Channel, Message, put
from app.property.storage.paging import Order, Page
from app.property.storage.statements import Store, chunks, entities
from app.property.storage.types import ACTIVE, STATES

_HAS_ACTIVE_JOB = exists().where(Job.batch_id == Batch.id, Job.state.in_(ACTIVE))
ORDER = Order("batches", (Batch.created_at, Batch.id), descending=True)
_SHOWN = select(Batch).options(selectinload(Batch.message))
_OPEN_AND_OVER = and_(Batch.completed_at.is_(None), ~_HAS_ACTIVE_JOB)


class BatchStore(Store):
    def get(self, batch_id: str) -> Batch:
        """Return the batch with this id. Raises `NotFoundError`."""
        with self._database.reading() as connection:
            found = _counted(connection, entities(connection, _SHOWN.where(Batch.id == batch_id)))
        if not found:
            raise NotFoundError("batch", batch_id)
        return found[0]

    def page(self, cursor: str | None = None, *, limit: int = 100) -> Page[Batch]:
        """Return the batches after `cursor`, newest first. Raises `InvalidCursorError`."""
        with self._database.reading() as connection:
            found = entities(connection, ORDER.page_query(_SHOWN, cursor, limit))
            return Page(_counted(connection, found[:limit]), ORDER.next_cursor(found, limit))

    def callback_url(self, batch_id: str) -> str | None:
        return self._scalar(select(Batch.callback_url).where(Batch.id == batch_id))

    def cancel(self, batch_id: str) -> int:
        """Cancel all active jobs of the batch, and return their number. Raises `NotFoundError`."""
        active, now = (Job.batch_id == batch_id, Job.state.in_(ACTIVE)), self._clock.now()
        canceled = self._database.repeat(lambda connection: cancel_jobs(connection, *active, now=now))
        if not canceled:
            self.get(batch_id)
        return canceled

    def complete(self, limit: int = 1000) -> list[Batch]:
        """Complete up to `limit` open batches without active jobs, put their callbacks into the outbox, and return
        them.
        """
        with self._database.reading() as connection:  # usually no batch is complete, so no write transaction is needed
            found = list(connection.execute(select(Batch.id).where(_OPEN_AND_OVER).limit(limit)).scalars())
        return self._database.repeat(lambda connection: self._complete(connection, found)) if found else []

    def _complete(self, connection: Connection, found: Sequence[str]) -> list[Batch]:
        # Lock the rows first, and check their jobs in a second statement. On PostgreSQL, a single statement that waits
        # for a row would miss jobs that were requeued during the wait.
        mine = select(Batch.id).where(Batch.id.in_(found)).with_for_update(key_share=True, skip_locked=True)
        held = connection.execute(mine).scalars().all()
        now = self._clock.now()
        statement = update(Batch).where(Batch.id.in_(held), _OPEN_AND_OVER).values(completed_at=now).returning(Batch)
        completed = _counted(connection, entities(connection, statement))
        if completed:
            frozen = update(Batch).where(Batch.id == bindparam("its_id")).values(counts=bindparam("its_counts"))
            connection.execute(frozen, [{"its_id": batch.id, "its_counts": batch.counts} for batch in completed])
        for batch in completed:
            if batch.callback_url is not None:
                event_id = f"batch_{batch.id}_{int(now.timestamp() * 1_000_000)}"
                message = {"batch_id": batch.id, "payload": batch.outcome()}
                put(connection, now, Channel.BATCH, event_id, type="batch.completed", **message)
        return completed


def cancel_jobs(connection: Connection, *which: ColumnElement[bool], now: datetime) -> int:
    change = {**CLEARED, "state": JobState.CANCELLED, "finished_at": now}
    return connection.execute(update(Job).where(*which).values(change)).rowcount


def reopen_batches(connection: Connection, job_ids: Sequence[str]) -> None:
    """Reopen the batches of requeued jobs, and delete their callback messages.

    Open batches are updated too, to wait for a concurrent `BatchStore.complete` and to undo it.
    """
    theirs = select(Job.batch_id).where(Job.id.in_(job_ids))
    change = {"completed_at": None, "counts": None}
    connection.execute(update(Batch).where(Batch.id.in_(theirs)).values(change))
    connection.execute(delete(Message).where(Message.batch_id.in_(theirs)))


def count_jobs(connection: Connection, batch_id: str | None = None) -> dict[str, int]:
    """Return the number of jobs in each state, in one batch (None: in all batches)."""
    which = () if batch_id is None else (Batch.id == batch_id,)
    sums = [func.coalesce(func.sum(Batch.counts[state].as_integer()), 0).label(state) for state in STATES]
    counts: dict[str, int] = dict(connection.execute(select(*sums).where(*which)).one()._mapping)
    incomplete = select(Batch.id).where(Batch.counts.is_(None), *which)
    # a join would be slow on SQLite, which would look up the batch of each job
    query = select(Job.state, func.count()).where(Job.batch_id.in_(incomplete)).group_by(Job.state)
    for state, count in connection.execute(query):
        counts[state] += count
    return counts


def _counted(connection: Connection, batches: list[Batch]) -> list[Batch]:
    counts: dict[str, dict[str, int]] = {}
    for batch in batches:
        if batch.counts is None:
            batch.counts = counts[batch.id] = dict.fromkeys(STATES, 0)
    for some in chunks(list(counts)):
        query = select(Job.batch_id, Job.state, func.count()).where(Job.batch_id.in_(some))
        for batch_id, state, count in connection.execute(query.group_by(Job.batch_id, Job.state)):
            counts[batch_id][state] = count
    return batches
