"""A caller who asks again with the same key gets the first answer again (idempotency keys), for a day.

The key is taken in the transaction that makes the batch, so of many requests with one key exactly one makes jobs, and
one whose process died before it answered has left either nothing or an answer. Whoever repeats it after `answer_by` is
told of its batch, and from then on that stands, even if the first request lives and fails. Which header a key comes in,
and what a request consists of, the doors know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, select, update

from app.errors.requests import IdempotencyKeyReusedError, RequestUnderWayError
from app.property.storage.jobs.models import Enqueued
from app.property.storage.statements import chunks, insert_if_new, job_of
from app.property.storage.tables import jobs, request_keys

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """`id`: SHA-256 of caller and key; `fingerprint`: SHA-256 of what was asked with it."""

    id: str
    fingerprint: str


def take(connection: Connection, key: RequestKey, now: datetime, answer_by: datetime) -> Enqueued | None:
    """Take the key for this transaction's batch, or give what was answered before; see `earlier`.

    Waits while another transaction is about to take it. Whoever takes it is thought dead if it is silent at
    `answer_by`.
    """
    old = request_keys.c.created_at <= now - KEPT
    connection.execute(delete(request_keys).where(request_keys.c.id == key.id, old))
    row = {"id": key.id, "fingerprint": key.fingerprint, "created_at": now, "answer_by": answer_by}
    taken = insert_if_new(connection, request_keys).values(row).returning(request_keys.c.id)
    if connection.execute(taken).first() is not None:
        return None
    found = earlier(connection, key, now)
    if found is None:  # it was withdrawn between the two statements
        raise RequestUnderWayError(1.0)
    return found


def keep(connection: Connection, key: RequestKey, made: Enqueued) -> None:
    """What the request of `take` brought, in the same transaction."""
    change = {"batch_id": made.batch, "job_ids": [job.id for job in made.jobs], "duplicates": made.duplicates}
    connection.execute(update(request_keys).where(request_keys.c.id == key.id).values(change))


def earlier(connection: Connection, key: RequestKey, now: datetime) -> Enqueued | None:
    """What the first request with this key brought, nothing of it new; None if there was none.

    Whoever is told of it may rely on it: it is noted as answered. Raises `IdempotencyKeyReusedError` if it asked for
    something else, `RequestUnderWayError` while it is not answered.
    """
    query = select(request_keys).where(request_keys.c.id == key.id, request_keys.c.created_at > now - KEPT)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.fingerprint != key.fingerprint:
        raise IdempotencyKeyReusedError()
    if row.answered_at is None and now < row.answer_by:
        raise RequestUnderWayError(max(1.0, (row.answer_by - now).total_seconds()))
    if row.answered_at is None and not _promised(connection, key, row.batch_id, now):
        return None
    found = {
        job.id: job_of(job)
        for some in chunks(row.job_ids)
        for job in connection.execute(select(jobs).where(jobs.c.id.in_(some)))
    }
    known = [found[job_id] for job_id in row.job_ids if job_id in found]  # others were purged
    return Enqueued(row.batch_id, known, [], row.duplicates, repeated=True)


def note_answered(connection: Connection, key: RequestKey, now: datetime) -> None:
    """The first request is answered: whoever asks again need not wait any more."""
    connection.execute(update(request_keys).where(request_keys.c.id == key.id).values(answered_at=now))


def release(connection: Connection, key: RequestKey, batch_id: str) -> bool:
    """The request that made the batch failed: its key may be used anew. False if somebody was told of the batch.

    Until the transaction ends nobody can be told of it.
    """
    its = and_(request_keys.c.id == key.id, request_keys.c.batch_id == batch_id)
    connection.execute(delete(request_keys).where(its, request_keys.c.answered_at.is_(None)))
    return connection.execute(select(request_keys.c.id).where(its)).first() is None


def _promised(connection: Connection, key: RequestKey, batch_id: str, now: datetime) -> bool:
    """Note that somebody is told of the batch. False if it was withdrawn a moment ago."""
    its = and_(request_keys.c.id == key.id, request_keys.c.batch_id == batch_id)
    return connection.execute(update(request_keys).where(its).values(answered_at=now)).rowcount == 1
