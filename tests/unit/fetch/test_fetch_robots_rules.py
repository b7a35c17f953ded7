"""Crawl delays and user agents in robots.txt are parsed."""

from collections.abc import Callable
from ipaddress import ip_address

import pytest

from app.clock import ManualClock
from app.errors.fetching import HostBusyError
from app.property.fetch.guard.check import Destination
from app.property.fetch.pace.rules import Visitor
from app.property.fetch.robots.cache import LocalRobotsCache, RobotsFile
from app.property.fetch.robots.rules import Robots, product_token

ANYBODY = Visitor("anybody")
PAGE = Destination("https://homes.example/1", "https", "homes.example", 443, (ip_address("93.184.216.34"),), False)


def _robots(text: str) -> Robots:
    return _robots_by(lambda *_: RobotsFile(200, text.encode()), "roofbot/1.0 (+https://roof.example)")


def _robots_by(fetch: Callable[[str, Visitor], RobotsFile], user_agent: str) -> Robots:
    clock = ManualClock()
    return Robots(fetch, LocalRobotsCache(clock), clock, user_agent)


def test_only_one_caller_fetches_a_file_and_the_others_wait_or_come_back() -> None:
    clock = ManualClock()
    cache = LocalRobotsCache(clock)
    fetched: list[str] = []

    def fetch(url: str, _: Visitor) -> RobotsFile:
        fetched.append(url)
        return RobotsFile(404)

    robots = Robots(fetch, cache, clock, "roofbot/1.0")
    assert cache.claim(PAGE.origin, 60)
    with pytest.raises(HostBusyError) as busy:
        robots.permit(PAGE, Visitor("job", max_wait_seconds=2.0, can_defer=True))
    assert busy.value.facts["retry_after_seconds"] == 1.0
    with pytest.raises(HostBusyError):
        robots.permit(PAGE, Visitor("waiting", max_wait_seconds=0.3))
    assert (fetched, len(clock.slept)) == ([], 3)
    cache.release(PAGE.origin)
    assert robots.permit(PAGE, ANYBODY) == 0.0
    assert fetched == ["https://homes.example/robots.txt"]


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("User-agent: *\nDisallow: /x", 0.0),
        ("User-agent: *\nCrawl-delay: 2.5", 2.5),
        ("User-agent: *\nRequest-rate: 1/10", 10.0),
        ("User-agent: *\nRequest-rate: 4/60s", 15.0),
        ("User-agent: *\nCrawl-delay: 30\nRequest-rate: 1/10", 30.0),
        ("User-agent: *\nCrawl-delay: 30\n\nUser-agent: RoofBot\nCrawl-delay: 3", 3.0),
        ("User-agent: *\nCrawl-delay: soon", 0.0),
        ("User-agent: *\nCrawl-delay: 300", 300.0),
        ("", 0.0),
        ("\ufeffUser-agent: *\nCrawl-delay: 4", 4.0),
    ],
)
def test_the_gap_is_the_site_s_crawl_delay(text: str, gap: float) -> None:
    assert _robots(text).permit(PAGE, ANYBODY) == gap


@pytest.mark.parametrize(
    ("user_agent", "product"),
    [
        ("property-intelligence/0.1 (+https://x.example)", "property-intelligence"),
        ("RoofBot", "RoofBot"),
        ("Mozilla/5.0 (compatible; x)", "Mozilla"),
        ("  ", "*"),
    ],
)
def test_the_product_token_is_the_name_before_the_version(user_agent: str, product: str) -> None:
    assert product_token(user_agent) == product


def test_a_wait_in_our_own_queue_is_not_cached_as_the_site_s_error() -> None:
    answers = iter([HostBusyError("https://homes.example/robots.txt", 90.0, 0.0), RobotsFile(404, b"")])

    def fetch(_: str, visitor: Visitor) -> RobotsFile:
        answer = next(answers)
        if isinstance(answer, HostBusyError):
            raise answer
        return answer

    robots = _robots_by(fetch, "roofbot/1.0")
    with pytest.raises(HostBusyError):
        robots.permit(PAGE, ANYBODY)
    assert robots.permit(PAGE, ANYBODY) == 0.0


def test_the_oldest_origins_are_forgotten() -> None:
    asked: list[str] = []

    def fetch(url: str, visitor: Visitor) -> RobotsFile:
        asked.append(url)
        return RobotsFile(404, b"")

    robots = _robots_by(fetch, "roofbot/1.0")
    for number in (*range(2001), 2000, 0):
        host = f"h{number}.example"
        robots.permit(Destination(f"https://{host}/", "https", host, 443, PAGE.addresses, False), ANYBODY)
    assert asked.count("https://h2000.example/robots.txt") == 1
    assert asked.count("https://h0.example/robots.txt") == 2
