"""The batches table: how far the jobs of one call are, when all were over, and who is to be told.

Every change is atomic, so that of two processes one sees a batch become complete and one tells about it. How the
telling is done is not known here (`app/services`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, exists, func, literal, select, update

from app.errors import NotFoundError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Batch, Callback, CallbackState, ClaimedCallback, JobState
from app.property.storage.jobs.tables import UNLEASED
from app.property.storage.paging import Order, Page
from app.property.storage.statements import chunks, clean
from app.property.storage.tables import ACTIVE, STATES, UtcDateTime, batches, jobs

_HAS_ACTIVE_JOB = exists().where(jobs.c.batch_id == batches.c.id, jobs.c.state.in_(ACTIVE))
ORDER = Order("batches", (batches.c.created_at, batches.c.id), descending=True)
_OPEN_AND_OVER = and_(batches.c.completed_at.is_(None), ~_HAS_ACTIVE_JOB)


class BatchStore:
    """Batches in a `Database`. Atomic on every method, over all processes; raises errors of `app.errors`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = database.clock

    # --- looking

    def get(self, batch_id: str) -> Batch:
        """Raises `NotFoundError`. A batch whose targets were all duplicates is one too, without a job."""
        with self._database.reading() as connection:
            rows = connection.execute(select(batches).where(batches.c.id == batch_id)).all()
            if not rows:
                raise NotFoundError("batch", batch_id)
            return _with_counts(connection, rows)[0]

    def page(self, cursor: str | None = None, *, limit: int = 100) -> Page[Batch]:
        """The batches after `cursor`, the newest first. Raises `InvalidCursorError`."""
        with self._database.reading() as connection:
            rows = connection.execute(ORDER.page_query(select(batches), cursor, limit)).all()
            return Page(_with_counts(connection, rows[:limit]), ORDER.next_cursor(rows, limit))

    # --- the operator's hand

    def cancel(self, batch_id: str) -> int:
        """End all jobs of the batch that are not over, in one statement; -> how many. Raises `NotFoundError`."""
        now = self._clock.now()
        active = jobs.c.state.in_(ACTIVE)
        cancelled = self._database.repeat(lambda connection: _cancel(connection, batch_id, active, now))
        if not cancelled:
            self.get(batch_id)
        return cancelled

    # --- complete

    def complete(self, limit: int = 1000) -> list[Batch]:
        """Note which open batches have no active job left; -> those that were not noted before.

        Of several callers each batch goes to one. Who is to be told is due from now on.
        """
        with self._database.reading() as connection:  # most of the time there is none, and no writer need be stopped
            found = list(connection.execute(select(batches.c.id).where(_OPEN_AND_OVER).limit(limit)).scalars())
        return self._database.repeat(lambda connection: self._complete(connection, found)) if found else []

    def _complete(self, connection: Connection, found: Sequence[str]) -> list[Batch]:
        # The rows first, then a statement that looks at the jobs anew: PostgreSQL would judge a row that it had to
        # wait for by the jobs of before the wait, and miss those that `JobStore.retry` has just queued again.
        held = _hold(connection, found)
        now = literal(self._clock.now(), UtcDateTime())
        told = case((batches.c.callback_url.is_not(None), now), else_=None)
        statement = update(batches).where(batches.c.id.in_(held), _OPEN_AND_OVER)
        statement = statement.values(completed_at=now, callback_at=told, callback_attempts=0, callback_error=None)
        return _with_counts(connection, connection.execute(statement.returning(*batches.c)).all())

    # --- telling

    def has_due_callback(self) -> bool:
        """Is there a batch to tell about?"""
        query = select(batches.c.id).where(batches.c.callback_at <= self._clock.now()).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def claim_callbacks(self, limit: int, lease_seconds: float) -> list[ClaimedCallback]:
        """Batches that the caller alone is to tell about until the lease ends, those due for longest first.

        One about which nothing is noted until then is due again: its holder is dead.
        """
        return self._database.repeat(lambda connection: self._claim(connection, limit, lease_seconds))

    def _claim(self, connection: Connection, limit: int, lease_seconds: float) -> list[ClaimedCallback]:
        now = self._clock.now()
        query = select(batches.c.id).where(batches.c.callback_at <= now).order_by(batches.c.callback_at).limit(limit)
        due = connection.execute(query.with_for_update(key_share=True, skip_locked=True)).scalars().all()
        lease = {"callback_at": now + timedelta(seconds=lease_seconds)}
        statement = update(batches).where(batches.c.id.in_(due))
        statement = statement.values(**lease, callback_attempts=batches.c.callback_attempts + 1)
        rows = connection.execute(statement.returning(*batches.c)).all()
        found = {batch.id: batch for batch in _with_counts(connection, rows)}
        by_id = {row.id: row for row in rows}
        return [
            ClaimedCallback(found[id_], by_id[id_].callback_url, by_id[id_].callback_attempts, by_id[id_].completed_at)
            for id_ in due
        ]

    def callback_delivered(self, claim: ClaimedCallback) -> bool:
        """The receiver knows. False if the claim was lost: its lease ran out, or the batch is open again."""
        return self._note(claim, None, None)

    def callback_failed(self, claim: ClaimedCallback, error: str, again_at: datetime | None) -> bool:
        """The receiver was not reached; the next attempt is due at `again_at`, None gives up. False as above."""
        return self._note(claim, clean(error), again_at)

    def _note(self, claim: ClaimedCallback, error: str | None, again_at: datetime | None) -> bool:
        held = and_(
            batches.c.id == claim.batch.id,
            batches.c.completed_at == claim.completed_at,
            batches.c.callback_attempts == claim.attempt,
            batches.c.callback_at.is_not(None),
        )
        change = update(batches).where(held).values(callback_error=error, callback_at=again_at)
        with self._database.writing() as connection:
            return connection.execute(change).rowcount == 1


def cancel_untouched(connection: Connection, batch_id: str, now: datetime) -> int:
    """End the jobs of the batch that no worker has had yet; -> how many."""
    untouched = and_(jobs.c.state == JobState.QUEUED, jobs.c.started_at.is_(None))
    return _cancel(connection, batch_id, untouched, now)


def _cancel(connection: Connection, batch_id: str, which: ColumnElement[bool], now: datetime) -> int:
    change = {"state": JobState.CANCELLED, "finished_at": now, "due_at": None, "resend_at": None, **UNLEASED}
    return connection.execute(update(jobs).where(jobs.c.batch_id == batch_id, which).values(change)).rowcount


def reopen_batches(connection: Connection, job_ids: Sequence[str]) -> None:
    """The batches of these jobs, which were queued again, are open; they tell again when they are complete.

    Every row is written, also one that is open: a `complete` that has not ended yet is waited for, and undone.
    """
    theirs = select(jobs.c.batch_id).where(jobs.c.id.in_(job_ids))
    change = {"completed_at": None, "callback_at": None, "callback_attempts": 0, "callback_error": None}
    connection.execute(update(batches).where(batches.c.id.in_(theirs)).values(change))


def _hold(connection: Connection, ids: Sequence[str]) -> Sequence[str]:
    """Those of `ids` that no other transaction holds, held until this one ends. On SQLite a writer is alone anyway."""
    query = select(batches.c.id).where(batches.c.id.in_(ids)).with_for_update(key_share=True, skip_locked=True)
    return connection.execute(query).scalars().all()


def _with_counts(connection: Connection, rows: Sequence[Row[Any]]) -> list[Batch]:
    counts = {row.id: dict.fromkeys(STATES, 0) for row in rows}
    for some in chunks(list(counts)):
        query = select(jobs.c.batch_id, jobs.c.state, func.count()).where(jobs.c.batch_id.in_(some))
        for batch_id, state, count in connection.execute(query.group_by(jobs.c.batch_id, jobs.c.state)):
            counts[batch_id][state] = count
    return [_batch_of(row, counts[row.id]) for row in rows]


def _batch_of(row: Row[Any], counts: dict[str, int]) -> Batch:
    return Batch(
        id=row.id,
        created_at=row.created_at,
        priority=row.priority,
        targets=row.targets,
        duplicates=row.duplicates,
        counts=counts,
        completed_at=row.completed_at,
        callback=_callback_of(row) if row.callback_url is not None else None,
        economy=row.economy,
    )


def _callback_of(row: Row[Any]) -> Callback:
    if row.completed_at is None:
        state = CallbackState.WAITING
    elif row.callback_at is not None:
        state = CallbackState.PENDING
    else:
        state = CallbackState.GIVEN_UP if row.callback_error else CallbackState.DELIVERED
    return Callback(row.callback_url, state, row.callback_attempts, row.callback_error)
