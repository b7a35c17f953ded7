"""The budget of watches is never exceeded, and watches that had to wait come first on the next day."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.clock import ManualClock
from app.errors.requests import QuotaExceededError
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.jobs.usage import Requester
from app.property.storage.watches.budget import Charge, WatchDay, WatchLimits, charge_watches, watch_day
from app.property.storage.watches.models import Watch
from app.property.storage.watches.repository import PLANNED, Watches
from tests.contract.conftest import at_once
from tests.plugins.job_ends import finish
from tests.plugins.watch_steps import ADDRESS, begin, end, store_property

DAY = 86_400.0
URLS = [f"https://site.example/house/{n}" for n in range(5)]


def advance_to_noon(clock: ManualClock, day: int) -> None:
    """Advance the clock to noon UTC, `day` days from today."""
    now = clock.now()
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=day)
    clock.advance((noon - now).total_seconds())


def test_concurrent_charges_never_exceed_the_budget(database: Database) -> None:
    granted = at_once(*[lambda: sum(charge_watches(database, Charge.PAGE, 17) for _ in range(5))] * 8)
    assert (sum(granted), watch_day(database).pages) == (17, 17)


def test_each_utc_day_has_separate_budgets_for_pages_and_calls(database: Database, clock: ManualClock) -> None:
    advance_to_noon(clock, 1)
    assert [charge_watches(database, Charge.PAGE, limit) for limit in (0, 1, 1)] == [False, True, False]
    assert charge_watches(database, Charge.MODEL_CALL, 1)
    clock.advance(12 * 3600 - 1)
    assert not charge_watches(database, Charge.PAGE, 1)
    clock.advance(1)
    assert charge_watches(database, Charge.PAGE, 1)
    assert watch_day(database) == WatchDay(clock.now().date(), pages=1)
    assert [charge_watches(database, Charge.PAGE, limit) for limit in (3, 3, 2, 4)] == [True, True, False, True]


def test_watches_above_the_budget_are_reported_and_come_first_on_the_next_day(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    """Four daily watches share two pages per day."""
    advance_to_noon(clock, 1)
    watches.add(URLS[:4], interval_days=1)
    clock.advance(DAY + 12 * 3600 - 10)  # ten seconds before midnight, when all watches are due
    limits = WatchLimits(pages=2, model_calls=0)
    due = [one.target for one in watches.page(order=PLANNED).items]
    assert len(due) == 4
    first = watches.tick(limits)
    assert [job.target for job in first.jobs] == due[:2]
    assert (first.put_off, first.is_first_put_off) == (2, True)
    assert [watches.get(target).status for target in due[2:]] == ["put_off", "put_off"]
    again = watches.tick(limits)  # the running jobs have reserved the whole budget
    assert (again.jobs, again.put_off, again.is_first_put_off) == ([], 2, False)
    jobs = JobStore(database)
    for job in first.jobs:
        assert charge_watches(database, Charge.PAGE, 2)
        jobs.claim(job.id, "worker", 60)
        assert finish(jobs, job.id, "worker", store_property(database, clock, job.target))
    clock.advance(10)
    tomorrow = watches.tick(limits)
    assert [job.target for job in tomorrow.jobs] == due[2:]
    assert {watches.get(target).put_off_at for target in due[2:]} == {None}


def test_daily_pages_of_watches_include_known_pages(watches: Watches, database: Database, clock: ManualClock) -> None:
    """A URL counts as one page. A property or an address counts as its known pages, but an address as at least one."""
    home = store_property(database, clock, *URLS[:3])
    watches.add([home, ADDRESS], interval_days=1)
    watches.add([URLS[4]], interval_days=2)
    assert watches.daily_pages() == 3 + 1 + 0.5
    (job,) = begin(watches, clock, ADDRESS)
    end(JobStore(database), job, home)
    watches.tick(WatchLimits(0, 0))
    assert watches.daily_pages() == 3 + 3 + 0.5


def test_a_watch_with_too_many_pages_waits_while_smaller_ones_run(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    """Two pages of the budget are left, so a property with three pages waits for the next day."""
    home = store_property(database, clock, *URLS[:3])
    watches.add([home], interval_days=1)
    clock.advance(DAY)
    watches.add([URLS[4]], interval_days=1)
    clock.advance(DAY)
    for _ in range(2):
        charge_watches(database, Charge.PAGE, 4)
    assert [job.target for job in watches.tick(WatchLimits(4, 0)).jobs] == [URLS[4]]
    assert watches.tick(WatchLimits(4, 0)).jobs == []  # its three pages do not fit into this day's budget
    clock.advance(DAY)
    # the job of the first day is still active
    assert sorted(job.target for job in watches.tick(WatchLimits(2, 0)).jobs) == URLS[:3]


def test_a_whole_days_budget_admits_any_watch(watches: Watches, database: Database, clock: ManualClock) -> None:
    """If all pages had to fit into the budget, a watch with more pages than the budget would never be refreshed."""
    home = store_property(database, clock, *URLS[:3])
    watches.add([home], interval_days=1)
    advance_to_noon(clock, 2)
    charge_watches(database, Charge.PAGE, 1)
    assert watches.tick(WatchLimits(2, 0)).jobs == []
    clock.advance(DAY)
    with database.writing() as connection:
        connection.execute(update(Watch).values(put_off_at=None))  # as if the watch had come due today
    assert sorted(job.target for job in watches.tick(WatchLimits(2, 0)).jobs) == URLS[:3]


def test_a_postponed_watch_keeps_its_place_with_a_new_interval(
    watches: Watches, jobs: JobStore, clock: ManualClock
) -> None:
    watches.add(URLS[:1], interval_days=1)
    advance_to_noon(clock, 2)
    assert watches.tick(WatchLimits(0, 0)).put_off == 1
    before = watches.get(URLS[0])
    (after,) = watches.add(URLS[:1], interval_days=30).watches
    assert (after.interval_days, after.status, after.due_at) == (30, "put_off", before.due_at)
    (sooner,) = watches.add([URLS[1]], interval_days=365).watches
    assert watches.add([URLS[1]], interval_days=1).watches[0].due_at <= sooner.due_at
    jobs.enqueue(URLS[:1])
    watches.tick(WatchLimits(9, 0))
    waiting = watches.get(URLS[0])
    assert (waiting.status, waiting.due_at) == ("waiting", clock.now() + timedelta(minutes=10)), "a job is active"


def test_concurrent_ticks_create_each_job_once(watches: Watches, clock: ManualClock) -> None:
    watches.add(URLS, interval_days=1)
    clock.advance(DAY)
    limits = WatchLimits(100, 0, daily_targets=1)  # the quota does not apply to watches without a requester
    made = at_once(*[lambda: [job.target for job in watches.tick(limits).jobs]] * 4)
    assert sorted(target for targets in made for target in targets) == URLS


def test_refreshes_count_toward_the_quota_of_the_watchs_requester(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    """Without this rule, a caller could create any number of jobs by adding watches every day."""
    jobs, mallory, limits = JobStore(database), Requester("a" * 64, 2), WatchLimits(100, 0, daily_targets=2)

    def refreshed() -> set[str]:
        """Return the targets refreshed in 24 hourly ticks."""
        targets = list[str]()
        for _ in range(24):
            clock.advance(3_600)
            for job in watches.tick(limits).jobs:
                end(jobs, job, store_property(database, clock, job.target))
                targets.append(job.target)
        assert len(set(targets)) == len(targets)
        return set(targets)

    advance_to_noon(clock, 1)
    clock.advance(DAY / 2 - 1)
    watches.add(URLS[:2], interval_days=1, requester=mallory)
    assert (refreshed(), jobs.used_today(mallory.caller)) == (set(URLS[:2]), 0)  # charged when the watches were added
    watches.add(URLS[2:4], interval_days=1, requester=mallory)
    assert (refreshed(), jobs.used_today(mallory.caller)) == (set(URLS[:4]), 2)
    with pytest.raises(QuotaExceededError):
        watches.add(URLS[4:], interval_days=1, requester=mallory)
    some = refreshed()
    assert (len(some), jobs.used_today(mallory.caller)) == (2, 2)
    assert refreshed() == set(URLS[:4]) - some
