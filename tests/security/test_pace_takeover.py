"""What a hostile robots.txt or redirect does to the pace: it slows its own host, within bounds, and nobody else."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from app.clock import ManualClock
from app.errors.fetching import HostBusyError
from app.property.fetch.guard import Destination
from app.property.fetch.pace import Visitor
from app.property.fetch.pace_stores import LocalPace
from app.property.fetch.politeness import Politeness
from app.property.fetch.robots import Robots
from app.property.fetch.robots_shelf import LocalShelf, RobotsFile

JOB = Visitor("job", "batch", patience_seconds=2.0, comes_back=True)
FIVE_MINUTES = 300.0


def _destination(host: str) -> Destination:
    return Destination(f"https://{host}/", "https", host, 443, (ip_address("93.184.216.34"),), inside=False)


class _Fleet:
    """Robots and pace as the fetcher puts them together; `rules` is robots.txt by host, others have none."""

    def __init__(self, rules: dict[str, str]) -> None:
        self.clock = ManualClock()
        texts = {f"https://{host}/robots.txt": text for host, text in rules.items()}
        self._robots = Robots(
            lambda url, _: RobotsFile(200, texts.get(url, "").encode()),
            LocalShelf(self.clock),
            self.clock,
            "roofbot/1.0",
        )
        store = LocalPace(self.clock, concurrency=2, lease_seconds=70)
        self._politeness = Politeness(store, self.clock, min_gap_seconds=1.0)

    def ask(self, host: str) -> float:
        """Visit `host`; -> seconds after which a job is told to come back, 0 if it was let in."""
        destination = _destination(host)
        try:
            with self._politeness.turn(destination, JOB, self._robots.permit(destination, JOB)) as turn:
                turn.answered(200)
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
def test_a_host_that_asks_for_much_slows_no_other_host_of_its_site(host: str) -> None:
    """Neither a subdomain nor the domain itself, whose name is the site's."""
    fleet = _Fleet({host: "User-agent: *\nCrawl-delay: 99999999999"})
    assert fleet.ask(host) == 0
    assert fleet.ask("www.homes.example") == 0
    assert fleet.ask("photos.homes.example") == 0
    assert fleet.clock.slept == [1.0], "these two keep the gap of their site"
    assert fleet.ask(host) == FIVE_MINUTES - 1.0
