"""A job's results are stored completely or not at all, and only while its worker holds the lease."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, event, select

from app.clock import ManualClock
from app.errors.jobs import LeaseLostError
from app.errors.storage import RowGoneError, StoreError
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.record import PageKind, PropertyRecord
from app.property.storage.database import Database
from app.property.storage.jobs.found import Walked, finish_search
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Batch as BatchRow
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.models import JobAttempt, JobState, PageFrom
from app.property.storage.jobs.repository import JobStore
from app.property.storage.pages.index import KnownRecord
from app.property.storage.pages.tables import PageAlias
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Observation, Property, PropertyKey, SourceRow, Unverified
from app.property.storage.watches.models import Change
from app.services.scraping.model_reading import ModelReading
from app.services.scraping.storing import Storing
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

URL = "https://a.example/1"
ADDRESS = {"StreetNumber": "12", "StreetName": "Main Street", "City": "Springfield", "StateOrProvince": "IL"}
TABLES = (Property, PropertyKey, SourceRow, Observation, Unverified, PageAlias, Change, JobAttempt, JobRow, BatchRow)


@pytest.fixture
def storing(database: Database) -> Storing:
    return Storing(database, PropertyStore(database))


@pytest.fixture
def reading(clock: ManualClock) -> ModelReading:
    page = Page(URL, URL, "text/html", "", b"", clock.now())
    return ModelReading(Extraction(page, PageKind.LISTING, "", PropertyRecord()), "no key", ("Roof",))


def claimed(jobs: JobStore, target: str = URL) -> Lease:
    (job_id,) = jobs.enqueue([target]).new
    assert jobs.claim(job_id, "A", 30) is not None
    return Lease(job_id, "A")


def test_a_job_does_not_end_with_a_purged_property(database: Database, storing: Storing) -> None:
    lease = claimed(JobStore(database))
    with pytest.raises(RowGoneError):
        storing.fresh(lease, ("purged", PageKind.LISTING), (URL,))
    assert JobStore(database).get(lease.job_id).state is JobState.RUNNING


def canceled(database: Database, clock: ManualClock, lease: Lease) -> None:
    JobStore(database).cancel(lease.job_id)


def superseded(database: Database, clock: ManualClock, lease: Lease) -> None:
    """Let the lease expire while another worker takes the job and fails."""
    clock.advance(31)
    jobs = JobStore(database)
    assert jobs.claim(lease.job_id, "B", 30) is not None
    assert jobs.fail(lease.job_id, StoreError("x", "y"), "B")


def taken_over(database: Database, clock: ManualClock, lease: Lease) -> None:
    """Let the lease expire while another worker runs the job."""
    clock.advance(31)
    assert JobStore(database).claim(lease.job_id, "B", 30) is not None


def purged(database: Database, clock: ManualClock, lease: Lease) -> None:
    with database.writing() as connection:
        connection.execute(delete(JobRow).where(JobRow.id == lease.job_id))


def everything(database: Database) -> dict[str, list[Any]]:
    with database.reading() as connection:
        return {t.__tablename__: sorted(map(repr, connection.execute(select(t)))) for t in TABLES}


@pytest.mark.parametrize("lose", [canceled, superseded, taken_over, purged])
def test_a_run_that_lost_its_lease_stores_nothing(
    database: Database,
    jobs: JobStore,
    storing: Storing,
    *,
    clock: ManualClock,
    reading: ModelReading,
    lose: Callable[..., None],
) -> None:
    record = page_record(URL, {"ListPrice": 100_000, **ADDRESS}, clock.now())
    other = page_record("https://b.example/1", ADDRESS, clock.now(), "1" * 64)
    home = save_record(PropertyStore(database), other)
    lease = claimed(jobs)
    lose(database, clock, lease)
    before = everything(database)
    steps: tuple[Callable[[], object], ...] = (
        lambda: storing.page(lease, record, reading, (record, other)),
        lambda: storing.fresh(lease, (home, PageKind.LISTING), (URL,)),
        lambda: storing.same_page(lease, record, KnownRecord(other, home, True)),
        lambda: storing.tried(lease, [], clock.now()),
        lambda: finish_search(database, lease, Walked(["https://a.example/2"], {}, 1, "last_page")),
    )
    for step in steps:
        with pytest.raises(LeaseLostError):
            step()
        assert everything(database) == before


def test_an_expired_lease_is_valid_until_another_worker_takes_it(
    jobs: JobStore, storing: Storing, clock: ManualClock, reading: ModelReading
) -> None:
    """A worker may renew its lease late, because the database was locked."""
    lease = claimed(jobs)
    clock.advance(300)
    stored = storing.page(lease, page_record(URL, ADDRESS, clock.now()), reading)
    job = jobs.get(lease.job_id)
    assert (job.state, job.property_id, job.page_from) == (JobState.DONE, stored.property_id, PageFrom.SITE)
    assert (tuple(job.wanted_model), job.model_note) == (("Roof",), "no key")


def test_a_page_and_the_end_of_its_job_are_stored_together_or_not_at_all(
    database: Database, jobs: JobStore, storing: Storing, clock: ManualClock, reading: ModelReading
) -> None:
    """The first run crashes at its end. The second run stores everything in one commit."""
    lease, crashes, commits = claimed(jobs), [True], []
    before = everything(database)
    with database.reading() as connection:
        engine = connection.engine

    @event.listens_for(engine, "before_cursor_execute")
    def crash(*arguments: Any) -> None:
        if crashes and arguments[2].startswith("UPDATE jobs"):
            crashes.clear()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storing.page(lease, page_record(URL, ADDRESS, clock.now()), reading)
    assert everything(database) == before
    event.listen(engine, "commit", commits.append)
    storing.page(lease, page_record(URL, ADDRESS, clock.now()), reading)
    assert len(commits) == 1
    assert jobs.get(lease.job_id).state is JobState.DONE


def test_a_page_without_a_job_is_stored(
    storing: Storing, database: Database, clock: ManualClock, reading: ModelReading
) -> None:
    """`propintel scrape` stores pages without a lease."""
    stored = storing.page(None, page_record(URL, ADDRESS, clock.now()), reading)
    assert PropertyStore(database).get(stored.property_id)["record"]["City"] == "Springfield"
