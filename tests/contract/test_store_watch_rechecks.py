"""Pages that failed or changed are read again before their watch is due."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from app.errors import PropertyIntelligenceError
from app.errors.fetching import HttpStatusError, RobotsDisallowedError, TransientHttpStatusError
from app.errors.pages import PageBlockedError
from app.property.storage.jobs.models import Job
from app.property.storage.watches.budget import WatchLimits
from tests.plugins.stores import Stores
from tests.plugins.watch_steps import PLENTY, URL, begin, end, refresh, show_change, store_property

CARD = "https://county.example/parcel/1"
DOWN = TransientHttpStatusError(CARD, 503, None)


@pytest.fixture
def home(db: Stores) -> str:
    """Return a watched property with a portal's page and a county's page."""
    home = store_property(db, URL, CARD)
    db.watches.add([home], interval_days=7)
    return home


def fail_card(db: Stores, home: str, card: PropertyIntelligenceError) -> None:
    """Refresh the property: the portal's page is read, and the county's page fails with the error `card`."""
    for job in begin(db, home):
        end(db, job, card if job.target == CARD else home)
    db.watches.tick(PLENTY)


def next_jobs(
    db: Stores, *, within: timedelta, every: timedelta = timedelta(minutes=30)
) -> tuple[timedelta, Sequence[Job]]:
    """Tick at intervals of `every` until a tick creates jobs. Return the elapsed time and the jobs."""
    began = db.clock.now()
    while db.clock.now() - began < within:
        db.clock.advance(every.total_seconds())
        if made := db.watches.tick(PLENTY).jobs:
            return db.clock.now() - began, made
    return within, []


def targets(made: Sequence[Job]) -> list[str]:
    return [job.target for job in made]


@pytest.mark.parametrize(
    "case",
    [(DOWN, [1, 4, 16, 24]), (PageBlockedError(CARD, "captcha"), [24]), (HttpStatusError(CARD, 403), [24]),
     (RobotsDisallowedError(CARD, "propintel"), []), (HttpStatusError(CARD, 404), [])],
)  # fmt: skip
def test_only_the_failed_page_is_retried_at_intervals_that_depend_on_its_error(
    db: Stores, case: tuple[PropertyIntelligenceError, list[int]], home: str
) -> None:
    error, hours = case
    fail_card(db, home, error)
    assert db.watches.get(home).failures == 0
    for wait in hours:
        waited, made = next_jobs(db, within=timedelta(days=2))
        assert (targets(made), waited) == ([CARD], timedelta(hours=wait))
        end(db, made[0], error)
        db.watches.tick(PLENTY)
    if not hours:
        assert next_jobs(db, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


def test_a_page_is_not_retried_after_it_was_read(db: Stores, home: str) -> None:
    """The retry runs the failed job again and creates no second job."""
    fail_card(db, home, DOWN)
    (failed,) = db.jobs.list(state="failed")
    _, (again,) = next_jobs(db, within=timedelta(days=1))
    assert (again.id, again.error, again.due_at) == (failed.id, None, None)
    end(db, again, home)
    assert next_jobs(db, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


def test_a_due_watch_requests_each_page_once(db: Stores, home: str) -> None:
    fail_card(db, home, DOWN)
    made = begin(db, home)  # no tick comes in between
    assert sorted(targets(made)) == sorted([URL, CARD])
    for job in made:
        end(db, job, home)
    assert next_jobs(db, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


def test_a_page_is_not_retried_while_another_job_has_it(db: Stores, home: str) -> None:
    fail_card(db, home, DOWN)
    (other_job,) = db.jobs.enqueue([CARD], refresh=True).jobs
    assert next_jobs(db, within=timedelta(days=2))[1] == []
    end(db, other_job, DOWN)
    assert targets(next_jobs(db, within=timedelta(days=1))[1]) == [CARD]


def test_failed_jobs_of_a_removed_watch_are_not_retried(db: Stores, home: str) -> None:
    fail_card(db, home, DOWN)
    db.watches.remove(home)
    assert [job.due_at for job in db.jobs.list(state="failed")] == [None]
    assert next_jobs(db, within=timedelta(days=2))[1] == []


def test_pages_of_a_watch_that_failed_completely_are_not_retried_separately(db: Stores, home: str) -> None:
    refresh(db, home, DOWN)
    waited, made = next_jobs(db, within=timedelta(days=1))
    assert (waited, sorted(targets(made))) == (timedelta(hours=1), sorted([URL, CARD]))


@pytest.fixture
def refreshed_home(db: Stores, home: str) -> str:
    """Refresh the property and advance the clock by a day. Return the property's id."""
    refresh(db, home, home)
    db.clock.advance(86_400)
    return home


def test_a_page_that_shows_a_change_is_rechecked_before_its_watch_is_due_and_again_without_a_result(
    db: Stores, refreshed_home: str
) -> None:
    show_change(db, refreshed_home, CARD, db.clock.now() + timedelta(hours=3))
    db.clock.advance(3 * 3600 - 1)
    assert db.watches.tick(PLENTY).jobs == []
    db.clock.advance(1)
    made, watch = db.watches.tick(PLENTY).jobs, db.watches.get(refreshed_home).id
    assert [(job.target, job.watch_id) for job in made] == [(CARD, watch)]
    end(db, made[0], refreshed_home)
    waited, made = next_jobs(db, within=timedelta(days=1))
    assert (targets(made), waited) == ([CARD], timedelta(minutes=30))


def test_a_failed_recheck_is_retried_like_a_failed_page(db: Stores, refreshed_home: str) -> None:
    show_change(db, refreshed_home, CARD, db.clock.now())
    (card,) = db.watches.tick(PLENTY).jobs
    for hours in (1, 4):
        end(db, card, DOWN)
        waited, (card,) = next_jobs(db, within=timedelta(days=1))
        assert (card.target, waited) == (CARD, timedelta(hours=hours))


def test_retries_use_only_the_budget_that_watches_leave(db: Stores, home: str) -> None:
    """Rechecks of changes come before due watches, and retries come last, so a failing site delays no other page."""
    fail_card(db, home, DOWN)
    other = "https://site.example/house/2"
    db.watches.add([other], interval_days=30)  # its first refresh is due within a day
    db.clock.advance(26 * 3600)  # the next day, when all are due
    show_change(db, home, URL, db.clock.now())
    assert targets(db.watches.tick(WatchLimits(1, 10)).jobs) == [URL]
    assert targets(db.watches.tick(WatchLimits(2, 10)).jobs) == [other]
    assert targets(db.watches.tick(WatchLimits(3, 10)).jobs) == [CARD]
