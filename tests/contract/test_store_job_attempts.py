"""What a job tried stands with it at every look, is the newest job's at its property, and goes with what it names."""

from __future__ import annotations

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
from app.property.storage.privacy.names_key import NamesKey
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.repository import PropertyStore
from benchmarks.saving import save_record
from tests.contract.conftest import count
from tests.contract.test_store_searches import house
from tests.plugins.job_ends import finish, put_tried

ADDRESS, PAGE = "12 FICTIONAL AVE, ANYTOWN, ST 00000", "https://homes.example/1"
CARD, DEED = "https://assessor.example/7", "https://deeds.example/7"
USED = JobAttempt("Assessor", SourceKind.ASSESSOR, CARD, "used", "its address is 12 FICTIONAL AVE")
GONE = JobAttempt("Deeds", SourceKind.TAX_ROLL, DEED, "page_gone", "Page is gone")
SKIPPED = JobAttempt("web search", None, None, "not_asked", "")


def made(database: Database, target: str = ADDRESS, *, refresh: bool = False) -> str:
    (job_id,) = JobStore(database).enqueue([target], refresh=refresh).new
    return job_id


def ended(database: Database, job_id: str, property_id: str) -> None:
    assert JobStore(database).claim(job_id, "test", 30)
    assert finish(JobStore(database), job_id, "test", property_id)


def tried(database: Database, job_id: str) -> list[JobAttempt]:
    return JobStore(database).get(job_id).tried


def test_a_job_has_what_it_tried_in_its_order_at_every_look(database: Database, clock: ManualClock) -> None:
    jobs, job_id, other = JobStore(database), made(database), made(database, PAGE)
    put_tried(database, job_id, [GONE, USED, SKIPPED], clock.now())
    assert tried(database, job_id) == [GONE, USED, SKIPPED]
    for listed in (jobs.list(), jobs.page().items):
        assert {job.id: job.tried for job in listed} == {job_id: [GONE, USED, SKIPPED], other: []}
    assert jobs.get(job_id).as_json()["tried"][1:] == [
        {
            "source": "Assessor",
            "kind": "assessor",
            "url": CARD,
            "outcome": "used",
            "detail": "its address is 12 FICTIONAL AVE",
        },
        {"source": "web search", "kind": None, "url": None, "outcome": "not_asked", "detail": None},
    ]


def test_what_a_later_run_tried_takes_the_place_of_the_earlier_and_a_retry_begins_anew(
    database: Database, clock: ManualClock
) -> None:
    job_id = made(database)
    put_tried(database, job_id, [GONE, SKIPPED], clock.now())
    put_tried(database, job_id, [USED], clock.now())
    assert tried(database, job_id) == [USED]
    JobStore(database).cancel(job_id)
    assert tried(database, job_id) == [USED]
    JobStore(database).retry([job_id])
    assert tried(database, job_id) == []


def test_a_property_shows_what_its_newest_job_tried(database: Database, clock: ManualClock) -> None:
    properties = PropertyStore(database)
    home = save_record(properties, house(CARD, clock.now()))
    assert properties.get(home)["tried"] == []
    for found in ([GONE], [USED, SKIPPED]):
        job_id = made(database, refresh=True)
        put_tried(database, job_id, found, clock.now())
        ended(database, job_id, home)
        clock.advance(60)
    ended(database, made(database, refresh=True), home)  # it found the property fresh, and tried nothing
    assert properties.get(home)["tried"] == [USED.as_json(), SKIPPED.as_json()]
    (listed,) = properties.page().items
    assert listed["tried"] == properties.get(home)["tried"]


def test_a_page_that_failed_is_known_until_the_job_is_over(database: Database, clock: ManualClock) -> None:
    jobs, job_id, other = JobStore(database), made(database), made(database, PAGE)
    failed = replace(GONE, tries=1, is_final=False)
    for one in (job_id, other):
        assert jobs.claim(one, "test", 30)
        note_failed_page(database, Lease(one, "test"), failed, clock.now())
    again = replace(failed, tries=2, is_final=True)
    note_failed_page(database, Lease(job_id, "test"), again, clock.now())
    assert failed_pages(database, job_id) == {DEED: again}
    assert tried(database, job_id) == [], "its sources are known at its end"
    put_tried(database, job_id, [USED], clock.now())
    assert (failed_pages(database, job_id), tried(database, job_id)) == ({}, [USED])
    assert failed_pages(database, other) == {DEED: failed}


def test_of_a_run_that_lost_its_lease_no_page_is_noted(database: Database, clock: ManualClock) -> None:
    job_id = made(database)
    assert JobStore(database).claim(job_id, "test", 30)
    with pytest.raises(LeaseLostError):
        note_failed_page(database, Lease(job_id, "other"), GONE, clock.now())
    assert failed_pages(database, job_id) == {}


@pytest.mark.parametrize(("kind", "name"), [(PurgeKind.URL, DEED), (PurgeKind.HOST, "deeds.example")])
def test_a_purged_page_is_gone_from_what_was_tried_and_does_not_come_back(
    database: Database, clock: ManualClock, kind: PurgeKind, name: str
) -> None:
    before, job_id = clock.now(), made(database)
    leads = JobAttempt("web search", None, CARD, "outside_domains", f"it leads to {DEED}")
    put_tried(database, job_id, [USED, GONE, leads], before)
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


def test_with_its_address_the_job_and_all_that_it_tried_are_purged(database: Database, clock: ManualClock) -> None:
    job_id = made(database)
    put_tried(database, job_id, [USED], clock.now())
    PurgeStore(database).purge(PurgeKind.ADDRESS, ADDRESS, who="alice", dry_run=False)
    assert count(database, JobAttempt) == 0
    assert JobStore(database).counts()[JobState.QUEUED] == 0


def test_who_was_purged_since_is_not_named_in_what_was_tried(database_url: str, clock: ManualClock) -> None:
    database = Database(database_url, clock, names_key=NamesKey("k" * 32))
    before, job_id = clock.now(), made(database)
    clock.advance(1)
    PurgeStore(database).purge(PurgeKind.PERSON, "Ottilie Quackenbush", who="alice", dry_run=False)
    told = replace(GONE, detail="The page says: Ottilie Quackenbush moved away")
    named = replace(GONE, url="https://deeds.example/ottilie-quackenbush")
    put_tried(database, job_id, [told, named], before)
    (kept,) = tried(database, job_id)
    assert "Quackenbush" not in kept.detail
    assert kept.url == DEED
    database.close()
