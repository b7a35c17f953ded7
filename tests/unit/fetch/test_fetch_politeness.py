"""Waiting for a turn, on a clock that only moves when somebody sleeps on it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from app.clock import ManualClock
from app.errors import HostBusyError
from app.property.fetch.guard import Destination
from app.property.fetch.politeness import LocalPace, Politeness


def _destination(host: str = "homes.example", *, inside: bool = False) -> Destination:
    return Destination(f"https://{host}/", "https", host, 443, (ip_address("93.184.216.34"),), inside=inside)


def _politeness(clock: ManualClock, *, gap: float = 1.0, concurrency: int = 2, max_wait: float = 60.0) -> Politeness:
    store = LocalPace(clock, concurrency=concurrency, lease_seconds=70)
    return Politeness(store, clock, min_gap_seconds=gap, max_wait_seconds=max_wait)


def test_requests_to_one_host_keep_the_least_gap() -> None:
    clock = ManualClock()
    politeness = _politeness(clock, gap=1.5)
    for _ in range(3):
        with politeness.turn(_destination()):
            pass
    assert clock.slept == [1.5, 1.5]


def test_a_crawl_delay_longer_than_the_least_gap_rules() -> None:
    clock = ManualClock()
    politeness = _politeness(clock, gap=1.0)
    for _ in range(2):
        with politeness.turn(_destination(), 10.0):
            pass
    assert clock.slept == [10.0]


def test_a_crawl_delay_shorter_than_the_least_gap_does_not() -> None:
    clock = ManualClock()
    politeness = _politeness(clock, gap=1.0)
    for _ in range(2):
        with politeness.turn(_destination(), 0.2):
            pass
    assert clock.slept == [1.0]


def test_hosts_are_paced_apart() -> None:
    clock = ManualClock()
    politeness = _politeness(clock)
    for host in ("a.example", "b.example", "c.example"):
        with politeness.turn(_destination(host)):
            pass
    assert clock.slept == []


def test_opened_networks_are_not_paced() -> None:
    clock = ManualClock()
    politeness = _politeness(clock, concurrency=1)
    with politeness.turn(_destination(inside=True)), politeness.turn(_destination(inside=True)):
        pass
    assert clock.slept == []


def test_a_wait_too_long_for_a_worker_is_an_error_that_says_how_long() -> None:
    clock = ManualClock()
    politeness = _politeness(clock, max_wait=60)
    with politeness.turn(_destination(), 3600.0):
        pass
    clock.advance(100)
    with pytest.raises(HostBusyError) as caught, politeness.turn(_destination()):
        pass
    assert caught.value.facts["retry_after_seconds"] == 3500.0
    assert caught.value.transient
    assert clock.slept == []


def test_a_lease_that_was_never_given_back_ends() -> None:
    clock = ManualClock()
    store = LocalPace(clock, concurrency=1, lease_seconds=70)
    assert store.enter("h", "crashed", 0) == 0
    clock.advance(69.9)
    assert store.enter("h", "next", 0) > 0
    clock.advance(0.2)
    assert store.enter("h", "next", 0) == 0
