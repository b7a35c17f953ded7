"""What came of each source that a job asked about its address: why what it brought is not complete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from app.property.record import SourceKind
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.tried import Tried
from app.property.storage.privacy.marks import purged_of
from app.property.storage.privacy.names import purged_since
from app.property.storage.statements import chunks, clean, job_of
from app.property.storage.tables import job_sources, jobs
from app.property.urls.targets import is_address


def put_tried(
    database: Database, connection: Connection, job_id: str, tried: Iterable[Tried], asked_at: datetime
) -> None:
    """Put `tried` in the place of what the job, whose lease is held, tried before.

    What names a page that was purged after `asked_at` is left out, and who was purged since.
    """
    tried = tuple(tried)
    gone = purged_of(database, connection, {one.url for one in tried if one.url}, asked_at)
    since = purged_since(database, connection, asked_at)
    connection.execute(delete(job_sources).where(job_sources.c.job_id == job_id))
    rows = [
        {
            "job_id": job_id,
            "position": position,
            "source": clean(one.source),
            "kind": one.kind,
            "url": one.url,
            "outcome": one.outcome,
            "detail": since.without(clean(one.detail)) or None,
        }
        for position, one in enumerate(tried)
        if one.url not in gone and not since.names(one.url)
    ]
    if rows:
        connection.execute(insert(job_sources), rows)


def jobs_of(connection: Connection, rows: Sequence[Row[Any]]) -> list[Job]:
    """The jobs that `rows` hold, with what they tried; one more query if there are addresses among them."""
    tried = tried_by(connection, [row.id for row in rows if is_address(row.target)])
    return [job_of(row, tried.get(row.id, ())) for row in rows]


def tried_by(connection: Connection, job_ids: Sequence[str]) -> dict[str, tuple[Tried, ...]]:
    """What each of the jobs tried, in its order; jobs that tried nothing are left out."""
    found: dict[str, tuple[Tried, ...]] = {}
    c = job_sources.c
    for some in chunks(job_ids):
        query = select(job_sources).where(c.job_id.in_(some)).order_by(c.job_id, c.position)
        for row in connection.execute(query):
            kind = SourceKind(row.kind) if row.kind else None
            one = Tried(row.source, kind, row.url, row.outcome, row.detail or "")
            found[row.job_id] = (*found.get(row.job_id, ()), one)
    return found


def tried_for(connection: Connection, property_ids: Sequence[str]) -> dict[str, tuple[Tried, ...]]:
    """What was tried for each property by the newest job that brought it and tried something."""
    has_tried = select(job_sources.c.job_id).where(job_sources.c.job_id == jobs.c.id).exists()
    query = select(jobs.c.property_id, jobs.c.id).where(jobs.c.property_id.in_(property_ids), has_tried)
    newest = dict(tuple(row) for row in connection.execute(query.order_by(jobs.c.finished_at, jobs.c.id)))
    tried = tried_by(connection, list(newest.values()))
    return {property_id: tried[job_id] for property_id, job_id in newest.items()}
