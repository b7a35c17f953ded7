"""A caller waits for its request slot. The clock advances only while the caller sleeps."""

from contextlib import suppress
from ipaddress import ip_address

import pytest

from app.clock import ManualClock
from app.errors.fetching import HostBusyError
from app.errors.pages import PageBlockedError
from app.property.fetch.guard.check import Destination
from app.property.fetch.pace.politeness import Politeness
from app.property.fetch.pace.rules import Visitor
from app.property.fetch.pace.stores import LocalPace

ANYBODY = Visitor("anybody")
JOB = Visitor("job", "batch", max_wait_seconds=2.0, can_defer=True)


def _destination(host: str = "homes.example", *, is_private: bool = False) -> Destination:
    return Destination(f"https://{host}/", "https", host, 443, (ip_address("93.184.216.34"),), is_private=is_private)


def _politeness(clock: ManualClock, *, gap: float = 1.0, concurrency: int = 2) -> Politeness:
    return Politeness(LocalPace(clock, concurrency=concurrency, lease_seconds=70), clock, min_gap_seconds=gap)


def _ask(
    politeness: Politeness, *, times: int = 1, gap: float = 0.0, host: str = "homes.example", status: int = 200
) -> None:
    for _ in range(times):
        with politeness.slot(_destination(host), ANYBODY, gap) as slot:
            slot.answered(status)


@pytest.mark.parametrize(("least", "crawl_delay", "gap"), [(1.5, 0.0, 1.5), (1.0, 10.0, 10.0), (1.0, 0.2, 1.0)])
def test_the_longer_of_least_gap_and_crawl_delay_applies(least: float, crawl_delay: float, gap: float) -> None:
    clock = ManualClock()
    _ask(_politeness(clock, gap=least), times=3, gap=crawl_delay)
    assert clock.slept == [gap, gap]


@pytest.mark.parametrize(("late", "waited"), [(0.4, [1.0]), (0.01, [0.99])])
def test_the_gap_counts_from_when_the_request_is_sent(late: float, waited: list[float]) -> None:
    clock = ManualClock()
    politeness = _politeness(clock)
    with politeness.slot(_destination(), ANYBODY) as slot:
        clock.advance(late)
        slot.sent()
        slot.answered(200)
    _ask(politeness)
    assert clock.slept == waited


def test_a_request_sent_after_a_later_one_does_not_shorten_the_gap() -> None:
    clock = ManualClock()
    politeness = _politeness(clock)
    with politeness.slot(_destination(), ANYBODY, 8.0) as slot:
        _ask(politeness, gap=8.0)
        slot.sent()
    _ask(politeness, gap=8.0)
    assert clock.slept == [8.0, 8.0]


def test_sites_are_paced_separately_and_hosts_of_one_site_together() -> None:
    clock = ManualClock()
    politeness = _politeness(clock)
    for host in (
        "a.example.com",
        "b.example.org",
        "c.example.co.uk",
        "one.github.io",
        "two.github.io",
        "93.184.216.34",
    ):
        _ask(politeness, host=host)
    assert clock.slept == []
    _ask(politeness, host="www.example.co.uk")
    assert clock.slept == [1.0]


def test_opened_networks_are_not_paced() -> None:
    clock = ManualClock()
    politeness = _politeness(clock, concurrency=1)
    inside = _destination(is_private=True)
    with politeness.slot(inside, ANYBODY), politeness.slot(inside, ANYBODY):
        pass
    assert clock.slept == []


def test_a_wait_beyond_the_limit_is_an_error_with_the_waiting_time() -> None:
    clock = ManualClock()
    politeness = _politeness(clock, gap=3600.0)
    _ask(politeness)
    clock.advance(100)
    with pytest.raises(HostBusyError) as caught, politeness.slot(_destination(), ANYBODY):
        pass
    assert caught.value.facts["retry_after_seconds"] == 3500.0
    assert caught.value.transient
    assert clock.slept == []


def test_a_job_sleeps_through_short_waits_and_is_deferred_for_longer_ones() -> None:
    clock = ManualClock()
    politeness = _politeness(clock)
    _ask(politeness)
    with politeness.slot(_destination(), JOB) as slot:
        slot.answered(200)
    assert clock.slept == [1.0]
    _ask(politeness, gap=10.0)
    with pytest.raises(HostBusyError) as caught, politeness.slot(_destination(), JOB, 10.0):
        pass
    assert caught.value.facts["retry_after_seconds"] == 10.0
    assert clock.slept == [1.0]


@pytest.mark.parametrize(("status", "rest"), [(503, 40.0), (301, 1.0)])
def test_retry_after_is_respected_except_on_a_redirect(status: int, rest: float) -> None:
    """On a redirect, Retry-After applies only to the redirected request (RFC 9110 section 10.2.3)."""
    clock = ManualClock()
    politeness = _politeness(clock)
    with politeness.slot(_destination(), ANYBODY) as slot:
        slot.answered(status, 40.0)
    _ask(politeness)
    assert clock.slept == [rest]


@pytest.mark.parametrize("status", [429, 503])
def test_a_site_that_pushes_back_gets_half_the_pace(status: int) -> None:
    clock = ManualClock()
    politeness = _politeness(clock)
    for _ in range(3):
        with politeness.slot(_destination(), ANYBODY) as slot:
            slot.answered(status)
    _ask(politeness)
    assert clock.slept == [1.0, 2.0, 4.0], "a slot's gap is not fixed when the slot begins"


@pytest.mark.parametrize(("latency", "answers", "gap"), [(8.0, True, 4.0), (20.0, False, 10.0)])
def test_a_slow_site_is_requested_as_fast_as_it_answers(latency: float, answers: bool, gap: float) -> None:
    """With a latency of 8 s, one request every 4 s keeps two requests in progress, the maximum."""
    clock = ManualClock()
    politeness = _politeness(clock)
    with suppress(TimeoutError), politeness.slot(_destination(), ANYBODY) as slot:
        clock.advance(latency)
        if not answers:
            raise TimeoutError
        slot.answered(200)
    _ask(politeness, times=2)
    assert clock.slept == [gap]


@pytest.mark.parametrize("status", [200, 304])
def test_the_pace_recovers_when_a_site_is_fast_again(status: int) -> None:
    clock = ManualClock()
    politeness = _politeness(clock)
    with politeness.slot(_destination(), ANYBODY) as slot:
        slot.answered(429)
    _ask(politeness, times=12, status=status)
    gaps = clock.slept[2:]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] == 1.75, "the pace recovered by more or less than an eighth"
    assert gaps[-1] == 1.0


def test_an_error_does_not_raise_the_pace() -> None:
    clock = ManualClock()
    politeness = _politeness(clock)
    with politeness.slot(_destination(), ANYBODY) as slot:
        slot.answered(429)
    for _ in range(3):
        with politeness.slot(_destination(), ANYBODY) as slot:
            slot.answered(500)
    assert clock.slept == [1.0, 2.0, 2.0]


def test_a_lease_that_is_never_released_expires() -> None:
    clock = ManualClock()
    store = LocalPace(clock, concurrency=1, lease_seconds=70)
    assert store.enter("h", "crashed", ANYBODY, gap_seconds=0, left_seconds=60).wait_us == 0
    clock.advance(69.9)
    assert store.enter("h", "next", ANYBODY, gap_seconds=0, left_seconds=60).wait_us > 0
    clock.advance(0.2)
    assert store.enter("h", "next", ANYBODY, gap_seconds=0, left_seconds=60).wait_us == 0


def test_a_request_whose_start_was_not_confirmed_starts_at_once() -> None:
    """If the reply from Redis is lost, the request asks again. It must not wait for the slot that it already has."""
    store = LocalPace(ManualClock(), concurrency=1, lease_seconds=70)
    for _ in range(2):
        assert store.enter("h", "same", ANYBODY, gap_seconds=1, left_seconds=60).wait_us == 0


@pytest.mark.parametrize(("retry_after", "rest"), [(None, 900.0), (60.0, 900.0), (1800.0, 1800.0)])
def test_a_site_with_a_block_page_is_left_alone_for_15_minutes(retry_after: float | None, rest: float) -> None:
    """A longer Retry-After extends the pause. The error states the pause's length and the time left."""
    clock = ManualClock()
    politeness = _politeness(clock)
    with suppress(PageBlockedError), politeness.slot(_destination(), ANYBODY) as slot:
        slot.answered(503 if retry_after else 403, retry_after)
        raise PageBlockedError("https://homes.example/", "a captcha")
    with pytest.raises(HostBusyError) as caught, politeness.slot(_destination(), JOB):
        pass
    assert caught.value.facts["retry_after_seconds"] >= rest
    assert caught.value.facts["held_seconds"] == rest
    with politeness.slot(_destination("other.example"), JOB) as other:
        other.answered(200)
