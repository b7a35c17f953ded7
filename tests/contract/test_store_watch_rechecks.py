"""Pages that are looked at before their watch is due: those that could not be read while others of it were, and those
that show a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import ManualClock
from app.errors import PropertyIntelligenceError
from app.errors.fetching import HttpStatusError, RobotsDisallowedError, TransientHttpStatusError
from app.errors.pages import PageBlockedError
from app.property.storage.engine import Database
from app.property.storage.jobs import JobStore
from app.property.storage.models import Job
from app.property.storage.tables import watch_rechecks
from app.property.storage.watch_budget import WatchLimits
from app.property.storage.watch_times import due_first
from app.property.storage.watches import Watches, ask_recheck
from tests.plugins.watch_steps import PLENTY, URL, begin, end, store_property

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


def next_jobs(watches: Watches, clock: ManualClock, *, within: timedelta) -> tuple[timedelta, Sequence[Job]]:
    """How long it takes until a tick makes jobs, and these."""
    began = clock.now()
    while clock.now() - began < within:
        clock.advance(1_800)
        if made := watches.tick(PLENTY).jobs:
            return clock.now() - began, made
    return within, []


def targets(made: Sequence[Job]) -> list[str]:
    return [job.target for job in made]


def waiting(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(watch_rechecks.c.url)).scalars())


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
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    _, made = next_jobs(watches, clock, within=timedelta(days=1))
    end(jobs, made[0], home)
    assert next_jobs(watches, clock, within=timedelta(days=3))[1] == []
    assert waiting(database) == []


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
    assert next_jobs(watches, clock, within=timedelta(days=3))[1] == []


def test_when_the_watch_is_due_all_its_pages_are_asked_for_and_none_twice(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    made = begin(watches, clock, home)  # nobody ticked meanwhile
    assert sorted(targets(made)) == sorted([URL, CARD])
    for job in made:
        end(jobs, job, home)
    assert next_jobs(watches, clock, within=timedelta(days=3))[1] == []
    assert waiting(database) == []


def test_while_its_job_is_under_way_no_page_is_asked_for_again(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    _, made = next_jobs(watches, clock, within=timedelta(days=1))
    assert next_jobs(watches, clock, within=timedelta(days=2))[1] == []
    end(jobs, made[0], DOWN)
    waited, again = next_jobs(watches, clock, within=timedelta(days=1))
    assert (targets(again), waited) == ([CARD], timedelta(hours=4, minutes=30))  # from the tick that sees it


def test_a_look_at_a_change_that_fails_is_repeated(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, home: str
) -> None:
    for job in begin(watches, clock, home):
        end(jobs, job, home)
    watches.tick(PLENTY)
    clock.advance(3600)
    with database.writing() as connection:
        ask_recheck(connection, home, [CARD], clock.now())
    (job,) = watches.tick(PLENTY).jobs
    end(jobs, job, DOWN)
    watches.tick(PLENTY)
    waited, made = next_jobs(watches, clock, within=timedelta(days=1))
    assert (targets(made), waited) == ([CARD], timedelta(hours=1))


def test_a_further_look_that_is_wanted_while_one_is_under_way_is_not_lost(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, home: str
) -> None:
    """The page was read and shows the change still, before the tick has seen that the job is over."""
    for job in begin(watches, clock, home):
        end(jobs, job, home)
    watches.tick(PLENTY)
    clock.advance(3600)
    with database.writing() as connection:
        ask_recheck(connection, home, [CARD], clock.now())
    (job,) = watches.tick(PLENTY).jobs
    end(jobs, job, home)
    with database.writing() as connection:
        ask_recheck(connection, home, [CARD], clock.now() + timedelta(hours=2))
    waited, made = next_jobs(watches, clock, within=timedelta(days=1))
    assert (targets(made), waited) == ([CARD], timedelta(hours=2))


def test_what_failed_before_takes_only_the_room_that_watches_leave(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, home: str
) -> None:
    """A site that is down for days would else put off what can be read. A look at a change goes before both."""
    refresh(watches, jobs, clock, home, DOWN)
    other = "https://site.example/house/2"
    watches.add([other], interval_days=30)  # looked at for the first time within a day
    clock.advance(26 * 3600)  # another day, and all is due
    with database.writing() as connection:
        ask_recheck(connection, home, [URL], clock.now())
    assert targets(watches.tick(WatchLimits(1, 10)).jobs) == [URL]
    assert targets(watches.tick(WatchLimits(2, 10)).jobs) == [other]
    assert targets(watches.tick(WatchLimits(3, 10)).jobs) == [CARD]


def test_what_failed_before_leaves_room_for_what_is_due_later_in_the_day(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    urls = [f"https://site.example/{n}" for n in range(99)]
    firsts = {url: due_first(url, 30, clock.now(), is_known=False) for url in urls}
    later = clock.now() + timedelta(hours=2)  # when the page that failed is due again
    other = next(url for url, at in firsts.items() if at > later and at.hour > 0)
    watches.add([other], interval_days=30)
    soon = watches.get(other).due_at - timedelta(minutes=1)
    clock.advance((soon - clock.now()).total_seconds())
    assert clock.now().date() == watches.get(other).due_at.date()
    assert watches.tick(WatchLimits(1, 10)).jobs == []
    assert targets(watches.tick(WatchLimits(2, 10)).jobs) == [CARD]
