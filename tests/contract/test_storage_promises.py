"""A run stores everything or nothing, and only while it holds its job's lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
TABLES = (
    Property.__table__,
    PropertyKey.__table__,
    SourceRow.__table__,
    Observation.__table__,
    Unverified.__table__,
    PageAlias.__table__,
    Change.__table__,
    JobAttempt.__table__,
    JobRow.__table__,
    BatchRow.__table__,
)


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


LOSSES = pytest.mark.parametrize("lose", [canceled, superseded, taken_over, purged])


def everything(database: Database) -> dict[str, list[Any]]:
    with database.reading() as connection:
        return {t.name: sorted(map(repr, connection.execute(select(t)))) for t in TABLES}


@LOSSES
@pytest.mark.parametrize("what", ["page", "fresh", "same_page", "tried", "found"])
def test_a_run_that_lost_its_lease_stores_nothing(
    database: Database,
    jobs: JobStore,
    storing: Storing,
    *,
    clock: ManualClock,
    reading: ModelReading,
    lose: Callable[..., None],
    what: str,
) -> None:
    record = page_record(URL, {"ListPrice": 100_000, **ADDRESS}, clock.now())
    other = page_record("https://b.example/1", ADDRESS, clock.now(), "1" * 64)
    home = save_record(PropertyStore(database), other)
    lease = claimed(jobs)
    lose(database, clock, lease)
    before = everything(database)
    steps: dict[str, Callable[[], object]] = {
        "page": lambda: storing.page(lease, record, reading, (record, other)),
        "fresh": lambda: storing.fresh(lease, (home, PageKind.LISTING), (URL,)),
        "same_page": lambda: storing.same_page(lease, record, KnownRecord(other, home, True)),
        "tried": lambda: storing.tried(lease, [], clock.now()),
        "found": lambda: finish_search(database, lease, Walked(["https://a.example/2"], {}, 1, "last_page")),
    }
    with pytest.raises(LeaseLostError):
        steps[what]()
    assert everything(database) == before


def test_an_expired_lease_is_valid_until_another_worker_takes_it(
    jobs: JobStore, storing: Storing, clock: ManualClock, reading: ModelReading
) -> None:
    """A renewal may be late while the database is locked."""
    lease = claimed(jobs)
    clock.advance(300)
    stored = storing.page(lease, page_record(URL, ADDRESS, clock.now()), reading)
    job = jobs.get(lease.job_id)
    assert (job.state, job.property_id, job.page_from) == (JobState.DONE, stored.property_id, PageFrom.SITE)
    assert (tuple(job.wanted_model), job.model_note) == (("Roof",), "no key")


@contextmanager
def counted(database: Database, name: str, refuse: Callable[[str], bool] = lambda _: False) -> Iterator[list[Any]]:
    """Yield a list of the engine's `name` events. A statement that `refuse` matches is interrupted, as in a crash."""
    seen: list[Any] = []
    with database.reading() as connection:
        engine = connection.engine

    def note(*arguments: Any) -> None:
        seen.append(arguments)
        if len(arguments) > 2 and refuse(str(arguments[2])):
            raise KeyboardInterrupt

    event.listen(engine, name, note)
    try:
        yield seen
    finally:
        event.remove(engine, name, note)


def test_a_crash_while_finishing_stores_nothing(
    database: Database, jobs: JobStore, storing: Storing, clock: ManualClock, reading: ModelReading
) -> None:
    lease = claimed(jobs)
    before = everything(database)
    with (
        counted(database, "before_cursor_execute", lambda sql: sql.startswith("UPDATE jobs")),
        pytest.raises(KeyboardInterrupt),
    ):
        storing.page(lease, page_record(URL, ADDRESS, clock.now()), reading)
    assert everything(database) == before
    assert jobs.get(lease.job_id).state is JobState.RUNNING


def test_a_property_and_the_end_of_its_job_share_one_commit(
    database: Database, jobs: JobStore, storing: Storing, clock: ManualClock, reading: ModelReading
) -> None:
    lease = claimed(jobs)
    with counted(database, "commit") as commits:
        storing.page(lease, page_record(URL, ADDRESS, clock.now()), reading)
    assert len(commits) == 1
    assert jobs.get(lease.job_id).state is JobState.DONE


def test_a_page_without_a_job_is_stored(
    storing: Storing, database: Database, clock: ManualClock, reading: ModelReading
) -> None:
    """`propintel scrape` stores pages without a lease."""
    stored = storing.page(None, page_record(URL, ADDRESS, clock.now()), reading)
    assert PropertyStore(database).get(stored.property_id)["record"]["City"] == "Springfield"
