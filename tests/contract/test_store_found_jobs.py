"""All listings that a search finds become jobs in one transaction."""

from datetime import timedelta

import pytest

from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.jobs.found import LeftOut, Walked, finish_search
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.jobs.usage import Requester
from app.property.storage.statements import digest
from tests.plugins.stores import Stores
from tests.plugins.watch_steps import jobs_for

SEARCH = "https://portal.example/homes/anytown"
ALICE = digest("alice")


def listing(number: int) -> str:
    return f"https://portal.example/listing/{number}"


def searching(db: Stores, *, refresh: bool = False, requester: Requester | None = None) -> Job:
    (job_id,) = db.jobs.enqueue([SEARCH], refresh=refresh, priority=3, economy=True, requester=requester).new
    return db.claim(job_id)


def walked(*numbers: int, left_out: dict[str, int] | None = None) -> Walked:
    return Walked(tuple(map(listing, numbers)), left_out or {}, 2, "last_page")


def test_listings_become_jobs_of_the_searchs_batch_which_stays_open(db: Stores) -> None:
    job = searching(db)
    made = finish_search(db, Lease(job.id, "me"), walked(1, 2, left_out={LeftOut.SPONSORED: 1}))
    assert made is not None
    assert [(one.target, one.state, one.found_by) for one in made] == [(listing(n), "queued", job.id) for n in (1, 2)]
    assert {(one.batch_id, one.priority, one.economy, one.refresh) for one in made} == {(job.batch_id, 3, True, False)}
    assert [one.target for one in db.jobs.list(batch=job.batch_id)] == [SEARCH, listing(1), listing(2)]
    ended = db.jobs.get(job.id)
    assert (ended.state, ended.property_id, ended.found_by) == (JobState.DONE, None, None)
    assert ended.search == {
        "pages": 2, "found": 3, "taken": 2, "left_out": {"sponsored": 1}, "ended_by": "last_page",
    }  # fmt: skip
    assert db.batches.complete() == []
    assert db.batches.get(job.batch_id).targets == 3
    db.clock.advance(21)
    assert {one.job.target for one in db.jobs.recoverable()} == {listing(1), listing(2)}, "unsent jobs are recovered"


@pytest.mark.parametrize(("refresh", "taken"), [(False, [3]), (True, [2, 3])])
def test_active_and_fresh_listings_are_skipped_but_a_refresh_includes_fresh_ones(
    db: Stores, refresh: bool, taken: list[int]
) -> None:
    db.jobs.enqueue([listing(1)])
    for number, age in ((2, 1), (3, 40)):
        at = db.clock.now() - timedelta(days=age)
        record = SourceRecord(listing(number), listing(number), PageKind.LISTING, digest(number), at, {}, {})
        db.save(record)
    job = searching(db, refresh=refresh)
    made = finish_search(db, Lease(job.id, "me"), walked(1, 2, 3))
    assert [one.target for one in made or []] == [listing(number) for number in taken]
    summary = db.jobs.get(job.id).search or {}
    assert summary["left_out"] == {"under_way": 1} | ({} if refresh else {"fresh": 1})
    assert summary["found"] == summary["taken"] + sum(summary["left_out"].values()) == 3


def test_a_watch_of_a_search_creates_jobs_for_new_listings_only(db: Stores) -> None:
    at = db.clock.now() - timedelta(days=1000)
    record = SourceRecord(listing(1), listing(1), PageKind.LISTING, digest(1), at, {}, {})
    db.save(record)
    (watch,) = db.watches.add([SEARCH]).watches
    (made,) = jobs_for(db, [SEARCH], watch.id)
    job = db.claim(made.id)
    found = finish_search(db, Lease(job.id, "me"), walked(1, 2))
    assert [(one.target, one.watch_id, one.refresh) for one in found] == [(listing(2), watch.id, False)]
    assert (db.jobs.get(job.id).search or {})["left_out"] == {"known": 1}


@pytest.mark.parametrize(("quota", "taken"), [(None, 5), (4, 3), (1, 0)])
def test_listings_count_against_the_quota_of_the_searchs_requester(db: Stores, quota: int | None, taken: int) -> None:
    job = searching(db, requester=Requester(ALICE, quota))
    made = finish_search(db, Lease(job.id, "me"), walked(1, 2, 3, 4, 5), daily_targets=quota)
    assert len(made or []) == taken
    assert db.jobs.used_today(ALICE) == 1 + taken
    summary = db.jobs.get(job.id).search or {}
    assert summary["left_out"] == ({"quota": 5 - taken} if taken < 5 else {})


def test_a_search_may_find_more_listings_than_one_statement_can_insert(db: Stores) -> None:
    job = searching(db)
    made = finish_search(db, Lease(job.id, "me"), walked(*range(2_300)))
    assert len(made or []) == 2_300
    assert [one.position for one in db.jobs.list(batch=job.batch_id, limit=3_000)] == list(range(2_301))
