"""Watches: their targets, their due times, and their state after a refresh."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import partial

import pytest

from app.clock import ManualClock
from app.errors import NotFoundError
from app.errors.fetching import HttpStatusError, TransientHttpStatusError
from app.errors.jobs import DeadlineExceededError
from app.errors.requests import InvalidCursorError
from app.errors.targets import InvalidTargetError
from app.errors.watches import InvalidWatchError, TooManyWatchesError
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.paging import every
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.models import Watch, WatchStatus
from app.property.storage.watches.repository import PLANNED, Watches
from app.property.storage.watches.schedule import slot_after
from tests.plugins.watch_steps import ADDRESS, DAY, PLENTY, URL, begin, due_now, end, store_property


def ids(watches: Iterable[Watch]) -> list[str]:
    return [watch.id for watch in watches]


def test_urls_addresses_and_properties_are_watched_in_canonical_form(
    watches: Watches, database: Database, clock: ManualClock
) -> None:
    home = store_property(database, clock, URL)
    named = ["HTTPS://Site.Example:443/house/2#map", "12 Main Street, Springfield IL 62701", home]
    added = watches.add(named, who="me")
    expected = [("url", "https://site.example/house/2"), ("address", ADDRESS), ("property", home)]
    assert [(one.kind, one.target) for one in added.watches] == expected
    assert added.new == 3
    listed = watches.page().items
    assert [(one.interval_days, one.status, one.created_by) for one in listed] == [(7, "waiting", "me")] * 3
    again = watches.add([ADDRESS, ADDRESS], interval_days=1)
    assert (again.new, [(one.id, one.interval_days) for one in again.watches]) == (0, [(added.watches[1].id, 1)])


def test_one_invalid_target_refuses_all_watches(watches: Watches) -> None:
    for days in (0, 366):
        with pytest.raises(InvalidWatchError, match="1 to 365 days"):
            watches.add([URL], interval_days=days)
    with pytest.raises(NotFoundError, match=r"no property 0{32}"):
        watches.add([URL, "0" * 32])
    with pytest.raises(InvalidTargetError):
        watches.add([URL, "ftp://site.example/"])
    with pytest.raises(TooManyWatchesError):
        watches.add([URL, ADDRESS], most=1)
    assert watches.page().items == []


def test_watches_are_listed_by_due_time_and_by_status(watches: Watches, jobs: JobStore, clock: ManualClock) -> None:
    """The list is paged. Paused watches come last."""
    watches.add([URL], interval_days=1)
    for _ in range(2):
        end(jobs, begin(watches, clock, URL)[0], HttpStatusError(URL, 410))
        watches.tick(PLENTY)
    clock.advance(5 * DAY)  # the watch becomes due
    watches.add([f"https://site.example/other/{n}" for n in range(9)], interval_days=1)
    clock.advance(DAY / 3)
    watches.tick(WatchLimits(0, 0))
    clock.advance(DAY / 3)
    expected = sorted(watches.page().items, key=lambda one: (one.status == "paused", one.due_at))
    assert expected[-1].target == URL
    assert expected[-1].due_at < expected[0].due_at
    assert {str(one.status) for one in expected} == {"put_off", "due", "waiting", "paused"}
    assert ids(every(partial(watches.page, order=PLANNED, limit=3))) == ids(expected)
    for status in WatchStatus:
        with_status = ids(one for one in expected if one.status == status)
        assert ids(every(partial(watches.page, order=PLANNED, status=status, limit=2))) == with_status
        assert watches.counts()[status] == len(with_status)
    with pytest.raises(InvalidCursorError):
        watches.page(watches.page(limit=1).next_cursor, order=PLANNED)


def test_watches_are_spread_evenly_over_their_interval(watches: Watches, clock: ManualClock) -> None:
    """The due times of weekly watches are spread over 6.5 days."""
    began, period = clock.now(), timedelta(days=6.5)
    slots = [slot_after(f"https://site.example/house/{n}", 7, began) for n in range(700)]
    assert all(began < slot <= began + period for slot in slots)
    tenths = Counter((slot - began) // (period / 10) for slot in slots)
    assert (len(tenths), min(tenths.values()) > 45, max(tenths.values()) < 100) == (10, True, True)
    watches.add(["https://site.example/house/1", ADDRESS], interval_days=7)
    clock.advance(DAY)
    assert len(watches.page(status=WatchStatus.DUE).items) == 2  # new watches are due within a day


@pytest.mark.parametrize("planned", [(2, 4), (30, 12)])
def test_a_refresh_is_due_shortly_before_the_interval_ends(
    planned: tuple[int, int], watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    days, hours_before = planned
    home = store_property(database, clock, URL)
    watches.add([URL], interval_days=days)
    (job,) = begin(watches, clock, URL)
    assert (job.target, job.refresh, job.watch_id, job.priority) == (URL, True, watches.get(URL).id, 8)
    assert watches.get(URL).status == "under_way"
    end(jobs, job, home)
    began = clock.now()
    clock.advance(60)
    assert watches.tick(PLENTY).settled == {"done": 1}
    watch = watches.get(URL)
    assert (watch.status, watch.property_id, watch.refreshed_at) == ("waiting", home, began)
    (second,) = begin(watches, clock, URL)
    end(jobs, second, home)
    at = clock.now()
    watches.tick(PLENTY)
    assert watches.get(URL).due_at - at == timedelta(days=days, hours=-hours_before)


def test_a_late_refresh_does_not_move_the_following_ones(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    """If a refresh runs less than six hours before the next one is due, the next one is skipped."""
    period = timedelta(days=8, hours=-12)
    watches.add([URL], interval_days=8)
    home, slot = store_property(database, clock, URL), slot_after(URL, 8, clock.now())
    clock.advance((slot - clock.now()).total_seconds())
    for delay, following in ((period / 2, slot + period), (period - timedelta(hours=5), slot + 3 * period)):
        clock.advance(delay.total_seconds())
        end(jobs, begin(watches, clock, URL)[0], home)
        watches.tick(PLENTY)
        assert watches.get(URL).due_at == following
        clock.advance((following - clock.now()).total_seconds())


def test_a_page_of_another_active_job_is_refreshed_afterwards(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    watches.add([URL], interval_days=1)
    due_now(watches, clock, URL)
    (other_job,) = jobs.enqueue([URL]).jobs
    assert watches.tick(PLENTY).jobs == []
    end(jobs, other_job, store_property(database, clock, URL))
    clock.advance(600)
    assert [job.target for job in watches.tick(PLENTY).jobs] == [URL]
    clock.advance(5 * DAY)
    assert watches.tick(PLENTY).jobs == [], "the last refresh has not ended"


def test_refreshes_missed_in_an_outage_are_spread_over_several_ticks(watches: Watches, clock: ManualClock) -> None:
    """144 daily watches are six per hour. After an outage, an hourly tick starts twelve, and a tick per minute five."""
    watches.add([f"https://site.example/house/{n}" for n in range(144)], interval_days=1)
    clock.advance(2 * DAY)
    assert [len(watches.tick(PLENTY, seconds=3600).jobs) for _ in range(2)] == [12, 12]
    assert len(watches.tick(PLENTY).jobs) == 5


def test_a_page_that_is_gone_twice_pauses_its_watch(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    """Only two consecutive "gone" responses pause the watch. Earlier failures of other kinds do not count."""
    watches.add([URL], interval_days=30)
    end(jobs, begin(watches, clock, URL)[0], DeadlineExceededError(900.0, 900.0))
    watches.tick(PLENTY)
    assert watches.get(URL).failures == 1
    end(jobs, begin(watches, clock, URL)[0], store_property(database, clock, URL))
    watches.tick(PLENTY)
    assert (watches.get(URL).failures, watches.get(URL).error) == (0, None)
    for error, wait in ((TransientHttpStatusError(URL, 503, None), 1), (HttpStatusError(URL, 404), 24)):
        end(jobs, begin(watches, clock, URL)[0], error)
        assert watches.tick(PLENTY).settled == {"failed": 1}
        assert watches.get(URL).due_at == clock.now() + timedelta(hours=wait)
    end(jobs, begin(watches, clock, URL)[0], HttpStatusError(URL, 410))
    (paused,) = watches.tick(PLENTY).paused
    assert (paused.status, paused.failures) == ("paused", 3)
    assert "gone" in str(paused.pause_reason)
    clock.advance(60 * DAY)
    assert watches.tick(PLENTY).jobs == []
    assert watches.add([URL]).watches[0].status == "waiting"
    assert len(begin(watches, clock, URL)) == 1


def test_a_temporary_failure_is_retried_at_growing_intervals_and_pauses_after_weeks(
    watches: Watches, jobs: JobStore, clock: ManualClock
) -> None:
    watches.add([URL], interval_days=7)
    first, gaps, paused = clock.now(), [], []
    while not paused:
        (job,) = begin(watches, clock, URL)
        end(jobs, job, TransientHttpStatusError(URL, 503, None))
        began = clock.now()
        paused = watches.tick(PLENTY).paused
        gaps.append((watches.get(URL).due_at - began) / timedelta(hours=1))
        if len(gaps) == 1:
            first = began
    assert gaps[:5] == [1, 4, 16, 24, 24]
    assert all(gap == 7 * 24 - 12 for gap in gaps[6:-1])
    assert len(gaps) == 9  # the sixth retry is the next regular refresh
    assert clock.now() - first > timedelta(days=14)
    assert "9 refreshes" in str(paused[0].pause_reason)


def test_a_retry_never_comes_later_than_the_next_refresh(watches: Watches, jobs: JobStore, clock: ManualClock) -> None:
    """The watch started ten hours late, so its third retry would come after the next daily refresh."""
    watches.add([URL], interval_days=1)
    due_now(watches, clock, URL)
    clock.advance(10 * 3600)
    for hours in (1, 4):
        end(jobs, begin(watches, clock, URL)[0], TransientHttpStatusError(URL, 503, None))
        watches.tick(PLENTY)
        assert watches.get(URL).due_at == clock.now() + timedelta(hours=hours)
    end(jobs, begin(watches, clock, URL)[0], TransientHttpStatusError(URL, 503, None))
    planned = watches.get(URL).due_at
    assert planned < clock.now() + timedelta(hours=16)
    watches.tick(PLENTY)
    assert watches.get(URL).due_at == planned


def test_removing_a_watch_cancels_its_waiting_jobs_only(
    watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    home = store_property(database, clock, URL, "https://county.example/parcel/1")
    watches.add([home], interval_days=1)
    running, waiting = begin(watches, clock, home)
    jobs.claim(running.id, "worker", 60)
    assert watches.remove(home) == 1
    assert [jobs.get(one.id).state for one in (running, waiting)] == ["running", "cancelled"]
    with pytest.raises(NotFoundError, match="no watch"):
        watches.remove(home)


def test_a_watch_follows_its_property_into_a_merge(watches: Watches, database: Database, clock: ManualClock) -> None:
    merged = store_property(database, clock, URL)
    watches.add([merged], interval_days=1)
    home = store_property(database, clock, "https://county.example/parcel/1")
    DecisionStore(database).join(home, merged, who="me", reason="")
    assert len(begin(watches, clock, merged)) == 2
