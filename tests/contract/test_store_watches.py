"""Watches: their targets, their due times, their state after a refresh, and pages that are read again earlier."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial

import pytest

from app.errors import NotFoundError, PropertyIntelligenceError
from app.errors.fetching import HttpStatusError, RobotsDisallowedError, TransientHttpStatusError
from app.errors.jobs import DeadlineExceededError
from app.errors.pages import PageBlockedError
from app.errors.requests import InvalidCursorError
from app.errors.targets import InvalidTargetError
from app.errors.watches import InvalidWatchError, TooManyWatchesError
from app.property.storage.jobs.models import Job
from app.property.storage.paging import every
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.models import Watch, WatchStatus
from app.property.storage.watches.repository import PLANNED
from app.property.storage.watches.schedule import slot_after
from tests.plugins.page_records import page_record
from tests.plugins.stores import Stores
from tests.plugins.watch_steps import (
    ADDRESS,
    DAY,
    PLENTY,
    URL,
    begin,
    due_now,
    end,
    refresh,
    show_change,
    store_property,
)

CARD = "https://county.example/parcel/1"
DOWN = TransientHttpStatusError(CARD, 503, None)


def ids(watches: Iterable[Watch]) -> list[str]:
    return [watch.id for watch in watches]


def test_urls_addresses_and_properties_are_watched_in_canonical_form(db: Stores) -> None:
    home = store_property(db, URL)
    named = ["HTTPS://Site.Example:443/house/2#map", "12 Main Street, Springfield IL 62701", f" {home.upper()} "]
    added = db.watches.add(named, who="me")
    expected = [("url", "https://site.example/house/2"), ("address", ADDRESS), ("property", home)]
    assert [(one.kind, one.target) for one in added.watches] == expected
    assert added.new == 3
    listed = db.watches.page().items
    assert [(one.interval_days, one.status, one.created_by) for one in listed] == [(7, "waiting", "me")] * 3
    again = db.watches.add([ADDRESS, ADDRESS], interval_days=1)
    assert (again.new, [(one.id, one.interval_days) for one in again.watches]) == (0, [(added.watches[1].id, 1)])


OTHER_PAGE, ALIAS = "https://other.example/1", "https://m.site.example/house/1"
AT_HOME = {"UnparsedAddress": "12 Main St", "StreetNumber": "12", "StreetName": "Main St", "City": "Springfield",
           "StateOrProvince": "IL", "PostalCode": "62701"}  # fmt: skip
SPELLINGS = (ADDRESS, "12 Main Street, Springfield IL 62701", "12 main st, springfield, illinois 62701-0001")


@pytest.fixture
def watched_home(db: Stores) -> str:
    """The id of a property at `ADDRESS` with the pages `URL`, which `ALIAS` also leads to, and `OTHER_PAGE`."""
    now = db.clock.now()
    home = db.save(page_record(URL, AT_HOME, now, "1" * 64, page_url=URL))
    db.save(page_record(ALIAS, AT_HOME, now, "2" * 64, page_url=URL))
    return db.save(page_record(OTHER_PAGE, AT_HOME, now, "3" * 64), related=home)


def names_of(home: str) -> list[str]:
    return [URL, f"{URL}?utm_source=mail#map", ALIAS, OTHER_PAGE, *SPELLINGS, home, home.upper(), home[:8], home[:20]]


@pytest.mark.parametrize("place", range(11))
def test_a_home_is_watched_once_by_whatever_name(db: Stores, watched_home: str, place: int) -> None:
    names = names_of(watched_home)
    (watch,) = db.watches.add([names[place]]).watches
    for name in names:
        again = db.watches.add([name], interval_days=3)
        assert (again.new, ids(again.watches), ids(again.known.values())) == (0, [watch.id], [watch.id]), name
        assert again.watches[0].interval_days == 3
        assert "Watched already" in str(again.note())
        if len(name) != 8 and len(name) != 20:  # the terminal completes short ids
            assert db.watches.get(name).id == watch.id
    assert ids(db.watches.page().items) == [watch.id]
    (other,) = db.watches.add(["14 Main St, Springfield, IL 62701"]).watches
    assert other.id != watch.id
    db.watches.remove(names[-3])
    assert ids(db.watches.page().items) == [other.id]


def test_a_list_that_names_a_home_twice_adds_one_watch(db: Stores, watched_home: str) -> None:
    added = db.watches.add([OTHER_PAGE, "https://site.example/other", *names_of(watched_home)])
    assert (added.new, [one.target for one in added.watches]) == (2, [OTHER_PAGE, "https://site.example/other"])
    assert (added.known, added.note()) == ({}, None)


def test_a_page_that_was_watched_before_it_was_read_is_its_homes_watch(db: Stores) -> None:
    (watch,) = db.watches.add([URL]).watches
    home = db.save(page_record(URL, AT_HOME, db.clock.now(), "1" * 64))
    assert ids(db.watches.add([home, ADDRESS]).watches) == [watch.id]
    assert db.watches.get(ADDRESS).id == watch.id


def test_a_paused_watch_is_resumed_by_another_name_of_its_home(db: Stores, watched_home: str) -> None:
    db.watches.add([URL])
    for _ in range(2):
        refresh(db, URL, HttpStatusError(URL, 410))
    assert db.watches.get(URL).status == "paused"
    (resumed,) = db.watches.add([watched_home]).watches
    assert (resumed.target, resumed.status) == (URL, "waiting")


def test_an_ambiguous_or_unknown_short_id_is_refused(db: Stores) -> None:
    with pytest.raises(NotFoundError, match="no property 0123abcd"):
        db.watches.add(["0123abcd"])
    assert db.watches.page().items == []


def test_one_invalid_target_refuses_all_watches(db: Stores) -> None:
    for days in (0, 366):
        with pytest.raises(InvalidWatchError, match="1 to 365 days"):
            db.watches.add([URL], interval_days=days)
    with pytest.raises(NotFoundError, match=r"no property 0{32}"):
        db.watches.add([URL, "0" * 32])
    with pytest.raises(InvalidTargetError):
        db.watches.add([URL, "ftp://site.example/"])
    with pytest.raises(TooManyWatchesError):
        db.watches.add([URL, ADDRESS], most=1)
    assert db.watches.page().items == []


def test_watches_are_listed_by_due_time_and_by_status(db: Stores) -> None:
    db.watches.add([URL], interval_days=1)
    for _ in range(2):
        refresh(db, URL, HttpStatusError(URL, 410))
    db.clock.advance(5 * DAY)
    db.watches.add([f"https://site.example/other/{n}" for n in range(9)], interval_days=1)
    db.clock.advance(DAY / 3)
    db.watches.tick(WatchLimits(0, 0))
    db.clock.advance(DAY / 3)
    expected = sorted(db.watches.page().items, key=lambda one: (one.status == "paused", one.due_at))
    assert expected[-1].target == URL
    assert expected[-1].due_at < expected[0].due_at
    assert {str(one.status) for one in expected} == {"put_off", "due", "waiting", "paused"}
    assert ids(every(partial(db.watches.page, order=PLANNED, limit=3))) == ids(expected)
    for status in WatchStatus:
        with_status = ids(one for one in expected if one.status == status)
        assert ids(every(partial(db.watches.page, order=PLANNED, status=status, limit=2))) == with_status
        assert db.watches.counts()[status] == len(with_status)
    with pytest.raises(InvalidCursorError):
        db.watches.page(db.watches.page(limit=1).next_cursor, order=PLANNED)


def test_watches_are_spread_evenly_over_their_interval(db: Stores) -> None:
    began, period = db.clock.now(), timedelta(days=6.5)
    slots = [slot_after(f"https://site.example/house/{n}", 7, began) for n in range(700)]
    assert all(began < slot <= began + period for slot in slots)
    tenths = Counter((slot - began) // (period / 10) for slot in slots)
    assert (len(tenths), min(tenths.values()) > 45, max(tenths.values()) < 100) == (10, True, True)
    db.watches.add(["https://site.example/house/1", ADDRESS], interval_days=7)
    db.clock.advance(DAY)
    assert len(db.watches.page(status=WatchStatus.DUE).items) == 2  # new watches are due within a day


@pytest.mark.parametrize("planned", [(2, 4), (30, 12)])
def test_a_refresh_is_due_shortly_before_the_interval_ends(db: Stores, planned: tuple[int, int]) -> None:
    days, hours_before = planned
    home = store_property(db, URL)
    db.watches.add([URL], interval_days=days)
    (job,) = begin(db, URL)
    assert (job.target, job.refresh, job.watch_id, job.priority) == (URL, True, db.watches.get(URL).id, 8)
    assert db.watches.get(URL).status == "under_way"
    end(db, job, home)
    began = db.clock.now()
    db.clock.advance(60)
    assert db.watches.tick(PLENTY).settled == {"done": 1}
    watch = db.watches.get(URL)
    assert (watch.status, watch.property_id, watch.refreshed_at) == ("waiting", home, began)
    (second,) = begin(db, URL)
    end(db, second, home)
    at = db.clock.now()
    db.watches.tick(PLENTY)
    assert db.watches.get(URL).due_at - at == timedelta(days=days, hours=-hours_before)


def test_a_late_refresh_does_not_move_the_following_ones(db: Stores) -> None:
    """A refresh less than six hours before the next planned one replaces that one."""
    period = timedelta(days=8, hours=-12)
    db.watches.add([URL], interval_days=8)
    home, slot = store_property(db, URL), slot_after(URL, 8, db.clock.now())
    db.clock.advance((slot - db.clock.now()).total_seconds())
    for delay, following in ((period / 2, slot + period), (period - timedelta(hours=5), slot + 3 * period)):
        db.clock.advance(delay.total_seconds())
        refresh(db, URL, home)
        assert db.watches.get(URL).due_at == following
        db.clock.advance((following - db.clock.now()).total_seconds())


def test_a_page_of_another_active_job_is_refreshed_afterwards(db: Stores) -> None:
    db.watches.add([URL], interval_days=1)
    due_now(db, URL)
    (other_job,) = db.jobs.enqueue([URL]).jobs
    assert db.watches.tick(PLENTY).jobs == []
    end(db, other_job, store_property(db, URL))
    db.clock.advance(600)
    assert [job.target for job in db.watches.tick(PLENTY).jobs] == [URL]
    db.clock.advance(5 * DAY)
    assert db.watches.tick(PLENTY).jobs == [], "the last refresh has not ended"


def test_refreshes_missed_in_an_outage_are_spread_over_several_ticks(db: Stores) -> None:
    """Usually, six watches per hour are due. After an outage, an hourly tick starts twelve, a minutely tick five."""
    db.watches.add([f"https://site.example/house/{n}" for n in range(144)], interval_days=1)
    db.clock.advance(2 * DAY)
    assert [len(db.watches.tick(PLENTY, seconds=3600).jobs) for _ in range(2)] == [12, 12]
    assert len(db.watches.tick(PLENTY).jobs) == 5


def test_a_page_that_is_gone_twice_pauses_its_watch(db: Stores) -> None:
    """Only two consecutive "gone" responses pause the watch, whatever failures came before."""
    db.watches.add([URL], interval_days=30)
    refresh(db, URL, DeadlineExceededError(900.0, 900.0))
    assert db.watches.get(URL).failures == 1
    refresh(db, URL, store_property(db, URL))
    assert (db.watches.get(URL).failures, db.watches.get(URL).error) == (0, None)
    for error, wait in ((TransientHttpStatusError(URL, 503, None), 1), (HttpStatusError(URL, 404), 24)):
        assert refresh(db, URL, error).settled == {"failed": 1}
        assert db.watches.get(URL).due_at == db.clock.now() + timedelta(hours=wait)
    (paused,) = refresh(db, URL, HttpStatusError(URL, 410)).paused
    assert (paused.status, paused.failures) == ("paused", 3)
    assert "gone" in str(paused.pause_reason)
    db.clock.advance(60 * DAY)
    assert db.watches.tick(PLENTY).jobs == []
    assert db.watches.add([URL]).watches[0].status == "waiting"
    assert len(begin(db, URL)) == 1


def test_a_temporary_failure_is_retried_at_growing_intervals_and_pauses_after_weeks(db: Stores) -> None:
    db.watches.add([URL], interval_days=7)
    first, gaps, paused = db.clock.now(), [], []
    while not paused:
        (job,) = begin(db, URL)
        end(db, job, TransientHttpStatusError(URL, 503, None))
        began = db.clock.now()
        paused = db.watches.tick(PLENTY).paused
        gaps.append((db.watches.get(URL).due_at - began) / timedelta(hours=1))
        if len(gaps) == 1:
            first = began
    assert gaps[:5] == [1, 4, 16, 24, 24]
    assert all(gap == 7 * 24 - 12 for gap in gaps[6:-1])
    assert len(gaps) == 9  # the sixth retry is the next regular refresh
    assert db.clock.now() - first > timedelta(days=14)
    assert "9 refreshes" in str(paused[0].pause_reason)


def test_a_retry_never_comes_later_than_the_next_refresh(db: Stores) -> None:
    """The watch is ten hours late, so the third retry would come after the next daily refresh."""
    db.watches.add([URL], interval_days=1)
    due_now(db, URL)
    db.clock.advance(10 * 3600)
    for hours in (1, 4):
        refresh(db, URL, TransientHttpStatusError(URL, 503, None))
        assert db.watches.get(URL).due_at == db.clock.now() + timedelta(hours=hours)
    end(db, begin(db, URL)[0], TransientHttpStatusError(URL, 503, None))
    planned = db.watches.get(URL).due_at
    assert planned < db.clock.now() + timedelta(hours=16)
    db.watches.tick(PLENTY)
    assert db.watches.get(URL).due_at == planned


def test_removing_a_watch_cancels_its_waiting_jobs_only(db: Stores) -> None:
    home = store_property(db, URL, "https://county.example/parcel/1")
    db.watches.add([home], interval_days=1)
    running, waiting = begin(db, home)
    db.jobs.claim(running.id, "worker", 60)
    assert db.watches.remove(home) == 1
    assert [db.jobs.get(one.id).state for one in (running, waiting)] == ["running", "cancelled"]
    with pytest.raises(NotFoundError, match="no watch"):
        db.watches.remove(home)


@pytest.fixture
def home(db: Stores) -> str:
    """Return a watched property with a portal's page and a county's page."""
    home = store_property(db, URL, CARD)
    db.watches.add([home], interval_days=7)
    return home


def fail_card(db: Stores, home: str, card: PropertyIntelligenceError) -> None:
    """Refresh the property. The portal's page is read, and the county's page fails with the error `card`."""
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
    fail_card(db, home, DOWN)
    (failed,) = db.jobs.list(state="failed")
    _, (again,) = next_jobs(db, within=timedelta(days=1))
    assert (again.id, again.error, again.due_at) == (failed.id, None, None)
    end(db, again, home)
    assert next_jobs(db, within=timedelta(days=3), every=timedelta(hours=2))[1] == []


def test_a_due_watch_requests_each_page_once(db: Stores, home: str) -> None:
    fail_card(db, home, DOWN)
    made = begin(db, home)  # without a tick in between
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
    """Rechecks of changes come first, then due watches, then retries. So a failing site delays no other page."""
    fail_card(db, home, DOWN)
    other = "https://site.example/house/2"
    db.watches.add([other], interval_days=30)  # its first refresh is due within a day
    db.clock.advance(26 * 3600)  # the next day, when all three are due
    show_change(db, home, URL, db.clock.now())
    assert targets(db.watches.tick(WatchLimits(1, 10)).jobs) == [URL]
    assert targets(db.watches.tick(WatchLimits(2, 10)).jobs) == [other]
    assert targets(db.watches.tick(WatchLimits(3, 10)).jobs) == [CARD]
