"""The sources that a job tried are shown with the job and its property, until another run or a purge removes them."""

from dataclasses import replace

import pytest

from app.errors.jobs import LeaseLostError
from app.property.record import SourceKind
from app.property.storage.jobs.attempts import failed_pages, note_failed_page
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import JobAttempt, JobState
from tests.contract.conftest import count
from tests.contract.test_store_searches import address_record
from tests.plugins.job_ends import finish, put_tried
from tests.plugins.stores import Stores

ADDRESS, PAGE = "12 FICTIONAL AVE, ANYTOWN, ST 00000", "https://homes.example/1"
CARD, DEED = "https://assessor.example/7", "https://deeds.example/7"
USED = JobAttempt("Assessor", SourceKind.ASSESSOR, CARD, "used", "its address is 12 FICTIONAL AVE")
GONE = JobAttempt("Deeds", SourceKind.TAX_ROLL, DEED, "page_gone", "Page is gone")
SKIPPED = JobAttempt("web search", None, None, "not_asked", "")


def enqueue(db: Stores, target: str = ADDRESS, *, refresh: bool = False) -> str:
    (job_id,) = db.jobs.enqueue([target], refresh=refresh).new
    return job_id


def finish_job(db: Stores, job_id: str, property_id: str) -> None:
    assert db.jobs.claim(job_id, "test", 30)
    assert finish(db.jobs, job_id, "test", property_id)


def tried(db: Stores, job_id: str) -> list[JobAttempt]:
    return db.jobs.get(job_id).tried


def test_every_view_of_a_job_lists_its_attempts_in_order(db: Stores) -> None:
    job_id, other = enqueue(db), enqueue(db, PAGE)
    put_tried(db, job_id, [GONE, USED, SKIPPED], db.clock.now())
    assert tried(db, job_id) == [GONE, USED, SKIPPED]
    for listed in (db.jobs.list(), db.jobs.page().items):
        assert {job.id: job.tried for job in listed} == {job_id: [GONE, USED, SKIPPED], other: []}
    assert db.jobs.get(job_id).as_json()["tried"][2] == {
        "source": "web search", "kind": None, "url": None, "outcome": "not_asked", "detail": None,
    }  # fmt: skip


def test_a_later_run_replaces_the_attempts_and_a_retry_deletes_them(db: Stores) -> None:
    job_id = enqueue(db)
    put_tried(db, job_id, [GONE, SKIPPED], db.clock.now())
    put_tried(db, job_id, [USED], db.clock.now())
    assert tried(db, job_id) == [USED]
    db.jobs.cancel(job_id)
    assert tried(db, job_id) == [USED]
    db.jobs.retry([job_id])
    assert tried(db, job_id) == []


def test_a_property_shows_the_attempts_of_its_newest_job(db: Stores) -> None:
    home = db.save(address_record(CARD, db.clock.now()))
    assert db.properties.get(home)["tried"] == []
    for found in ([GONE], [USED, SKIPPED]):
        job_id = enqueue(db, refresh=True)
        put_tried(db, job_id, found, db.clock.now())
        finish_job(db, job_id, home)
        db.clock.advance(60)
    # a job that tried no source, because the property was still fresh
    finish_job(db, enqueue(db, refresh=True), home)
    assert db.properties.get(home)["tried"] == [USED.as_json(), SKIPPED.as_json()]
    (listed,) = db.properties.page().items
    assert listed["tried"] == db.properties.get(home)["tried"]


def test_a_failed_page_is_stored_until_the_job_ends(db: Stores) -> None:
    job_id, other = enqueue(db), enqueue(db, PAGE)
    failed = replace(GONE, tries=1, is_final=False)
    for one in (job_id, other):
        assert db.jobs.claim(one, "test", 30)
        note_failed_page(db, Lease(one, "test"), failed, db.clock.now())
    again = replace(failed, tries=2, is_final=True)
    note_failed_page(db, Lease(job_id, "test"), again, db.clock.now())
    assert failed_pages(db, job_id) == {DEED: again}
    assert tried(db, job_id) == [], "attempts are stored at the end of the job"
    put_tried(db, job_id, [USED], db.clock.now())
    assert (failed_pages(db, job_id), tried(db, job_id)) == ({}, [USED])
    assert failed_pages(db, other) == {DEED: failed}
    with pytest.raises(LeaseLostError):
        note_failed_page(db, Lease(other, "superseded"), again, db.clock.now())
    assert failed_pages(db, other) == {DEED: failed}


@pytest.mark.parametrize(("kind", "name"), [("url", DEED), ("host", "deeds.example")])
def test_a_purged_page_is_removed_from_attempts_and_does_not_return(db: Stores, kind: str, name: str) -> None:
    before, job_id = db.clock.now(), enqueue(db)
    redirect = JobAttempt("web search", None, CARD, "outside_domains", f"it leads to {DEED}")
    put_tried(db, job_id, [USED, GONE, redirect], before)
    db.clock.advance(1)
    db.purge(kind, name)
    assert tried(db, job_id) == [USED]
    put_tried(db, job_id, [GONE, USED], before)
    assert tried(db, job_id) == [USED]
    assert db.jobs.claim(job_id, "test", 30)
    note_failed_page(db, Lease(job_id, "test"), GONE, before)
    assert failed_pages(db, job_id) == {}
    db.clock.advance(1)
    put_tried(db, job_id, [GONE, USED], db.clock.now())
    assert tried(db, job_id) == [GONE, USED]


def test_a_purged_person_is_not_named_in_later_attempts(db: Stores) -> None:
    before, job_id = db.clock.now(), enqueue(db)
    db.clock.advance(1)
    db.purge("person", "Ottilie Quackenbush")
    quoting = replace(GONE, detail="The page says: Ottilie Quackenbush moved away")
    named = replace(GONE, url="https://deeds.example/ottilie-quackenbush")
    put_tried(db, job_id, [quoting, named], before)
    (kept,) = tried(db, job_id)
    assert "Quackenbush" not in kept.detail
    assert kept.url == DEED
    db.purge("address", ADDRESS)
    assert count(db, JobAttempt) == db.jobs.counts()[JobState.QUEUED] == 0
