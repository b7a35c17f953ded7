"""The measured cells: the number of sites and pages, the rules, and the contestant."""

from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from typing import Any

OURS, OURS_SHARED, SCRAPY, HTTPX2 = "ours", "ours, shared", "Scrapy", "httpx2"
_FIRST_ADDRESS = IPv4Address("5.9.0.1")


@dataclass(frozen=True)
class Cell:
    """One run to measure. `gap_seconds` is the pause that every robots.txt demands. With 0, robots.txt is not read.

    `at_once` limits the contestant's concurrent requests.
    """

    contestant: str
    sites: int
    pages: int
    gap_seconds: float
    at_once: int

    @property
    def hosts(self) -> list[str]:
        """Return the hosts: every site is a separate domain."""
        return [f"site{n}.example" for n in range(self.sites)]

    @property
    def urls(self) -> list[str]:
        """Return the URLs, one page of each site in turn."""
        return [f"http://{host}/homes/{n}" for n in range(self.pages) for host in self.hosts]

    @property
    def hosts_file(self) -> str:
        """Return the hosts in the form of hosts(5)."""
        return "".join(f"{_FIRST_ADDRESS + n} {host}\n" for n, host in enumerate(self.hosts))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def cells(scale: float) -> list[Cell]:
    """Return all cells of one round. `scale` shortens them (1: as published)."""

    def scaled(pages: int) -> int:
        return max(2, round(pages * scale))

    free = [Cell(who, 100, scaled(20), 0.0, 16) for who in (OURS, SCRAPY, HTTPX2)]
    ruled = [
        Cell(who, sites, scaled(pages), gap, max(32, min(sites, 100)))
        for sites, pages, gap in ((1, 30, 0.5), (10, 30, 0.5), (100, 12, 1.0), (500, 8, 4.0))
        for who in (OURS, OURS_SHARED, SCRAPY)
    ]
    return free + ruled
