"""Idempotency keys: a request that is repeated with the same key within a day gets the first request's batch.

The key is stored with the batch, in one transaction. Therefore, only one of several requests with one key creates jobs,
and a crash leaves a complete batch or none. Until `answer_by`, while the first request may still run, a repetition
raises `RequestUnderWayError`. Once a repetition was answered with the batch, the first request can no longer withdraw
it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from app.errors.requests import IdempotencyKeyReusedError, RequestUnderWayError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Batch, Enqueued, Job
from app.property.storage.statements import chunks, entities

KEPT = timedelta(hours=24)
#: Columns of a batch that become null when its key expires or is released.
FORGOTTEN: dict[str, Any] = dict.fromkeys(("idempotency_key", "fingerprint", "job_ids", "answer_by", "answered_at"))


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An idempotency key. `id` is a hash of caller and key; `fingerprint` is a hash of the request's content."""

    id: str
    fingerprint: str


def take(database: Database, connection: Connection, key: RequestKey, now: datetime) -> Enqueued | None:
    """Return the result of `earlier`. Other requests with this key wait until the transaction ends."""
    database.advisory_lock(connection, f"request {key.id}")
    found = earlier(connection, key, now)
    if found is None:
        connection.execute(update(Batch).where(Batch.idempotency_key == key.id).values(FORGOTTEN))  # an expired key
    return found


def earlier(connection: Connection, key: RequestKey, now: datetime) -> Enqueued | None:
    """Return the batch of the first request with this key, without `new` ids, or None if there is no such batch.

    The batch is marked as answered, so that the first request cannot withdraw it any more. Raises
    `IdempotencyKeyReusedError` if the first request was different, and `RequestUnderWayError` while it may still run.
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
        return None  # released by the first request, which failed meanwhile
    found = {
        job.id: job for some in chunks(row.job_ids) for job in entities(connection, select(Job).where(Job.id.in_(some)))
    }
    known = [found[job_id] for job_id in row.job_ids if job_id in found]  # deleted jobs are left out
    return Enqueued(row.id, known, [], row.duplicates, repeated=True)


def note_answered(connection: Connection, key: RequestKey, now: datetime, *which: ColumnElement[bool]) -> bool:
    """Mark the batch as answered: a repeated request now gets it at once. Return False if the batch is gone."""
    mine = Batch.idempotency_key == key.id
    return connection.execute(update(Batch).where(mine, *which).values(answered_at=now)).rowcount == 1


def release(connection: Connection, key: RequestKey, batch_id: str) -> bool:
    """Release the key of a failed request, so that it can be used again.

    Return False if a repeated request was already answered with the batch.
    """
    mine = Batch.id == batch_id, Batch.idempotency_key == key.id
    connection.execute(update(Batch).where(*mine, Batch.answered_at.is_(None)).values(FORGOTTEN))
    return connection.execute(select(Batch.id).where(*mine)).first() is None
