"""What happens to a watch's jobs if it is removed, purged, or joined with another watch meanwhile."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from sqlalchemy import select, text

from app.errors.fetching import HttpStatusError
from app.errors.targets import InvalidTargetError
from app.property.storage.jobs.enqueue import make_batch
from app.property.storage.jobs.found import Walked, finish_search
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Job
from app.property.storage.properties.rebuild import new_property
from app.property.storage.watches.budget import WatchLimits
from tests.contract.conftest import ON_POSTGRESQL
from tests.plugins.stores import Stores
from tests.plugins.watch_steps import ADDRESS, PLENTY, URL, begin, due_now, end, refresh, show_change, store_property

OTHER = "https://county.example/parcel/1"
SEARCH = "https://portal.example/homes/anytown"
LISTINGS = tuple(f"https://portal.example/listing/{n}" for n in range(3))


def search_under_way(db: Stores) -> Job:
    db.watches.add([SEARCH], interval_days=1)
    (made,) = begin(db, SEARCH)
    return db.claim(made.id, "worker")


def states(db: Stores) -> dict[str, str]:
    with db.reading() as connection:
        return {row.target: row.state for row in connection.execute(select(Job))}


class _UndoneError(Exception):
    """Raised to roll a transaction back."""


def run_during(db: Stores, target: str, work: Callable[[], object], meanwhile: Callable[[], object]) -> None:
    """Run `meanwhile` while `work` waits for a lock on `target`. Then release the lock by a rollback."""

    def waiting() -> int:
        with db.reading() as connection:
            return int(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())

    one, other = (threading.Thread(target=each) for each in (work, meanwhile))
    with suppress(_UndoneError), db.writing() as connection:
        make_batch(connection, db.clock.now(), [target], priority=5, resend_at=db.clock.now())
        until = time.monotonic() + 50  # PostgreSQL cancels a statement after 60 s
        one.start()
        while waiting() < 1:
            assert time.monotonic() < until
            time.sleep(0.02)
        other.start()
        while waiting() < 2 and other.is_alive():  # until `meanwhile` also waits for a lock, or has ended
            assert time.monotonic() < until
            time.sleep(0.02)
        raise _UndoneError
    for thread in (one, other):
        thread.join()


@ON_POSTGRESQL
def test_a_watch_that_is_removed_during_a_tick_leaves_no_jobs(db: Stores) -> None:
    db.watches.add([URL], interval_days=1)
    due_now(db, URL)
    run_during(db, URL, lambda: db.watches.tick(PLENTY), lambda: db.watches.remove(URL))
    assert db.watches.page().items == []
    assert states(db) == {URL: "cancelled"}


def test_a_search_whose_watch_was_removed_creates_no_jobs(db: Stores) -> None:
    """Without the watch, the pages of the listings would be charged to no budget."""
    job = search_under_way(db)
    db.watches.remove(SEARCH)
    assert finish_search(db, Lease(job.id, "worker"), Walked(LISTINGS, {}, 1, "last_page")) == []
    assert states(db) == {SEARCH: "done"}
    assert db.jobs.get(job.id).search == {
        "pages": 1, "found": 3, "taken": 0, "left_out": {"unwatched": 3}, "ended_by": "last_page",
    }  # fmt: skip


@ON_POSTGRESQL
def test_removing_a_watch_while_its_search_ends_cancels_the_listings(db: Stores) -> None:
    job = search_under_way(db)
    found = Walked(LISTINGS, {}, 1, "last_page")
    finish = partial(finish_search, db, Lease(job.id, "worker"), found)
    run_during(db, LISTINGS[0], finish, lambda: db.watches.remove(SEARCH))
    assert states(db) == {SEARCH: "done", **dict.fromkeys(LISTINGS, "cancelled")}


@pytest.mark.parametrize("ending", ["removed", "paused"])
def test_no_page_is_rechecked_for_an_ended_watch(db: Stores, ending: str) -> None:
    home = store_property(db, URL, OTHER)
    db.watches.add([URL], interval_days=1)
    refresh(db, URL, home)
    if ending == "paused":
        refresh(db, URL, HttpStatusError(URL, 410))
        end(db, begin(db, URL)[0], HttpStatusError(URL, 410))
        show_change(db, home, OTHER, db.clock.now())
        db.watches.tick(WatchLimits(0, 0))
        assert db.watches.get(URL).status == "paused"
    else:
        db.watches.remove(URL)
        show_change(db, home, OTHER, db.clock.now())
    db.clock.advance(60)
    assert db.watches.tick(PLENTY).jobs == []


@ON_POSTGRESQL
def test_a_property_that_is_purged_during_a_tick_is_not_requested(db: Stores) -> None:
    home = store_property(db, URL)
    db.watches.add([home], interval_days=1)
    due_now(db, home)
    run_during(db, URL, lambda: db.watches.tick(PLENTY), lambda: db.purge("property", home))
    assert db.watches.page().items == []
    assert states(db) == {}


def test_a_listing_that_is_purged_during_its_search_gets_no_job(db: Stores) -> None:
    job = search_under_way(db)
    db.clock.advance(1)
    store_property(db, LISTINGS[0])
    db.purge("url", LISTINGS[0])
    made = finish_search(db, Lease(job.id, "worker"), Walked(LISTINGS, {}, 1, "last_page"))
    assert [one.target for one in made or []] == list(LISTINGS[1:])
    assert (db.jobs.get(job.id).search or {})["left_out"] == {"purged": 1}


def test_a_url_that_names_a_purged_person_is_neither_watched_nor_found(db: Stores) -> None:
    named = "https://portal.example/listing/by-quentin-abernathy"
    db.purge("person", "Quentin Abernathy")
    with pytest.raises(InvalidTargetError, match="a person who was purged") as refused:
        db.watches.add([URL, named])
    assert "bernathy" not in str(refused.value)
    assert db.watches.page().items == []
    job = search_under_way(db)
    made = finish_search(db, Lease(job.id, "worker"), Walked((named, *LISTINGS), {}, 1, "last_page"))
    assert [one.target for one in made or []] == list(LISTINGS)


def test_a_watch_of_a_property_without_pages_is_paused_and_reported(db: Stores) -> None:
    with db.writing() as connection:
        home = new_property(db, connection)
    db.watches.add([home], interval_days=1)
    due_now(db, home)
    (paused,) = db.watches.tick(PLENTY).paused
    assert (paused.target, paused.status, paused.pause_reason) == (home, "paused", "The property has no pages left.")
    assert db.watches.tick(PLENTY).paused == []


def test_two_watches_of_one_property_become_one(db: Stores) -> None:
    """The more frequent watch remains, and both ids find it. Each page is requested once per interval."""
    merged, home = store_property(db, URL), store_property(db, OTHER)
    (frequent,) = db.watches.add([merged], interval_days=2).watches
    (job,) = begin(db, merged)
    db.watches.add([home], interval_days=30)  # added last, so that it is not due yet
    db.decisions.join(home, merged, who="me")
    (remaining,) = db.watches.page().items
    assert (remaining.id, remaining.target, remaining.property_id, remaining.interval_days, remaining.status) == (
        frequent.id, home, home, 2, "under_way",
    )  # fmt: skip
    assert db.watches.get(merged).id == db.watches.get(home).id == remaining.id
    end(db, job, home)
    assert db.watches.tick(PLENTY).settled == {"done": 1}
    assert sorted(one.target for one in begin(db, home)) == [OTHER, URL]
    assert db.watches.remove(merged) == 2


def test_watches_of_names_that_prove_to_be_one_home_become_one(db: Stores) -> None:
    """A page and an address were watched before either was read. The remaining watch refreshes all pages."""
    db.watches.add([URL], interval_days=1)
    db.watches.add([ADDRESS], interval_days=30)
    home = store_property(db, URL, OTHER)
    db.clock.advance(86_400)
    jobs = db.watches.tick(PLENTY).jobs
    assert sorted(job.target for job in jobs) == [ADDRESS, URL]
    for job in jobs:
        end(db, job, home)
    db.watches.tick(PLENTY)
    (remaining,) = db.watches.page().items
    assert (remaining.kind, remaining.target, remaining.interval_days) == ("property", home, 1)
    assert sorted(job.target for job in begin(db, home)) == [OTHER, URL]
    assert db.watches.get(URL).id == remaining.id


def test_watches_of_pages_of_joined_properties_become_one(db: Stores) -> None:
    one, home = store_property(db, URL), store_property(db, OTHER)
    db.watches.add([URL], interval_days=2)
    db.watches.add([OTHER], interval_days=1)
    db.decisions.join(home, one, who="me")
    (remaining,) = db.watches.page().items
    assert (remaining.target, remaining.interval_days) == (db.watches.get(URL).target, 1)
    assert sorted(job.target for job in begin(db, URL)) == [OTHER, URL]


def test_an_active_watch_remains_instead_of_a_paused_one(db: Stores) -> None:
    kept, home = store_property(db, URL), store_property(db, OTHER)
    db.watches.add([kept], interval_days=1)
    for _ in range(2):
        refresh(db, kept, HttpStatusError(URL, 410))
    db.watches.add([home], interval_days=30)
    (job,) = begin(db, home)
    db.decisions.join(kept, home, who="me")
    (remaining,) = db.watches.page().items
    assert (remaining.target, remaining.interval_days, remaining.status) == (kept, 30, "under_way")
    assert db.jobs.get(job.id).watch_id == remaining.id
    assert db.watches.remove(kept) == 1, "the removal cancels the job of the other watch"


def test_the_watch_of_a_merged_property_shows_the_new_property(db: Stores) -> None:
    merged, home = store_property(db, URL), store_property(db, OTHER)
    db.watches.add([URL], interval_days=1)
    refresh(db, URL, merged)
    db.decisions.join(home, merged, who="me")
    assert (db.watches.get(URL).target, db.watches.get(URL).property_id) == (URL, home)


def test_a_canceled_refresh_is_not_a_failure(db: Stores) -> None:
    db.watches.add([URL], interval_days=2)
    (job,) = begin(db, URL)
    planned = db.watches.get(URL).due_at
    db.batches.cancel(job.batch_id)
    assert db.watches.tick(PLENTY).settled == {"cancelled": 1}
    watch = db.watches.get(URL)
    assert (watch.status, watch.failures, watch.due_at) == ("waiting", 0, planned)
