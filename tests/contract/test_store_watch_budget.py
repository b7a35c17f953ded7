"""The budget of watches is never exceeded, and watches that had to wait come first on the next day."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.errors.requests import QuotaExceededError
from app.property.storage.jobs.usage import Requester
from app.property.storage.watches.budget import Charge, WatchDay, WatchLimits, charge_watches, watch_day
from app.property.storage.watches.models import Watch
from app.property.storage.watches.repository import PLANNED
from tests.contract.conftest import at_once
from tests.plugins.job_ends import finish
from tests.plugins.stores import Stores
from tests.plugins.watch_steps import ADDRESS, begin, end, store_property

DAY = 86_400.0
URLS = [f"https://site.example/house/{n}" for n in range(5)]


def advance_to_noon(db: Stores, day: int) -> None:
    now = db.clock.now()
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=day)
    db.clock.advance((noon - now).total_seconds())


def test_concurrent_charges_never_exceed_the_budget(db: Stores) -> None:
    granted = at_once(*[lambda: sum(charge_watches(db, Charge.PAGE, 17) for _ in range(5))] * 8)
    assert (sum(granted), watch_day(db).pages) == (17, 17)


def test_each_utc_day_has_separate_budgets_for_pages_and_calls(db: Stores) -> None:
    advance_to_noon(db, 1)
    assert [charge_watches(db, Charge.PAGE, limit) for limit in (0, 1, 1)] == [False, True, False]
    assert charge_watches(db, Charge.MODEL_CALL, 1)
    db.clock.advance(12 * 3600 - 1)
    assert not charge_watches(db, Charge.PAGE, 1)
    db.clock.advance(1)
    assert charge_watches(db, Charge.PAGE, 1)
    assert watch_day(db) == WatchDay(db.clock.now().date(), pages=1)
    assert [charge_watches(db, Charge.PAGE, limit) for limit in (3, 3, 2, 4)] == [True, True, False, True]


def test_watches_above_the_budget_are_reported_and_come_first_on_the_next_day(db: Stores) -> None:
    advance_to_noon(db, 1)
    db.watches.add(URLS[:4], interval_days=1)
    db.clock.advance(DAY + 12 * 3600 - 10)  # ten seconds before midnight, when all watches are due
    limits = WatchLimits(pages=2, model_calls=0)
    due = [one.target for one in db.watches.page(order=PLANNED).items]
    assert len(due) == 4
    first = db.watches.tick(limits)
    assert [job.target for job in first.jobs] == due[:2]
    assert (first.put_off, first.is_first_put_off) == (2, True)
    assert [db.watches.get(target).status for target in due[2:]] == ["put_off", "put_off"]
    again = db.watches.tick(limits)  # the running jobs have reserved the whole budget
    assert (again.jobs, again.put_off, again.is_first_put_off) == ([], 2, False)
    for job in first.jobs:
        assert charge_watches(db, Charge.PAGE, 2)
        db.jobs.claim(job.id, "worker", 60)
        assert finish(db.jobs, job.id, "worker", store_property(db, job.target))
    db.clock.advance(10)
    tomorrow = db.watches.tick(limits)
    assert [job.target for job in tomorrow.jobs] == due[2:]
    assert {db.watches.get(target).put_off_at for target in due[2:]} == {None}


def test_daily_pages_of_watches_include_known_pages(db: Stores) -> None:
    """A URL counts as one page, a property as its known pages, and an address as its known pages or as one."""
    home = store_property(db, *URLS[:3])
    db.watches.add([home, ADDRESS], interval_days=1)
    db.watches.add([URLS[4]], interval_days=2)
    assert db.watches.daily_pages() == 3 + 1 + 0.5
    (job,) = begin(db, ADDRESS)
    end(db, job, store_property(db, "https://site.example/flat/1", "https://site.example/flat/2"))
    db.watches.tick(WatchLimits(0, 0))
    assert db.watches.daily_pages() == 3 + 2 + 0.5


def test_a_watch_with_too_many_pages_waits_while_smaller_ones_run(db: Stores) -> None:
    """Two pages of the budget are left. The watched property has three pages, so it waits for the next day."""
    home = store_property(db, *URLS[:3])
    db.watches.add([home], interval_days=1)
    db.clock.advance(DAY)
    db.watches.add([URLS[4]], interval_days=1)
    db.clock.advance(DAY)
    for _ in range(2):
        charge_watches(db, Charge.PAGE, 4)
    assert [job.target for job in db.watches.tick(WatchLimits(4, 0)).jobs] == [URLS[4]]
    # the three pages of the other watch do not fit into the rest of the budget
    assert db.watches.tick(WatchLimits(4, 0)).jobs == []
    db.clock.advance(DAY)
    # the job for `URLS[4]` is still active
    assert sorted(job.target for job in db.watches.tick(WatchLimits(2, 0)).jobs) == URLS[:3]


def test_a_whole_days_budget_admits_any_watch(db: Stores) -> None:
    """Otherwise, a watch with more pages than the budget would never be refreshed."""
    home = store_property(db, *URLS[:3])
    db.watches.add([home], interval_days=1)
    advance_to_noon(db, 2)
    charge_watches(db, Charge.PAGE, 1)
    assert db.watches.tick(WatchLimits(2, 0)).jobs == []
    db.clock.advance(DAY)
    db.execute(update(Watch).values(put_off_at=None))  # as if the watch had come due today
    assert sorted(job.target for job in db.watches.tick(WatchLimits(2, 0)).jobs) == URLS[:3]


def test_a_postponed_watch_keeps_its_place_with_a_new_interval(db: Stores) -> None:
    db.watches.add(URLS[:1], interval_days=1)
    advance_to_noon(db, 2)
    assert db.watches.tick(WatchLimits(0, 0)).put_off == 1
    before = db.watches.get(URLS[0])
    (after,) = db.watches.add(URLS[:1], interval_days=30).watches
    assert (after.interval_days, after.status, after.due_at) == (30, "put_off", before.due_at)
    (sooner,) = db.watches.add([URLS[1]], interval_days=365).watches
    assert db.watches.add([URLS[1]], interval_days=1).watches[0].due_at <= sooner.due_at
    db.jobs.enqueue(URLS[:1])
    db.watches.tick(WatchLimits(9, 0))
    waiting = db.watches.get(URLS[0])
    assert (waiting.status, waiting.due_at) == ("waiting", db.clock.now() + timedelta(minutes=10)), "a job is active"


def test_concurrent_ticks_create_each_job_once(db: Stores) -> None:
    db.watches.add(URLS, interval_days=1)
    db.clock.advance(DAY)
    limits = WatchLimits(100, 0, daily_targets=1)  # a quota that does not apply, because the watches have no requester
    made = at_once(*[lambda: [job.target for job in db.watches.tick(limits).jobs]] * 4)
    assert sorted(target for targets in made for target in targets) == URLS


def test_refreshes_count_toward_the_quota_of_the_watchs_requester(db: Stores) -> None:
    """Otherwise, a caller could create any number of jobs by adding watches every day."""
    mallory, limits = Requester("a" * 64, 2), WatchLimits(100, 0, daily_targets=2)

    def refreshed() -> set[str]:
        targets = list[str]()
        for _ in range(24):
            db.clock.advance(3_600)
            for job in db.watches.tick(limits).jobs:
                end(db, job, store_property(db, job.target))
                targets.append(job.target)
        assert len(set(targets)) == len(targets)
        return set(targets)

    advance_to_noon(db, 1)
    db.clock.advance(DAY / 2 - 1)
    db.watches.add(URLS[:2], interval_days=1, requester=mallory)
    assert (refreshed(), db.jobs.used_today(mallory.caller)) == (set(URLS[:2]), 0), "charged when added"
    db.watches.add(URLS[2:4], interval_days=1, requester=mallory)
    assert (refreshed(), db.jobs.used_today(mallory.caller)) == (set(URLS[:4]), 2)
    with pytest.raises(QuotaExceededError):
        db.watches.add(URLS[4:], interval_days=1, requester=mallory)
    some = refreshed()
    assert (len(some), db.jobs.used_today(mallory.caller)) == (2, 2)
    assert refreshed() == set(URLS[:4]) - some
