"""A caller who asks again with the same key gets the first answer again (idempotency keys), for a day.

The key stands in the row of the batch, so of many requests with one key exactly one makes jobs, and one whose process
died before it answered has left either nothing or an answer. Whoever repeats it after `answer_by` is told of its batch,
and from then on that stands, even if the first request lives and fails. Which header a key comes in, and what a request
consists of, the doors know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from app.errors.requests import IdempotencyKeyReusedError, RequestUnderWayError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Batch, Enqueued, Job
from app.property.storage.statements import chunks, entities

KEPT = timedelta(hours=24)
#: what a batch that has no key any more says of it
FORGOTTEN: dict[str, Any] = dict.fromkeys(("idempotency_key", "fingerprint", "job_ids", "answer_by", "answered_at"))


@dataclass(frozen=True, slots=True)
class RequestKey:
    """`id`: SHA-256 of caller and key; `fingerprint`: SHA-256 of what was asked with it."""

    id: str
    fingerprint: str


def take(database: Database, connection: Connection, key: RequestKey, now: datetime) -> Enqueued | None:
    """Return what was answered before, see `earlier`; None: until this transaction ends nobody else has the key."""
    database.advisory_lock(connection, f"request {key.id}")
    found = earlier(connection, key, now)
    if found is None:
        connection.execute(update(Batch).where(Batch.idempotency_key == key.id).values(FORGOTTEN))  # a day is over
    return found


def earlier(connection: Connection, key: RequestKey, now: datetime) -> Enqueued | None:
    """Return what the first request with this key brought, nothing of it new; None if there was none.

    Whoever is told of it may rely on it: it is noted as answered. Raises `IdempotencyKeyReusedError` if it asked for
    something else, `RequestUnderWayError` while it is not answered.
    """
    mine = Batch.idempotency_key == key.id
    row = connection.execute(select(Batch).where(mine, Batch.created_at > now - KEPT)).one_or_none()
    if row is None:
        return None
    if row.fingerprint != key.fingerprint:
        raise IdempotencyKeyReusedError()
    if row.answered_at is None and now < row.answer_by:
        raise RequestUnderWayError(max(1.0, (row.answer_by - now).total_seconds()))
    if row.answered_at is None and not note_answered(connection, key, now, Batch.id == row.id):
        return None  # it was withdrawn a moment ago
    found = {
        job.id: job for some in chunks(row.job_ids) for job in entities(connection, select(Job).where(Job.id.in_(some)))
    }
    known = [found[job_id] for job_id in row.job_ids if job_id in found]  # others were purged
    return Enqueued(row.id, known, [], row.duplicates, repeated=True)


def note_answered(connection: Connection, key: RequestKey, now: datetime, *which: ColumnElement[bool]) -> bool:
    """Note that the first request is answered: whoever asks again need not wait any more. False: the key is free."""
    mine = Batch.idempotency_key == key.id
    return connection.execute(update(Batch).where(mine, *which).values(answered_at=now)).rowcount == 1


def release(connection: Connection, key: RequestKey, batch_id: str) -> bool:
    """Let the key of the request that made the batch, and failed, be used anew. False if somebody was told of the
    batch; until the transaction ends nobody can be."""
    its = Batch.id == batch_id, Batch.idempotency_key == key.id
    connection.execute(update(Batch).where(*its, Batch.answered_at.is_(None)).values(FORGOTTEN))
    return connection.execute(select(Batch.id).where(*its)).first() is None
