"""Store the attempts of address jobs: failed pages during a run, and the outcome of each source at its end.

A fetched page is stored as the job's checkpoint instead (`pages/repository.py`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.orm import selectinload

from app.property.storage.database import Database
from app.property.storage.jobs.leases import Lease, hold
from app.property.storage.jobs.models import Job, JobAttempt
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.statements import clean, entities


def failed_pages(database: Database, job_id: str) -> dict[str, JobAttempt]:
    theirs = select(JobAttempt).where(JobAttempt.job_id == job_id, JobAttempt.position.is_(None))
    with database.reading() as connection:
        return {tried.url: tried for tried in entities(connection, theirs) if tried.url is not None}


def note_failed_page(database: Database, lease: Lease, tried: JobAttempt, asked_at: datetime) -> None:
    """Store a failed attempt, replacing an earlier attempt at the same URL.

    If the page was purged after `asked_at`, store nothing. Raises `LeaseLostError`.
    """
    known = JobAttempt.job_id == lease.job_id, JobAttempt.position.is_(None), JobAttempt.url == tried.url

    def work(connection: Connection) -> None:
        rows = _rows(database, connection, lease.job_id, [tried], asked_at)
        hold(connection, lease)
        connection.execute(delete(JobAttempt).where(*known))
        if rows:
            connection.execute(insert(JobAttempt), rows)

    database.repeat(work)


def put_tried(
    database: Database, connection: Connection, job_id: str, tried: Iterable[JobAttempt], asked_at: datetime
) -> None:
    """Replace the attempts of a job by `tried`, without pages and names purged after `asked_at`.

    The caller must hold the job's lease in this transaction.
    """
    rows = _rows(database, connection, job_id, list(tried), asked_at)
    connection.execute(delete(JobAttempt).where(JobAttempt.job_id == job_id))
    if rows:
        connection.execute(insert(JobAttempt), [{**row, "position": place} for place, row in enumerate(rows)])


def tried_for(connection: Connection, property_ids: Sequence[str]) -> dict[str, list[JobAttempt]]:
    """Return the recorded attempts of each property: those of its last finished job with attempts."""
    brought = select(Job.property_id, Job.id).where(Job.property_id.in_(property_ids), Job.tried.any())
    newest = {row.property_id: row.id for row in connection.execute(brought.order_by(Job.finished_at, Job.id))}
    jobs = entities(connection, select(Job).where(Job.id.in_(newest.values())).options(selectinload(Job.tried)))
    return {str(job.property_id): job.tried for job in jobs}


def _rows(
    database: Database, connection: Connection, job_id: str, tried: Sequence[JobAttempt], asked_at: datetime
) -> list[dict[str, Any]]:
    purged = purged_since(database, connection, asked_at, {one.url for one in tried if one.url})
    return [
        {
            **{name: getattr(one, name) for name in ("kind", "url", "outcome", "tries", "is_final")},
            "job_id": job_id,
            "source": clean(one.source),
            "detail": purged.names.without(clean(one.detail)),
        }
        for one in tried
        if one.url not in purged.urls and not purged.names.is_in(one.url)
    ]
