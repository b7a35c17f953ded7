"""A job's results are stored completely or not at all, and only while its worker holds the lease."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, event, select

from app.errors.jobs import LeaseLostError
from app.errors.storage import RowGoneError, StoreError
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.record import PageKind, PropertyRecord
from app.property.storage.jobs.found import Walked, finish_search
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Batch, Job, JobAttempt, JobState, PageFrom
from app.property.storage.pages.index import KnownRecord
from app.property.storage.pages.tables import PageAlias
from app.property.storage.properties.tables import Observation, Property, PropertyKey, SourceRow, Unverified
from app.property.storage.watches.models import Change
from app.services.scraping.model_reading import ModelReading
from app.services.scraping.storing import Storing
from tests.plugins.page_records import page_record
from tests.plugins.stores import Stores

URL = "https://a.example/1"
ADDRESS = {"StreetNumber": "12", "StreetName": "Main Street", "City": "Springfield", "StateOrProvince": "IL"}
TABLES = (Property, PropertyKey, SourceRow, Observation, Unverified, PageAlias, Change, JobAttempt, Job, Batch)


@pytest.fixture
def storing(db: Stores) -> Storing:
    return Storing(db, db.properties)


@pytest.fixture
def reading(db: Stores) -> ModelReading:
    page = Page(URL, URL, "text/html", "", b"", db.clock.now())
    return ModelReading(Extraction(page, PageKind.LISTING, "", PropertyRecord()), "no key", ("Roof",))


def claimed(db: Stores) -> Lease:
    return Lease(db.start(URL, "A").id, "A")


def test_a_job_does_not_end_with_a_purged_property(db: Stores, storing: Storing) -> None:
    lease = claimed(db)
    with pytest.raises(RowGoneError):
        storing.fresh(lease, ("purged", PageKind.LISTING), (URL,))
    assert db.jobs.get(lease.job_id).state is JobState.RUNNING


def canceled(db: Stores, lease: Lease) -> None:
    db.jobs.cancel(lease.job_id)


def taken_over(db: Stores, lease: Lease) -> None:
    """Let the lease expire, and let worker B take the job."""
    db.clock.advance(31)
    db.claim(lease.job_id, "B")


def superseded(db: Stores, lease: Lease) -> None:
    taken_over(db, lease)
    assert db.jobs.fail(lease.job_id, StoreError("x", "y"), "B")


def purged(db: Stores, lease: Lease) -> None:
    db.execute(delete(Job).where(Job.id == lease.job_id))


def everything(db: Stores) -> dict[str, list[Any]]:
    with db.reading() as connection:
        return {t.__tablename__: sorted(map(repr, connection.execute(select(t)))) for t in TABLES}


@pytest.mark.parametrize("lose", [canceled, superseded, taken_over, purged])
def test_a_run_that_lost_its_lease_stores_nothing(
    db: Stores, storing: Storing, *, reading: ModelReading, lose: Callable[..., None]
) -> None:
    record = page_record(URL, {"ListPrice": 100_000, **ADDRESS}, db.clock.now())
    other = page_record("https://b.example/1", ADDRESS, db.clock.now(), "1" * 64)
    home = db.save(other)
    lease = claimed(db)
    lose(db, lease)
    before = everything(db)
    steps: tuple[Callable[[], object], ...] = (
        lambda: storing.page(lease, record, reading, (record, other)),
        lambda: storing.fresh(lease, (home, PageKind.LISTING), (URL,)),
        lambda: storing.same_page(lease, record, KnownRecord(other, home, True)),
        lambda: storing.tried(lease, [], db.clock.now()),
        lambda: finish_search(db, lease, Walked(["https://a.example/2"], {}, 1, "last_page")),
    )
    for step in steps:
        with pytest.raises(LeaseLostError):
            step()
        assert everything(db) == before


def test_an_expired_lease_is_valid_until_another_worker_takes_it(
    db: Stores, storing: Storing, reading: ModelReading
) -> None:
    """A worker that was blocked by a locked database may renew its lease late."""
    lease = claimed(db)
    db.clock.advance(300)
    stored = storing.page(lease, page_record(URL, ADDRESS, db.clock.now()), reading)
    job = db.jobs.get(lease.job_id)
    assert (job.state, job.property_id, job.page_from) == (JobState.DONE, stored.property_id, PageFrom.SITE)
    assert (tuple(job.wanted_model), job.model_note) == (("Roof",), "no key")


def test_a_page_and_the_end_of_its_job_are_stored_together_or_not_at_all(
    db: Stores, storing: Storing, reading: ModelReading
) -> None:
    """The first run crashes when it marks the job as done. The second run stores everything in one commit."""
    lease, crashes, commits = claimed(db), [True], []
    before = everything(db)
    with db.reading() as connection:
        engine = connection.engine

    @event.listens_for(engine, "before_cursor_execute")
    def crash(*arguments: Any) -> None:
        if crashes and arguments[2].startswith("UPDATE jobs"):
            crashes.clear()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storing.page(lease, page_record(URL, ADDRESS, db.clock.now()), reading)
    assert everything(db) == before
    event.listen(engine, "commit", commits.append)
    storing.page(lease, page_record(URL, ADDRESS, db.clock.now()), reading)
    assert len(commits) == 1
    assert db.jobs.get(lease.job_id).state is JobState.DONE


def test_a_page_without_a_job_is_stored(db: Stores, storing: Storing, reading: ModelReading) -> None:
    stored = storing.page(None, page_record(URL, ADDRESS, db.clock.now()), reading)
    assert db.properties.get(stored.property_id)["record"]["City"] == "Springfield"
