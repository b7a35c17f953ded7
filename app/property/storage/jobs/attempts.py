"""What a job asked for its address, and what came of it: pages in vain while it runs, and all its sources at its end.

A page that it did get is its checkpoint (`pages/repository.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from app.property.record import SourceKind
from app.property.storage.database import Database
from app.property.storage.jobs.leases import Lease, hold
from app.property.storage.jobs.models import Job, Tried, job_of
from app.property.storage.jobs.tables import Job as JobRow
from app.property.storage.jobs.tables import JobAttempt
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.statements import chunks, clean
from app.property.urls.targets import is_address


def failed_pages(database: Database, job_id: str) -> dict[str, Tried]:
    """Return by URL the pages that the job asked for in vain."""
    theirs = select(JobAttempt).where(JobAttempt.job_id == job_id, JobAttempt.position.is_(None))
    with database.reading() as connection:
        return {row.url: _tried(row) for row in connection.execute(theirs)}


def note_failed_page(database: Database, lease: Lease, tried: Tried, asked_at: datetime) -> None:
    """Put `tried` in the place of what was known of its URL, unless that was purged after `asked_at`. Raises
    `LeaseLostError`."""
    known = JobAttempt.job_id == lease.job_id, JobAttempt.position.is_(None), JobAttempt.url == tried.url

    def work(connection: Connection) -> None:
        rows = _rows(database, connection, lease.job_id, [tried], asked_at)
        hold(connection, lease)
        connection.execute(delete(JobAttempt).where(*known))
        if rows:
            connection.execute(insert(JobAttempt), rows)

    database.repeat(work)


def put_tried(
    database: Database, connection: Connection, job_id: str, tried: Iterable[Tried], asked_at: datetime
) -> None:
    """Put `tried` in the place of all that the job, whose lease is held, tried before.

    What names a page that was purged after `asked_at` is left out, and who was purged since.
    """
    rows = _rows(database, connection, job_id, list(tried), asked_at)
    connection.execute(delete(JobAttempt).where(JobAttempt.job_id == job_id))
    if rows:
        connection.execute(insert(JobAttempt), [{**row, "position": place} for place, row in enumerate(rows)])


def jobs_of(connection: Connection, rows: Sequence[Row[Any]]) -> list[Job]:
    """Return the jobs that `rows` hold, with what they tried; one more query if there are addresses among them."""
    tried = tried_by(connection, [row.id for row in rows if is_address(row.target)])
    return [job_of(row, tried.get(row.id, ())) for row in rows]


def tried_by(connection: Connection, job_ids: Sequence[str]) -> dict[str, tuple[Tried, ...]]:
    """Return what each of the jobs tried, in its order; jobs that tried nothing are left out."""
    found = defaultdict[str, list[Tried]](list)
    for some in chunks(job_ids):
        query = select(JobAttempt).where(JobAttempt.job_id.in_(some), JobAttempt.position.is_not(None))
        for row in connection.execute(query.order_by(JobAttempt.job_id, JobAttempt.position)):
            found[row.job_id].append(_tried(row))
    return {job_id: tuple(tried) for job_id, tried in found.items()}


def tried_for(connection: Connection, property_ids: Sequence[str]) -> dict[str, tuple[Tried, ...]]:
    """Return what was tried for each property by the newest job that brought it and tried something."""
    has_tried = select(JobAttempt.id).where(JobAttempt.job_id == JobRow.id).exists()
    query = select(JobRow.property_id, JobRow.id).where(JobRow.property_id.in_(property_ids), has_tried)
    rows = connection.execute(query.order_by(JobRow.finished_at, JobRow.id)).all()
    newest: dict[str, str] = {row.property_id: row.id for row in rows}
    tried = tried_by(connection, list(newest.values()))
    return {property_id: tried[job_id] for property_id, job_id in newest.items() if job_id in tried}


def _rows(
    database: Database, connection: Connection, job_id: str, tried: Sequence[Tried], asked_at: datetime
) -> list[dict[str, Any]]:
    """Return the rows of `tried`, without what was purged after `asked_at`."""
    purged = purged_since(database, connection, asked_at, {one.url for one in tried if one.url})
    return [
        {
            "job_id": job_id,
            "source": clean(one.source),
            "kind": one.kind,
            "url": one.url,
            "outcome": one.outcome,
            "detail": purged.names.without(clean(one.detail)),
            "tries": one.tries,
            "is_final": one.is_final,
        }
        for one in tried
        if one.url not in purged.urls and not purged.names.is_in(one.url)
    ]


def _tried(row: Row[Any]) -> Tried:
    kind = SourceKind(row.kind) if row.kind else None
    return Tried(row.source, kind, row.url, row.outcome, row.detail, row.tries, row.is_final)
