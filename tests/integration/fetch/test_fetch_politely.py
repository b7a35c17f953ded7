"""The fetcher obeys a site's rate limit, which also covers robots.txt and redirects."""

import dataclasses
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from app.clock import ManualClock
from app.errors.fetching import HostBusyError
from app.errors.watches import WatchBudgetSpentError
from app.property.fetch.client.fetcher import Fetcher
from app.property.fetch.guard.check import Destination, Guard
from app.property.fetch.guard.resolver import SystemResolver
from app.property.fetch.limits import Limits
from app.property.fetch.pace.politeness import Politeness
from app.property.fetch.pace.rules import Visitor
from app.property.fetch.pace.stores import LocalPace
from app.property.fetch.robots.cache import LocalRobotsCache


class _LoopbackIsOutside(Guard):
    """Treats loopback addresses as public, because the fetcher limits the rate of public addresses only."""

    def check(self, url: str, **_: Any) -> Destination:
        return dataclasses.replace(super().check(url), is_private=False)


@pytest.fixture
def paced() -> Iterator[Callable[[ManualClock], Fetcher]]:
    made: list[Fetcher] = []

    def make(clock: ManualClock) -> Fetcher:
        store = LocalPace(clock, concurrency=1, lease_seconds=70)
        fetcher = Fetcher(
            guard=_LoopbackIsOutside(SystemResolver(clock), (ip_network("127.0.0.0/8"),)),
            politeness=Politeness(store, clock, min_gap_seconds=1.0),
            robots_cache=LocalRobotsCache(clock),
            limits=Limits(),
            user_agent="tester/1.0",
            clock=clock,
        )
        made.append(fetcher)
        return fetcher

    yield make
    for fetcher in made:
        fetcher.close()


def test_the_least_gap_separates_robots_pages_and_redirects(site: Any, paced: Callable[..., Fetcher]) -> None:
    clock = ManualClock()
    site.page("/2")
    site.page("/1", b"", status=302, Location="/2")
    paced(clock).fetch(f"{site.base}/1")
    assert site.hits == ["/robots.txt", "/1", "/2"]
    assert clock.slept == [1.0, 1.0]


@pytest.mark.parametrize("delay", [50, 100])
def test_waiting_for_a_slot_does_not_use_the_pages_time(site: Any, paced: Callable[..., Fetcher], delay: int) -> None:
    """The crawl delay causes two waits, which do not count toward the page's time limit of 60 s."""
    clock = ManualClock()
    site.page("/robots.txt", f"User-agent: *\nCrawl-delay: {delay}\n".encode(), content_type="text/plain")
    site.page("/1", b"", status=302, Location="/2")
    site.page("/2", b"", status=302, Location="/3")
    site.page("/3")
    assert paced(clock).fetch(f"{site.base}/1").final_url == f"{site.base}/3"
    assert clock.slept == [delay, delay]


def test_a_failed_page_releases_its_slot(site: Any, paced: Callable[..., Fetcher]) -> None:
    """With a concurrency of 1, an unreleased slot would block the next fetch until its lease expires."""
    clock = ManualClock()
    fetcher = paced(clock)
    for _ in range(2):
        with pytest.raises(Exception, match="HTTP 404"):
            fetcher.fetch(f"{site.base}/none")
    fetcher.fetch(site.page("/1"))
    assert clock.slept == [1.0, 1.0, 1.0]


def test_on_slot_is_called_once_per_page(site: Any, paced: Callable[..., Fetcher]) -> None:
    fetcher, turns = paced(ManualClock()), list[list[str]]()
    visitor = Visitor("a", max_wait_seconds=0.5, on_slot=lambda: turns.append(list(site.hits)))
    site.page("/2")
    site.page("/1", b"", status=302, Location="/2")
    with pytest.raises(HostBusyError):  # robots.txt was just requested, so the page must wait
        fetcher.fetch(f"{site.base}/1", visitor)
    assert turns == []
    fetcher.fetch(f"{site.base}/1", dataclasses.replace(visitor, max_wait_seconds=60.0))
    assert (turns, site.hits) == ([["/robots.txt"]], ["/robots.txt", "/1", "/2"])


def test_an_exception_in_on_slot_ends_the_visit_and_releases_the_slot(site: Any, paced: Callable[..., Fetcher]) -> None:
    clock = ManualClock()
    fetcher = paced(clock)

    def refuse() -> None:
        raise WatchBudgetSpentError("1 page request", "WATCH_DAILY_PAGES", "tomorrow", 60.0)

    with pytest.raises(WatchBudgetSpentError):
        fetcher.fetch(site.page("/1"), Visitor(on_slot=refuse))
    assert site.hits == ["/robots.txt"]
    fetcher.fetch(site.page("/2"))
    assert clock.slept == [1.0, 1.0]
