"""Store the end of a job in separate transactions, one per step."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.errors.jobs import LeaseLostError
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs import attempts, leases
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import JobAttempt
from app.property.storage.jobs.repository import JobStore
from app.property.storage.pages import index as page_index
from app.property.storage.pages.index import Seen
from app.property.storage.properties import source_records
from app.property.storage.properties.rebuild import canonical_id
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Unverified


def finish(jobs: JobStore, job_id: str, owner: str, property_id: str, **how: Any) -> bool:
    """End the job as done, with the property `property_id`. Return False if the lease was lost."""
    now = jobs._database.clock.now()
    try:
        with jobs._database.writing() as connection:
            leases.finish(connection, Lease(job_id, owner), now, property_id, **how)
    except LeaseLostError:
        return False
    return True


def put_tried(database: Database, job_id: str, tried: Iterable[JobAttempt], asked_at: datetime) -> None:
    database.repeat(lambda connection: attempts.put_tried(database, connection, job_id, tried, asked_at))


def put_claims(database: Database, property_id: str, claims: Iterable[Unverified], *, read: Iterable[str] = ()) -> None:
    database.repeat(
        lambda connection: source_records.put_claims(
            database, connection, canonical_id(connection, property_id), claims, read=read
        )
    )


def confirm(database: Database, seen: Seen, at: datetime) -> tuple[str, PageKind] | None:
    return database.repeat(lambda connection: PropertyStore(database).confirm(connection, seen, at))


def note_same(database: Database, read: SourceRecord, known: SourceRecord) -> None:
    database.repeat(lambda connection: page_index.note_same(connection, read, known))
