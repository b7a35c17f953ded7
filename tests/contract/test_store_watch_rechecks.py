"""Pages that failed or changed are read again before their watch is due."""

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
    """Return a watched property with a portal's page and a county's page."""
    home = store_property(database, clock, URL, CARD)
    watches.add([home], interval_days=7)
    return home


def refresh(watches: Watches, jobs: JobStore, clock: ManualClock, home: str, card: PropertyIntelligenceError) -> None:
    """Refresh the property: the portal's page is read, and the county's page fails with the error `card`."""
    for job in begin(watches, clock, home):
        end(jobs, job, card if job.target == CARD else home)
    watches.tick(PLENTY)


def next_jobs(
    watches: Watches, clock: ManualClock, *, within: timedelta, every: timedelta = timedelta(minutes=30)
) -> tuple[timedelta, Sequence[Job]]:
    """Tick at intervals of `every` until a tick creates jobs. Return the elapsed time and the jobs."""
    began = clock.now()
    while clock.now() - began < within:
        clock.advance(every.total_seconds())
        if made := watches.tick(PLENTY).jobs:
            return clock.now() - began, made
    return within, []


def targets(made: Sequence[Job]) -> list[str]:
    return [job.target for job in made]


@pytest.mark.parametrize(
    "case",
    [(DOWN, [1, 4, 16, 24]), (PageBlockedError(CARD, "captcha"), [24]), (HttpStatusError(CARD, 403), [24]),
     (RobotsDisallowedError(CARD, "propintel"), []), (HttpStatusError(CARD, 404), [])],
)  # fmt: skip
def test_only_the_failed_page_is_retried_at_intervals_that_depend_on_its_error(
    case: tuple[PropertyIntelligenceError, list[int]], watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    error, hours = case
    refresh(watches, jobs, clock, home, error)
    assert watches.get(home).failures == 0
    for wait in hours:
        waited, made = next_jobs(watches, clock, within=timedelta(days=2))
        assert (targets(made), waited) == ([CARD], timedelta(hours=wait))
        end(jobs, made[0], error)
        watches.tick(PLENTY)
    if not hours:
        assert next_jobs(watches, clock, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


def test_a_page_is_not_retried_after_it_was_read(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    """The retry runs the failed job again and creates no second job."""
    refresh(watches, jobs, clock, home, DOWN)
    (failed,) = jobs.list(state="failed")
    _, (again,) = next_jobs(watches, clock, within=timedelta(days=1))
    assert (again.id, again.error, again.due_at) == (failed.id, None, None)
    end(jobs, again, home)
    assert next_jobs(watches, clock, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


def test_a_due_watch_requests_each_page_once(watches: Watches, jobs: JobStore, clock: ManualClock, home: str) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    made = begin(watches, clock, home)  # no tick comes in between
    assert sorted(targets(made)) == sorted([URL, CARD])
    for job in made:
        end(jobs, job, home)
    assert next_jobs(watches, clock, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


def test_a_page_is_not_retried_while_another_job_has_it(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    (other_job,) = jobs.enqueue([CARD], refresh=True).jobs
    assert next_jobs(watches, clock, within=timedelta(days=2))[1] == []
    end(jobs, other_job, DOWN)
    assert targets(next_jobs(watches, clock, within=timedelta(days=1))[1]) == [CARD]


def test_failed_jobs_of_a_removed_watch_are_not_retried(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    refresh(watches, jobs, clock, home, DOWN)
    watches.remove(home)
    assert [job.due_at for job in jobs.list(state="failed")] == [None]
    assert next_jobs(watches, clock, within=timedelta(days=2))[1] == []


def test_pages_of_a_watch_that_failed_completely_are_not_retried_separately(
    watches: Watches, jobs: JobStore, clock: ManualClock, home: str
) -> None:
    for job in begin(watches, clock, home):
        end(jobs, job, DOWN)
    watches.tick(PLENTY)
    waited, made = next_jobs(watches, clock, within=timedelta(days=1))
    assert (waited, sorted(targets(made))) == (timedelta(hours=1), sorted([URL, CARD]))


@pytest.fixture
def refreshed_home(watches: Watches, jobs: JobStore, clock: ManualClock, home: str) -> str:
    """Refresh the property and advance the clock by a day. Return the property's id."""
    for job in begin(watches, clock, home):
        end(jobs, job, home)
    watches.tick(PLENTY)
    clock.advance(86_400)
    return home


def test_a_page_that_shows_a_change_is_rechecked_before_its_watch_is_due_and_again_without_a_result(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, refreshed_home: str
) -> None:
    show_change(database, refreshed_home, CARD, clock.now() + timedelta(hours=3))
    clock.advance(3 * 3600 - 1)
    assert watches.tick(PLENTY).jobs == []
    clock.advance(1)
    made, watch = watches.tick(PLENTY).jobs, watches.get(refreshed_home).id
    assert [(job.target, job.watch_id) for job in made] == [(CARD, watch)]
    end(jobs, made[0], refreshed_home)
    waited, made = next_jobs(watches, clock, within=timedelta(days=1))
    assert (targets(made), waited) == ([CARD], timedelta(minutes=30))


def test_a_failed_recheck_is_retried_like_a_failed_page(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, refreshed_home: str
) -> None:
    show_change(database, refreshed_home, CARD, clock.now())
    (card,) = watches.tick(PLENTY).jobs
    for hours in (1, 4):
        end(jobs, card, DOWN)
        waited, (card,) = next_jobs(watches, clock, within=timedelta(days=1))
        assert (card.target, waited) == (CARD, timedelta(hours=hours))


def test_retries_use_only_the_budget_that_watches_leave(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock, home: str
) -> None:
    """Rechecks of changes come before due watches, and retries come last, so a failing site delays no other page."""
    refresh(watches, jobs, clock, home, DOWN)
    other = "https://site.example/house/2"
    watches.add([other], interval_days=30)  # its first refresh is due within a day
    clock.advance(26 * 3600)  # the next day, when all are due
    show_change(database, home, URL, clock.now())
    assert targets(watches.tick(WatchLimits(1, 10)).jobs) == [URL]
    assert targets(watches.tick(WatchLimits(2, 10)).jobs) == [other]
    assert targets(watches.tick(WatchLimits(3, 10)).jobs) == [CARD]
