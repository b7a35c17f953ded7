"""The sources that a job tried are shown with its job and property, replaced by later runs, and purged."""

from dataclasses import replace

import pytest

from app.clock import ManualClock
from app.errors.jobs import LeaseLostError
from app.property.record import SourceKind
from app.property.storage.database import Database
from app.property.storage.jobs.attempts import failed_pages, note_failed_page
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import JobAttempt, JobState
from app.property.storage.jobs.repository import JobStore
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.repository import PropertyStore
from benchmarks.saving import save_record
from tests.contract.conftest import count
from tests.contract.test_store_searches import address_record
from tests.plugins.job_ends import finish, put_tried

ADDRESS, PAGE = "12 FICTIONAL AVE, ANYTOWN, ST 00000", "https://homes.example/1"
CARD, DEED = "https://assessor.example/7", "https://deeds.example/7"
USED = JobAttempt("Assessor", SourceKind.ASSESSOR, CARD, "used", "its address is 12 FICTIONAL AVE")
GONE = JobAttempt("Deeds", SourceKind.TAX_ROLL, DEED, "page_gone", "Page is gone")
SKIPPED = JobAttempt("web search", None, None, "not_asked", "")


def enqueue(database: Database, target: str = ADDRESS, *, refresh: bool = False) -> str:
    (job_id,) = JobStore(database).enqueue([target], refresh=refresh).new
    return job_id


def finish_job(database: Database, job_id: str, property_id: str) -> None:
    assert JobStore(database).claim(job_id, "test", 30)
    assert finish(JobStore(database), job_id, "test", property_id)


def tried(database: Database, job_id: str) -> list[JobAttempt]:
    return JobStore(database).get(job_id).tried


def test_every_view_of_a_job_lists_its_attempts_in_order(database: Database, clock: ManualClock) -> None:
    jobs, job_id, other = JobStore(database), enqueue(database), enqueue(database, PAGE)
    put_tried(database, job_id, [GONE, USED, SKIPPED], clock.now())
    assert tried(database, job_id) == [GONE, USED, SKIPPED]
    for listed in (jobs.list(), jobs.page().items):
        assert {job.id: job.tried for job in listed} == {job_id: [GONE, USED, SKIPPED], other: []}
    assert jobs.get(job_id).as_json()["tried"][2] == {
        "source": "web search", "kind": None, "url": None, "outcome": "not_asked", "detail": None,
    }  # fmt: skip


def test_a_later_run_replaces_the_attempts_and_a_retry_deletes_them(database: Database, clock: ManualClock) -> None:
    job_id = enqueue(database)
    put_tried(database, job_id, [GONE, SKIPPED], clock.now())
    put_tried(database, job_id, [USED], clock.now())
    assert tried(database, job_id) == [USED]
    JobStore(database).cancel(job_id)
    assert tried(database, job_id) == [USED]
    JobStore(database).retry([job_id])
    assert tried(database, job_id) == []


def test_a_property_shows_the_attempts_of_its_newest_job(database: Database, clock: ManualClock) -> None:
    properties = PropertyStore(database)
    home = save_record(properties, address_record(CARD, clock.now()))
    assert properties.get(home)["tried"] == []
    for found in ([GONE], [USED, SKIPPED]):
        job_id = enqueue(database, refresh=True)
        put_tried(database, job_id, found, clock.now())
        finish_job(database, job_id, home)
        clock.advance(60)
    # the property was still fresh, so this job tried no source
    finish_job(database, enqueue(database, refresh=True), home)
    assert properties.get(home)["tried"] == [USED.as_json(), SKIPPED.as_json()]
    (listed,) = properties.page().items
    assert listed["tried"] == properties.get(home)["tried"]


def test_a_failed_page_is_stored_until_the_job_ends(database: Database, clock: ManualClock) -> None:
    jobs, job_id, other = JobStore(database), enqueue(database), enqueue(database, PAGE)
    failed = replace(GONE, tries=1, is_final=False)
    for one in (job_id, other):
        assert jobs.claim(one, "test", 30)
        note_failed_page(database, Lease(one, "test"), failed, clock.now())
    again = replace(failed, tries=2, is_final=True)
    note_failed_page(database, Lease(job_id, "test"), again, clock.now())
    assert failed_pages(database, job_id) == {DEED: again}
    assert tried(database, job_id) == [], "attempts are stored at the end of the job"
    put_tried(database, job_id, [USED], clock.now())
    assert (failed_pages(database, job_id), tried(database, job_id)) == ({}, [USED])
    assert failed_pages(database, other) == {DEED: failed}
    with pytest.raises(LeaseLostError):
        note_failed_page(database, Lease(other, "superseded"), again, clock.now())
    assert failed_pages(database, other) == {DEED: failed}


@pytest.mark.parametrize(("kind", "name"), [(PurgeKind.URL, DEED), (PurgeKind.HOST, "deeds.example")])
def test_a_purged_page_is_removed_from_attempts_and_does_not_return(
    database: Database, clock: ManualClock, kind: PurgeKind, name: str
) -> None:
    before, job_id = clock.now(), enqueue(database)
    redirect = JobAttempt("web search", None, CARD, "outside_domains", f"it leads to {DEED}")
    put_tried(database, job_id, [USED, GONE, redirect], before)
    clock.advance(1)
    PurgeStore(database).purge(kind, name, who="alice", dry_run=False)
    assert tried(database, job_id) == [USED]
    put_tried(database, job_id, [GONE, USED], before)
    assert tried(database, job_id) == [USED]
    assert JobStore(database).claim(job_id, "test", 30)
    note_failed_page(database, Lease(job_id, "test"), GONE, before)
    assert failed_pages(database, job_id) == {}
    clock.advance(1)
    put_tried(database, job_id, [GONE, USED], clock.now())
    assert tried(database, job_id) == [GONE, USED]


def test_a_purged_person_is_not_named_in_later_attempts(database: Database, clock: ManualClock) -> None:
    before, job_id = clock.now(), enqueue(database)
    clock.advance(1)
    PurgeStore(database).purge(PurgeKind.PERSON, "Ottilie Quackenbush", who="alice", dry_run=False)
    quoting = replace(GONE, detail="The page says: Ottilie Quackenbush moved away")
    named = replace(GONE, url="https://deeds.example/ottilie-quackenbush")
    put_tried(database, job_id, [quoting, named], before)
    (kept,) = tried(database, job_id)
    assert "Quackenbush" not in kept.detail
    assert kept.url == DEED
    PurgeStore(database).purge(PurgeKind.ADDRESS, ADDRESS, who="alice", dry_run=False)
    assert count(database, JobAttempt) == JobStore(database).counts()[JobState.QUEUED] == 0
