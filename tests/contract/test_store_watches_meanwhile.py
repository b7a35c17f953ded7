"""Concurrent changes to watches: removals, purges, joined properties, and other jobs for the same pages."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from sqlalchemy import select, text

from app.clock import ManualClock
from app.errors.fetching import HttpStatusError
from app.errors.targets import InvalidTargetError
from app.property.storage.database import Database
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.enqueue import make_batch
from app.property.storage.jobs.found import Walked, finish_search
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.repository import JobStore
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.rebuild import new_property
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.repository import Watches
from tests.contract.conftest import ON_POSTGRESQL
from tests.plugins.watch_steps import PLENTY, URL, begin, due_now, end, show_change, store_property

OTHER = "https://county.example/parcel/1"
SEARCH = "https://portal.example/homes/anytown"
LISTINGS = tuple(f"https://portal.example/listing/{n}" for n in range(3))


def search_under_way(watches: Watches, jobs: JobStore, clock: ManualClock) -> Job:
    """Return the running job of a watched search."""
    watches.add([SEARCH], interval_days=1)
    (made,) = begin(watches, clock, SEARCH)
    job = jobs.claim(made.id, "worker", 60)
    assert job is not None
    return job


def states(database: Database) -> dict[str, str]:
    with database.reading() as connection:
        return {row.target: row.state for row in connection.execute(select(JobRow))}


class _UndoneError(Exception):
    """Raised to roll a transaction back."""


def run_during(database: Database, target: str, work: Callable[[], object], meanwhile: Callable[[], object]) -> None:
    """Run `meanwhile` while `work` waits for a lock on `target`. The transaction that holds the lock is rolled back."""

    def waiting() -> int:
        with database.reading() as connection:
            return int(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())

    one, other = (threading.Thread(target=each) for each in (work, meanwhile))
    with suppress(_UndoneError), database.writing() as connection:
        make_batch(connection, database.clock.now(), [target], priority=5, resend_at=database.clock.now())
        until = time.monotonic() + 8
        one.start()
        while waiting() < 1:
            assert time.monotonic() < until
        other.start()
        while waiting() < 2 and other.is_alive():  # until `meanwhile` waits for a lock or has ended
            assert time.monotonic() < until
        raise _UndoneError
    for thread in (one, other):
        thread.join(20)
        assert not thread.is_alive()


@ON_POSTGRESQL
def test_a_watch_that_is_removed_during_a_tick_leaves_no_jobs(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    watches.add([URL], interval_days=1)
    due_now(watches, clock, URL)
    run_during(database, URL, lambda: watches.tick(PLENTY), lambda: watches.remove(URL))
    assert watches.page().items == []
    assert states(database) == {URL: "cancelled"}


def test_a_search_whose_watch_was_removed_creates_no_jobs(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    """Without a watch, the listings would be charged to no budget."""
    job = search_under_way(watches, jobs, clock)
    watches.remove(SEARCH)
    assert finish_search(database, Lease(job.id, "worker"), Walked(LISTINGS, {}, 1, "last_page")) == []
    assert states(database) == {SEARCH: "done"}
    assert jobs.get(job.id).search == {
        "pages": 1, "found": 3, "taken": 0, "left_out": {"unwatched": 3}, "ended_by": "last_page",
    }  # fmt: skip


@ON_POSTGRESQL
def test_removing_a_watch_while_its_search_ends_cancels_the_listings(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    job = search_under_way(watches, jobs, clock)
    found = Walked(LISTINGS, {}, 1, "last_page")
    finish = partial(finish_search, database, Lease(job.id, "worker"), found)
    run_during(database, LISTINGS[0], finish, lambda: watches.remove(SEARCH))
    assert states(database) == {SEARCH: "done", **dict.fromkeys(LISTINGS, "cancelled")}


@pytest.mark.parametrize("ending", ["removed", "paused"])
def test_no_page_is_rechecked_for_an_ended_watch(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, ending: str
) -> None:
    """A recheck becomes due after the watch has ended."""
    home = store_property(database, clock, URL, OTHER)
    watches.add([URL], interval_days=1)
    end(jobs, begin(watches, clock, URL)[0], home)
    watches.tick(PLENTY)
    if ending == "paused":
        end(jobs, begin(watches, clock, URL)[0], HttpStatusError(URL, 410))
        watches.tick(PLENTY)
        end(jobs, begin(watches, clock, URL)[0], HttpStatusError(URL, 410))
        show_change(database, home, OTHER, clock.now())
        watches.tick(WatchLimits(0, 0))
        assert watches.get(URL).status == "paused"
    else:
        watches.remove(URL)
        show_change(database, home, OTHER, clock.now())
    clock.advance(60)
    assert watches.tick(PLENTY).jobs == []


@ON_POSTGRESQL
def test_a_property_that_is_purged_during_a_tick_is_not_requested(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    home = store_property(database, clock, URL)
    watches.add([home], interval_days=1)
    due_now(watches, clock, home)
    purge = PurgeStore(database)
    removal = partial(purge.purge, PurgeKind.PROPERTY, home, who="me", dry_run=False)
    run_during(database, URL, lambda: watches.tick(PLENTY), removal)
    assert watches.page().items == []
    assert states(database) == {}


def test_a_listing_that_is_purged_during_its_search_gets_no_job(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    job = search_under_way(watches, jobs, clock)
    clock.advance(1)
    store_property(database, clock, LISTINGS[0])
    PurgeStore(database).purge(PurgeKind.URL, LISTINGS[0], who="me", dry_run=False)
    made = finish_search(database, Lease(job.id, "worker"), Walked(LISTINGS, {}, 1, "last_page"))
    assert [one.target for one in made or []] == list(LISTINGS[1:])
    assert (jobs.get(job.id).search or {})["left_out"] == {"purged": 1}


def test_a_url_that_names_a_purged_person_is_neither_watched_nor_found(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    named = "https://portal.example/listing/by-quentin-abernathy"
    PurgeStore(database).purge(PurgeKind.PERSON, "Quentin Abernathy", who="me", dry_run=False)
    with pytest.raises(InvalidTargetError, match="a person who was purged") as refused:
        watches.add([URL, named])
    assert "bernathy" not in str(refused.value)
    assert watches.page().items == []
    job = search_under_way(watches, jobs, clock)
    made = finish_search(database, Lease(job.id, "worker"), Walked((named, *LISTINGS), {}, 1, "last_page"))
    assert [one.target for one in made or []] == list(LISTINGS)


def test_a_watch_of_a_property_without_pages_is_paused_and_reported(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    with database.writing() as connection:
        home = new_property(database, connection)
    watches.add([home], interval_days=1)
    due_now(watches, clock, home)
    (paused,) = watches.tick(PLENTY).paused
    assert (paused.target, paused.status, paused.pause_reason) == (home, "paused", "The property has no pages left.")
    assert watches.tick(PLENTY).paused == []


def test_two_watches_of_one_property_become_one(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    """The more frequent watch remains and is found by both ids. Each page is requested once per interval."""
    merged, home = store_property(database, clock, URL), store_property(database, clock, OTHER)
    (frequent,) = watches.add([merged], interval_days=2).watches
    (job,) = begin(watches, clock, merged)
    watches.add([home], interval_days=30)  # added last, so that it is not due yet
    DecisionStore(database).join(home, merged, who="me")
    (remaining,) = watches.page().items
    assert (remaining.id, remaining.target, remaining.property_id, remaining.interval_days, remaining.status) == (
        frequent.id, home, home, 2, "under_way",
    )  # fmt: skip
    assert watches.get(merged).id == watches.get(home).id == remaining.id
    end(jobs, job, home)
    assert watches.tick(PLENTY).settled == {"done": 1}
    assert sorted(one.target for one in begin(watches, clock, home)) == [OTHER, URL]
    assert watches.remove(merged) == 2


def test_an_active_watch_remains_instead_of_a_paused_one(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    kept, home = store_property(database, clock, URL), store_property(database, clock, OTHER)
    watches.add([kept], interval_days=1)
    for _ in range(2):
        end(jobs, begin(watches, clock, kept)[0], HttpStatusError(URL, 410))
        watches.tick(PLENTY)
    watches.add([home], interval_days=30)
    (job,) = begin(watches, clock, home)
    DecisionStore(database).join(kept, home, who="me")
    (remaining,) = watches.page().items
    assert (remaining.target, remaining.interval_days, remaining.status) == (kept, 30, "under_way")
    assert jobs.get(job.id).watch_id == remaining.id
    assert watches.remove(kept) == 1, "the removal cancels the job of the other watch"


def test_the_watch_of_a_merged_property_shows_the_new_property(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    merged, home = store_property(database, clock, URL), store_property(database, clock, OTHER)
    watches.add([URL], interval_days=1)
    end(jobs, begin(watches, clock, URL)[0], merged)
    watches.tick(PLENTY)
    DecisionStore(database).join(home, merged, who="me")
    assert (watches.get(URL).target, watches.get(URL).property_id) == (URL, home)


def test_a_canceled_refresh_is_not_a_failure(watches: Watches, database: Database, clock: ManualClock) -> None:
    watches.add([URL], interval_days=2)
    (job,) = begin(watches, clock, URL)
    planned = watches.get(URL).due_at
    BatchStore(database).cancel(job.batch_id)
    assert watches.tick(PLENTY).settled == {"cancelled": 1}
    watch = watches.get(URL)
    assert (watch.status, watch.failures, watch.due_at) == ("waiting", 0, planned)
