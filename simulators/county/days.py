"""A county that changes from day to day, by a clock that the caller controls.

The plan says what changes, when, and which sites show it. Each home has a page on both portals, and every third home
has a record card. In some homes, one value changes once. Some pages alternate between two values, as if two copies of
the page answered in turn. Some pages change at every request without changing a fact. Whole sites are down, or show a
bot challenge, for hours or days.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulators.county.homes import Home, Lot, on_lots
from simulators.county.pages import assessor, hearth, mosaic
from simulators.county.sites import ASSESSOR, HEARTH, MOSAIC, Page, Site, pages_of
from simulators.county.streets import ANYTOWN, PLACEHOLDER_FALLS, SAMPLETON, Street
from simulators.serving import BackgroundServer

SITES = (ASSESSOR, HEARTH, MOSAIC)
_NAMES = ("Alder", "Birch", "Clover", "Dogwood", "Elder", "Foxglove", "Ginger", "Hazel", "Iris", "Juniper", "Kale",
          "Laurel", "Maple", "Nettle", "Oak", "Poplar", "Quince", "Rowan", "Sorrel", "Thyme", "Umber", "Violet",
          "Willow", "Yarrow", "Zinnia")  # fmt: skip
_PER_STREET = 20
_TOWNS = (ANYTOWN, SAMPLETON, PLACEHOLDER_FALLS)
#: Sites may show the same change at different times, at most this many hours apart.
_LAG_HOURS = 18.0
#: The hours between two changes of a flapping page. Each page gets one of these periods.
TURNS = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 11.0, 17.0, 26.0, 50.0)
#: No change is planted in these first and last days of a plan (fewer if the plan is short).
_QUIET_DAYS, _LAST_DAYS = 2.0, 9.0


@dataclass(frozen=True)
class Planted:
    """A planted change of a home. `shown` maps a site's key to the time from which the site shows the new value."""

    home: int
    field: str
    old: Any
    new: Any
    shown: Mapping[str, datetime]

    @property
    def at(self) -> datetime:
        return min(self.shown.values())


@dataclass(frozen=True)
class Flapping:
    """A page that alternates between the value `wrong` and the true value, `hours` each, from `since` on."""

    home: int
    site: str
    field: str
    wrong: Any
    since: datetime
    hours: float


@dataclass(frozen=True)
class Outage:
    """A period in which a site answers requests for its pages with 503, or with a bot challenge if `is_wall`."""

    site: str
    since: datetime
    until: datetime
    is_wall: bool = False


@dataclass(frozen=True)
class Plan:
    """The county's homes and pages, and all their changes. The bodies of `restless` pages change at every request."""

    homes: tuple[Home, ...]
    pages: Mapping[tuple[str, str], Page]
    planted: tuple[Planted, ...]
    flapping: tuple[Flapping, ...]
    outages: tuple[Outage, ...]
    restless: frozenset[tuple[str, str]]

    def says(self, page: Page, now: datetime) -> Page:
        changes: dict[str, Any] = {}
        for one in self.planted:
            if one.home == page.home.number and page.site.key in one.shown and one.shown[page.site.key] <= now:
                changes[one.field] = one.new
        for flap in self.flapping:
            if (flap.home, flap.site) == (page.home.number, page.site.key) and flap.since <= now:
                turn = int((now - flap.since).total_seconds() // (flap.hours * 3600))
                if turn % 2 == 0:
                    changes[flap.field] = flap.wrong
        return page.saying(changes) if changes else page

    def is_down(self, site: Site, now: datetime) -> Outage | None:
        return next((one for one in self.outages if one.site == site.key and one.since <= now < one.until), None)


def make_plan(
    start: datetime,
    *,
    homes: int = 500,
    days: int = 60,
    planted: int = 150,
    flapping: int = 40,
    turns: Sequence[float] = TURNS,
    seed: int = 1,
) -> Plan:
    """Generate a plan. The flapping pages get the periods `turns` (in hours) one after another."""
    chance = random.Random(f"{seed}/days")
    made = _homes(seed, homes)
    pages = {(page.site.key, page.path): page for home in made for page in _pages(home, seed)}
    of_home: dict[int, list[Page]] = {home.number: [] for home in made}
    for page in pages.values():
        of_home[page.home.number].append(page)
    order = [home.number for home in made]
    chance.shuffle(order)
    changed, flaps = order[:planted], order[planted : planted + flapping]
    last = days - min(_LAST_DAYS, days / 4)

    def moment() -> datetime:
        return start + timedelta(days=chance.uniform(min(_QUIET_DAYS, days / 10), last))

    return Plan(
        made,
        pages,
        tuple(_planted(of_home[number], moment(), chance) for number in changed),
        tuple(_flapping(of_home[number], moment(), turns[n % len(turns)], chance) for n, number in enumerate(flaps)),
        _outages(start, days),
        frozenset(key for key in sorted(pages) if chance.random() < 0.05),
    )


def _homes(seed: int, count: int) -> tuple[Home, ...]:
    lots, left = list[Lot](), count
    for number, name in enumerate(_NAMES):
        houses = tuple(str(101 + 2 * place + 200 * number) for place in range(min(_PER_STREET, left)))
        if houses:
            lots.append(Lot(_TOWNS[number % 3], Street(name, ("St", "Ave", "Ln")[number % 3]), houses, "Lorem Estates"))
        left -= len(houses)
    return tuple(_offered(seed, home) for home in on_lots(seed, lots))


def _offered(seed: int, home: Home) -> Home:
    """Return the home as for sale, so that its portal pages have a price and a status that can change."""
    chance = random.Random(f"{seed}/offer/{home.number}")
    offer = {
        "StandardStatus": "Active",
        "ListPrice": home.truth["LivingArea"] * chance.randint(210, 340) // 100 * 100 + 900,
        "ListingId": f"EX{30_000 + home.number}",
    }  # fmt: skip
    return replace(home, truth={**home.truth, **offer}, listing=offer)


def _pages(home: Home, seed: int) -> list[Page]:
    wanted = {HEARTH.key, MOSAIC.key} | ({ASSESSOR.key} if home.number % 3 == 0 else set())
    return [page for page in pages_of(home, seed) if page.site.key in wanted]


def _planted(pages: Sequence[Page], at: datetime, chance: random.Random) -> Planted:
    with_card = any(page.site is ASSESSOR for page in pages)
    kinds = ["ListPrice", "ListPrice", "StandardStatus", "AssociationFee"] + ["TaxAssessedValue"] * with_card
    field = chance.choice([name for name in kinds if any(name in page.says for page in pages)])
    showing = [page for page in pages if field in page.says]
    old = showing[0].says[field]
    new = _new(field, old, chance)
    chance.shuffle(showing)
    lags = [0.0, *(chance.choice((0.0, chance.uniform(0, _LAG_HOURS))) for _ in showing[1:])]
    shown = {page.site.key: at + timedelta(hours=lag) for page, lag in zip(showing, lags, strict=True)}
    return Planted(pages[0].home.number, field, old, new, shown)


def _new(field: str, old: Any, chance: random.Random) -> Any:
    if field == "StandardStatus":
        return "Pending"
    if field == "ListPrice":
        return old - chance.randint(4, 40) * 1000
    return old + chance.randint(1, 6) * 5 if field == "AssociationFee" else round(old * chance.uniform(1.02, 1.12))


def _flapping(pages: Sequence[Page], since: datetime, hours: float, chance: random.Random) -> Flapping:
    page = chance.choice([page for page in pages if page.site is not ASSESSOR])
    price = page.says["ListPrice"]
    return Flapping(
        page.home.number, page.site.key, "ListPrice", price + chance.choice((-9, 7, 15)) * 1000, since, hours
    )


def _outages(start: datetime, days: int) -> tuple[Outage, ...]:
    def at(day: float) -> datetime:
        return start + timedelta(days=day * days / 60)

    return (
        Outage(HEARTH.key, at(12.3), at(13.8)),
        Outage(MOSAIC.key, at(30.1), at(30.35), is_wall=True),
        Outage(ASSESSOR.key, at(20.0), at(22.0)),
        *(Outage(MOSAIC.key, at(40 + n), at(40 + n) + timedelta(hours=1)) for n in range(5)),
    )


class DailyCounty:
    """A context manager that serves a plan, each site on its own address. `now` is the clock of the county.

    `asked` counts requests by UTC day, except those for robots.txt.
    """

    def __init__(self, plan: Plan, now: Callable[[], datetime]) -> None:
        self.plan = plan
        self.asked: Counter[Any] = Counter()
        self._now = now
        app = Starlette(routes=[Route("/robots.txt", self._robots), Route("/{path:path}", self._page)])
        hosts = [site.host for site in SITES]
        self._server = BackgroundServer(app, host=hosts[0], also=hosts[1:])
        self.port = urlsplit(self._server.address).port
        self.roots = {site.key: f"http://{site.host}:{self.port}" for site in SITES}
        self._running = ExitStack()

    def __enter__(self) -> DailyCounty:
        self._running.enter_context(self._server)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def urls(self) -> list[str]:
        return [self.roots[site] + path for site, path in self.plan.pages]

    async def _robots(self, _: Request) -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /signin\n")

    async def _page(self, request: Request) -> Response:
        host, _ = request.scope["server"]
        site = next(one for one in SITES if one.host == host)
        now = self._now()
        self.asked[now.date()] += 1
        page = self.plan.pages.get((site.key, request.url.path))
        if page is None:
            return HTMLResponse("<title>Page not found</title><h1>404</h1>", 404)
        if (outage := self.plan.is_down(site, now)) is not None:
            if outage.is_wall:
                return HTMLResponse("<title>Just a moment...</title><h1>Verify you are human</h1>", 403)
            return Response(status_code=503)
        body = self._body(self.plan.says(page, now))
        if (site.key, request.url.path) in self.plan.restless:
            body = body.replace("</body>", f"<footer>Seen {now.timestamp() % 100_000:.0f} times</footer></body>")
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        return HTMLResponse(body, headers={"etag": tag})

    def _body(self, page: Page) -> str:
        if page.site is HEARTH:
            return hearth.body(page, self.roots[HEARTH.key], ())
        return mosaic.body(page, ()) if page.site is MOSAIC else assessor.body(page)
