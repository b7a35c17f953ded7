"""The runs to measure, called cells. Each has a contestant, a number of sites and pages, and a crawl delay."""

from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from typing import Any

OURS, OURS_SHARED, SCRAPY, HTTPX2 = "ours", "ours, shared", "Scrapy", "httpx2"
_FIRST_ADDRESS = IPv4Address("5.9.0.1")


@dataclass(frozen=True)
class Cell:
    """A run to measure.

    `gap_seconds` is the crawl delay in each robots.txt; 0 means that contestants do not read robots.txt. `at_once`
    limits the contestant's concurrent requests.
    """

    contestant: str
    sites: int
    pages: int
    gap_seconds: float
    at_once: int

    @property
    def hosts(self) -> list[str]:
        return [f"site{n}.example" for n in range(self.sites)]

    @property
    def urls(self) -> list[str]:
        return [f"http://{host}/homes/{n}" for n in range(self.pages) for host in self.hosts]

    @property
    def hosts_file(self) -> str:
        return "".join(f"{_FIRST_ADDRESS + n} {host}\n" for n, host in enumerate(self.hosts))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def cells(scale: float) -> list[Cell]:
    """`scale` multiplies the pages per site; 1 is the published size."""

    def scaled(pages: int) -> int:
        return max(2, round(pages * scale))

    free = [Cell(who, 100, scaled(20), 0.0, 16) for who in (OURS, SCRAPY, HTTPX2)]
    ruled = [
        Cell(who, sites, scaled(pages), gap, max(32, min(sites, 100)))
        for sites, pages, gap in ((1, 30, 0.5), (10, 30, 0.5), (100, 12, 1.0), (500, 8, 4.0))
        for who in (OURS, OURS_SHARED, SCRAPY)
    ]
    return free + ruled
