"""Pages that are asked for before their watch is due: those that could not be read while others of it were, and those
that show a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from app.clock import ManualClock
from app.errors import PropertyIntelligenceError
from app.errors.fetching import HttpStatusError, RobotsDisallowedError, TransientHttpStatusError
from app.errors.pages import PageBlockedError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.repository import JobStore
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.repository import Watches
from tests.plugins.watch_steps import PLENTY, URL, begin, end, show_change, store_property

CARD = "https://county.example/parcel/1"
DOWN = TransientHttpStatusError(CARD, 503, None)


@pytest.fixture
def home(database: Database, watches: Watches, clock: ManualClock) -> str:
    """A watched property that a portal and the county each have a page of."""
    home = store_property(database, clock, URL, CARD)
    watches.add([home], interval_days=7)
    return home


def refresh(watches: Watches, jobs: JobStore, clock: ManualClock, home: str, card: PropertyIntelligenceError) -> None:
    """The portal's page is read, the county's is not."""
    for job in begin(watches, clock, home):
        end(jobs, job, card if job.target == CARD else home)
    watches.tick(PLENTY)


def next_jobs(
    watches: Watches, clock: ManualClock, *, within: timedelta, every: timedelta = timedelta(minutes=30)
) -> tuple[timedelta, Sequence[Job]]:
    """How long it takes until a tick makes jobs, and these; what ticks is there at each `every`."""
    began = clock.now()
    while clock.now() - began < within:
        clock.advance(every.total_seconds())
        if made := watches.tick(PLENTY).jobs:
            return clock.now() - began, made
    return within, []


def targets(made: Sequence[Job]) -> list[str]:
    return [job.target for job in made]


def test_a_page_that_failed_is_asked_for_again_alone_and_more_and_more_rarely(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    assert watches.get(home).failures == 0
    waits = []
    for _ in range(4):
        waited, made = next_jobs(watches, clock, within=timedelta(days=2))
        assert targets(made) == [CARD]
        waits.append(waited)
        end(jobs, made[0], DOWN)
        watches.tick(PLENTY)
    assert waits == [timedelta(hours=hours) for hours in (1, 4, 16, 24)]


def test_when_it_was_read_at_last_it_is_left_alone(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    """It is the same job, and its batch is open meanwhile."""
    refresh(watches, jobs, clock, home, DOWN)
    (failed,) = jobs.list(state="failed")
    _, (again,) = next_jobs(watches, clock, within=timedelta(days=1))
    assert (again.id, again.error, again.due_at) == (failed.id, None, None)
    end(jobs, again, home)
    assert next_jobs(watches, clock, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


def test_a_job_that_no_watch_made_is_not_queued_again(watches: Watches, jobs: JobStore, clock: ManualClock) -> None:
    (job,) = jobs.enqueue([CARD]).jobs
    end(jobs, job, DOWN)
    assert jobs.get(job.id).due_at is None
    assert next_jobs(watches, clock, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


@pytest.mark.parametrize("wall", [PageBlockedError(CARD, "captcha"), HttpStatusError(CARD, 403)])
def test_a_wall_is_left_alone_for_a_day(
    wall: PropertyIntelligenceError, watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, wall)
    waited, made = next_jobs(watches, clock, within=timedelta(days=3))
    assert (targets(made), waited) == ([CARD], timedelta(days=1))


@pytest.mark.parametrize("error", [RobotsDisallowedError(CARD, "propintel"), HttpStatusError(CARD, 404)])
def test_what_is_forbidden_or_gone_is_left_alone_until_the_watch_is_due(
    error: PropertyIntelligenceError, watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, error)
    assert next_jobs(watches, clock, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


def test_when_the_watch_is_due_all_its_pages_are_asked_for_and_none_twice(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    made = begin(watches, clock, home)  # nobody ticked meanwhile
    assert sorted(targets(made)) == sorted([URL, CARD])
    for job in made:
        end(jobs, job, home)
    assert next_jobs(watches, clock, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


def test_while_somebody_elses_job_has_the_page_it_is_not_asked_for_again(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    (theirs,) = jobs.enqueue([CARD], refresh=True).jobs
    assert next_jobs(watches, clock, within=timedelta(days=2))[1] == []
    end(jobs, theirs, DOWN)
    assert targets(next_jobs(watches, clock, within=timedelta(days=1))[1]) == [CARD]


def test_a_watch_that_ends_leaves_no_failed_job_to_be_repeated(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    watches.remove(home)
    assert [job.due_at for job in jobs.list(state="failed")] == [None]
    assert next_jobs(watches, clock, within=timedelta(days=2))[1] == []


def test_what_failed_waits_with_its_watch_where_nothing_was_read(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    """The watch is tried again as a whole."""
    for job in begin(watches, clock, home):
        end(jobs, job, DOWN)
    watches.tick(PLENTY)
    waited, made = next_jobs(watches, clock, within=timedelta(days=1))
    assert (waited, sorted(targets(made))) == (timedelta(hours=1), sorted([URL, CARD]))


# --- pages that show a change


@pytest.fixture
def seen(watches: Watches, jobs: JobStore, clock: ManualClock, home: str) -> str:
    """The property a day after it was refreshed."""
    for job in begin(watches, clock, home):
        end(jobs, job, home)
    watches.tick(PLENTY)
    clock.advance(86_400)
    return home


def test_a_page_that_shows_a_change_is_looked_at_before_its_watch_is_due(
    watches: Watches, database: Database, clock: ManualClock, seen: str
) -> None:
    show_change(database, seen, CARD, clock.now() + timedelta(hours=3))
    clock.advance(3 * 3600 - 1)
    assert watches.tick(PLENTY).jobs == []
    clock.advance(1)
    jobs, watch = watches.tick(PLENTY).jobs, watches.get(seen).id
    assert [(job.target, job.watch_id) for job in jobs] == [(CARD, watch)]


def test_a_look_that_came_to_nothing_is_repeated_after_half_an_hour(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, seen: str
) -> None:
    show_change(database, seen, CARD, clock.now())
    for job in watches.tick(PLENTY).jobs:
        end(jobs, job, seen)
    waited, made = next_jobs(watches, clock, within=timedelta(days=1))
    assert (targets(made), waited) == ([CARD], timedelta(minutes=30))


def test_a_look_that_failed_is_repeated_as_the_page_itself(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, seen: str
) -> None:
    show_change(database, seen, CARD, clock.now())
    (card,) = watches.tick(PLENTY).jobs
    for hours in (1, 4):
        end(jobs, card, DOWN)
        waited, (card,) = next_jobs(watches, clock, within=timedelta(days=1))
        assert (card.target, waited) == (CARD, timedelta(hours=hours))


def test_a_change_of_what_nobody_watches_is_not_looked_at(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    show_change(database, store_property(database, clock, URL), URL, clock.now())
    assert next_jobs(watches, clock, within=timedelta(days=1))[1] == []


def test_what_failed_before_takes_only_the_room_that_watches_leave(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, home: str
) -> None:
    """A site that is down for days would else put off what can be read. A look at a change goes before both."""
    refresh(watches, jobs, clock, home, DOWN)
    other = "https://site.example/house/2"
    watches.add([other], interval_days=30)  # looked at for the first time within a day
    clock.advance(26 * 3600)  # another day, and all is due
    show_change(database, home, URL, clock.now())
    assert targets(watches.tick(WatchLimits(1, 10)).jobs) == [URL]
    assert targets(watches.tick(WatchLimits(2, 10)).jobs) == [other]
    assert targets(watches.tick(WatchLimits(3, 10)).jobs) == [CARD]
