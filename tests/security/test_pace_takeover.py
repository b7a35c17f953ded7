"""A hostile robots.txt or redirect slows only requests to its own host, within bounds."""

import dataclasses
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from app.clock import ManualClock
from app.errors.fetching import HostBusyError
from app.errors.pages import PageBlockedError
from app.property.fetch.client.fetcher import Fetcher
from app.property.fetch.guard.check import Destination, Guard
from app.property.fetch.guard.resolver import SystemResolver
from app.property.fetch.limits import Limits
from app.property.fetch.pace.politeness import Politeness
from app.property.fetch.pace.rules import Visitor
from app.property.fetch.pace.stores import LocalPace
from app.property.fetch.robots.cache import LocalRobotsCache, RobotsFile
from app.property.fetch.robots.rules import Robots

Make = Callable[..., Any]

JOB = Visitor("job", "batch", max_wait_seconds=2.0, can_defer=True)
FIVE_MINUTES = 300.0


def _destination(host: str) -> Destination:
    return Destination(f"https://{host}/", "https", host, 443, (ip_address("93.184.216.34"),), is_private=False)


class _Fleet:
    """Applies robots.txt and rate limits as the fetcher does. `rules` has robots.txt by host; other hosts have none."""

    def __init__(self, rules: dict[str, str]) -> None:
        self.clock = ManualClock()
        texts = {f"https://{host}/robots.txt": text for host, text in rules.items()}
        self._robots = Robots(
            lambda url, _: RobotsFile(200, texts.get(url, "").encode()),
            LocalRobotsCache(self.clock),
            self.clock,
            "roofbot/1.0",
        )
        store = LocalPace(self.clock, concurrency=2, lease_seconds=70)
        self._politeness = Politeness(store, self.clock, min_gap_seconds=1.0)

    def ask(self, host: str) -> float:
        """Return 0, or the seconds after which the job should retry if the visit was deferred."""
        destination = _destination(host)
        try:
            with self._politeness.slot(destination, JOB, self._robots.permit(destination, JOB)) as slot:
                slot.answered(200)
        except HostBusyError as exc:
            return float(exc.facts["retry_after_seconds"])
        return 0.0


@pytest.mark.parametrize(
    "rule",
    [
        "Crawl-delay: 99999999999",
        "Crawl-delay: 1e303",
        "Crawl-delay: 301",
        "Request-rate: 1/99999999999",
        f"Request-rate: 1/1{'0' * 400}",
        f"Request-rate: 1{'0' * 400}/1{'0' * 405}",
    ],
)
def test_no_robots_txt_stops_its_host_for_more_than_five_minutes(rule: str) -> None:
    fleet = _Fleet({"homes.example": f"User-agent: *\n{rule}"})
    assert fleet.ask("homes.example") == 0
    assert fleet.ask("homes.example") == FIVE_MINUTES
    fleet.clock.advance(FIVE_MINUTES)
    assert fleet.ask("homes.example") == 0


@pytest.mark.parametrize("host", ["old.homes.example", "homes.example"])
def test_a_long_crawl_delay_slows_no_other_host_of_its_site(host: str) -> None:
    fleet = _Fleet({host: "User-agent: *\nCrawl-delay: 99999999999"})
    assert fleet.ask(host) == 0
    assert fleet.ask("www.homes.example") == 0
    assert fleet.ask("photos.homes.example") == 0
    assert fleet.clock.slept == [1.0], "the other two hosts must keep the gap of their site"
    assert fleet.ask(host) == FIVE_MINUTES - 1.0


class _LoopbackIsPublic(Guard):
    """The real guard, except that test servers on loopback have the rate limits of public sites."""

    def check(self, url: str, **_: Any) -> Destination:
        return dataclasses.replace(super().check(url), is_private=False)


@pytest.fixture
def paced() -> Iterator[Fetcher]:
    clock = ManualClock()
    fetcher = Fetcher(
        guard=_LoopbackIsPublic(SystemResolver(clock), (ip_network("127.0.0.0/8"),)),
        politeness=Politeness(LocalPace(clock, concurrency=2, lease_seconds=70), clock, min_gap_seconds=1.0),
        robots_cache=LocalRobotsCache(clock),
        limits=Limits(),
        user_agent="tester/1.0",
        clock=clock,
    )
    yield fetcher
    fetcher.close()


def _redirects(place: str) -> dict[str, Any]:
    return {"status": 302, "Location": place}


def _refreshes(place: str) -> dict[str, Any]:
    return {"body": f"<meta http-equiv=refresh content='0; url={place}'>".encode()}


@pytest.mark.parametrize("leads", [_redirects, _refreshes])
def test_a_redirect_to_another_sites_login_does_not_pause_the_other_site(
    make_site: Make, paced: Fetcher, leads: Callable[[str], dict[str, Any]]
) -> None:
    victim, attacker = make_site("127.0.0.1"), make_site("127.0.0.2")
    login = victim.page("/admin", b"", status=401, WWW_Authenticate="Basic realm=x")
    with pytest.raises(PageBlockedError):
        paced.fetch(attacker.page("/home", **leads(login)))
    assert paced.fetch(victim.page("/12-elm-street")).body


def test_a_site_that_redirects_to_its_own_login_is_paused(site: Any, paced: Fetcher) -> None:
    site.page("/captcha", b"<div class=g-recaptcha></div>", status=403)
    with pytest.raises(PageBlockedError):
        paced.fetch(site.page("/home", **_redirects("/captcha")))
    with pytest.raises(HostBusyError) as caught:
        paced.fetch(site.page("/12-elm-street"))
    assert caught.value.facts["held_seconds"] == 15 * 60
