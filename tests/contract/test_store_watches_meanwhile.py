"""What others do to watches while something is under way: remove them, purge, join properties, scrape their pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

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
from app.property.storage.privacy.names_key import NamesKey
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
    """The job of a watch of a search, which a worker has."""
    watches.add([SEARCH], interval_days=1)
    (made,) = begin(watches, clock, SEARCH)
    job = jobs.claim(made.id, "worker", 60)
    assert job is not None
    return job


def states(database: Database) -> dict[str, str]:
    with database.reading() as connection:
        return {row.target: row.state for row in connection.execute(select(JobRow))}


class _UndoneError(Exception):
    """Ends a transaction that is not to be."""


def in_the_middle_of(
    database: Database, target: str, work: Callable[[], object], meanwhile: Callable[[], object]
) -> None:
    """Run `meanwhile` after `work` has begun and before it has ended: `work` makes a job of `target`, which waits for a
    transaction that makes one too and is undone."""

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
        while waiting() < 2 and other.is_alive():  # it waits as well, or has ended without
            assert time.monotonic() < until
        raise _UndoneError
    for thread in (one, other):
        thread.join(20)
        assert not thread.is_alive()


# --- removed


@ON_POSTGRESQL
def test_a_watch_that_is_removed_while_a_tick_makes_its_jobs_leaves_none(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    watches.add([URL], interval_days=1)
    due_now(watches, clock, URL)
    in_the_middle_of(database, URL, lambda: watches.tick(PLENTY), lambda: watches.remove(URL))
    assert watches.page().items == []
    assert states(database) == {URL: "cancelled"}


def test_a_search_whose_watch_was_removed_meanwhile_finds_nothing(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    """Its listings would be paid by nobody."""
    job = search_under_way(watches, jobs, clock)
    watches.remove(SEARCH)
    assert finish_search(database, Lease(job.id, "worker"), Walked(LISTINGS, {}, 1, "last_page")) == []
    assert states(database) == {SEARCH: "done"}
    assert jobs.get(job.id).search == {
        "pages": 1, "found": 3, "taken": 0, "left_out": {"unwatched": 3}, "ended_by": "last_page",
    }  # fmt: skip


@ON_POSTGRESQL
def test_a_watch_that_is_removed_while_its_search_ends_takes_the_listings_with_it(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    job = search_under_way(watches, jobs, clock)
    found = Walked(LISTINGS, {}, 1, "last_page")
    in_the_middle_of(
        database,
        LISTINGS[0],
        lambda: finish_search(database, Lease(job.id, "worker"), found),
        lambda: watches.remove(SEARCH),
    )
    assert states(database) == {SEARCH: "done", **dict.fromkeys(LISTINGS, "cancelled")}


@pytest.mark.parametrize("how", ["removed", "paused"])
def test_no_page_is_looked_at_again_for_a_watch_that_is_over(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, how: str
) -> None:
    """Somebody asks for a further look while the watch ends."""
    home = store_property(database, clock, URL, OTHER)
    watches.add([URL], interval_days=1)
    end(jobs, begin(watches, clock, URL)[0], home)
    watches.tick(PLENTY)
    if how == "paused":
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


# --- purged


@ON_POSTGRESQL
def test_what_is_purged_while_a_tick_makes_its_jobs_is_not_asked_for(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    home = store_property(database, clock, URL)
    watches.add([home], interval_days=1)
    due_now(watches, clock, home)
    purge = PurgeStore(database)
    in_the_middle_of(
        database,
        URL,
        lambda: watches.tick(PLENTY),
        lambda: purge.purge(PurgeKind.PROPERTY, home, who="me", dry_run=False),
    )
    assert watches.page().items == []
    assert states(database) == {}


def test_a_listing_that_is_purged_while_its_search_is_read_makes_no_job(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    job = search_under_way(watches, jobs, clock)
    clock.advance(1)
    store_property(database, clock, LISTINGS[0])
    PurgeStore(database).purge(PurgeKind.URL, LISTINGS[0], who="me", dry_run=False)
    made = finish_search(database, Lease(job.id, "worker"), Walked(LISTINGS, {}, 1, "last_page"))
    assert [one.target for one in made or []] == list(LISTINGS[1:])
    assert (jobs.get(job.id).search or {})["left_out"] == {"purged": 1}


def test_a_url_that_names_a_purged_person_is_neither_watched_nor_found(database_url: str, clock: ManualClock) -> None:
    database = Database(database_url, clock, names_key=NamesKey("k" * 32))
    watches, jobs = Watches(database), JobStore(database)
    named = "https://portal.example/listing/by-quentin-abernathy"
    PurgeStore(database).purge(PurgeKind.PERSON, "Quentin Abernathy", who="me", dry_run=False)
    with pytest.raises(InvalidTargetError, match="a person who was purged") as refused:
        watches.add([URL, named])
    assert "bernathy" not in str(refused.value)
    assert watches.page().items == []
    job = search_under_way(watches, jobs, clock)
    made = finish_search(database, Lease(job.id, "worker"), Walked((named, *LISTINGS), {}, 1, "last_page"))
    assert [one.target for one in made or []] == list(LISTINGS)
    database.close()


def test_a_watch_of_a_property_without_a_page_is_paused_and_that_is_told(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    with database.writing() as connection:
        home = new_property(database, connection)
    watches.add([home], interval_days=1)
    due_now(watches, clock, home)
    (told,) = watches.tick(PLENTY).paused
    assert (told.target, told.status, told.pause_reason) == (home, "paused", "The property has no pages left.")
    assert watches.tick(PLENTY).paused == []


# --- joined


def test_two_watches_of_one_property_become_one(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    """The one that comes more often, under either id; each page is asked for once an interval."""
    gone, home = store_property(database, clock, URL), store_property(database, clock, OTHER)
    (often,) = watches.add([gone], interval_days=2).watches
    (job,) = begin(watches, clock, gone)
    watches.add([home], interval_days=30)  # added before, it could be due at that moment too
    DecisionStore(database).join(home, gone, who="me")
    (left,) = watches.page().items
    assert (left.id, left.target, left.property_id, left.interval_days, left.status) == (
        often.id, home, home, 2, "under_way",
    )  # fmt: skip
    assert watches.get(gone).id == watches.get(home).id == left.id
    end(jobs, job, home)
    assert watches.tick(PLENTY).settled == {"done": 1}
    assert sorted(one.target for one in begin(watches, clock, home)) == [OTHER, URL]
    assert watches.remove(gone) == 2


def test_of_two_watches_of_one_property_the_one_that_goes_on_stays_with_what_is_under_way(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    gone, home = store_property(database, clock, URL), store_property(database, clock, OTHER)
    watches.add([gone], interval_days=1)
    for _ in range(2):
        end(jobs, begin(watches, clock, gone)[0], HttpStatusError(URL, 410))
        watches.tick(PLENTY)
    watches.add([home], interval_days=30)
    (job,) = begin(watches, clock, home)
    DecisionStore(database).join(gone, home, who="me")
    (left,) = watches.page().items
    assert (left.target, left.interval_days, left.status) == (gone, 30, "under_way")
    assert jobs.get(job.id).watch_id == left.id


def test_what_is_under_way_of_the_watch_that_goes_is_the_others(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    """Its end is accounted for, and removing the watch cancels it."""
    gone, home = store_property(database, clock, URL), store_property(database, clock, OTHER)
    watches.add([gone], interval_days=1)
    (job,) = begin(watches, clock, gone)
    watches.add([gone], interval_days=30)
    (stays,) = watches.add([home], interval_days=2).watches
    DecisionStore(database).join(home, gone, who="me")
    (left,) = watches.page().items
    assert (left.id, left.status, jobs.get(job.id).watch_id) == (stays.id, "under_way", stays.id)
    assert watches.remove(home) == 1


def test_a_watch_of_an_address_follows_its_property_into_another(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    gone, home = store_property(database, clock, URL), store_property(database, clock, OTHER)
    watches.add([URL], interval_days=1)
    end(jobs, begin(watches, clock, URL)[0], gone)
    watches.tick(PLENTY)
    DecisionStore(database).join(home, gone, who="me")
    assert (watches.get(URL).target, watches.get(URL).property_id) == (URL, home)


# --- cancelled, or in other hands


def test_a_refresh_that_is_cancelled_is_no_failure(watches: Watches, database: Database, clock: ManualClock) -> None:
    watches.add([URL], interval_days=2)
    (job,) = begin(watches, clock, URL)
    planned = watches.get(URL).due_at
    BatchStore(database).cancel(job.batch_id)
    assert watches.tick(PLENTY).settled == {"cancelled": 1}
    watch = watches.get(URL)
    assert (watch.status, watch.failures, watch.due_at) == ("waiting", 0, planned)


def test_what_somebody_else_has_in_hand_is_put_off_no_more(
    watches: Watches, jobs: JobStore, clock: ManualClock
) -> None:
    watches.add([URL], interval_days=1)
    due_now(watches, clock, URL)
    assert watches.tick(WatchLimits(0, 0)).put_off == 1
    jobs.enqueue([URL])
    watches.tick(PLENTY)
    watch = watches.get(URL)
    assert (watch.status, watch.due_at) == ("waiting", clock.now() + timedelta(minutes=10))
