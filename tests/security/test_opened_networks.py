"""In a private network that the operator allows, pages lead only to their own origin, and names that rebind to nothing.

A permission to enter such a network comes from a caller's or the operator's own URL, for its scheme, host, and port. It
is checked at each connection, so a found or watched host that was public before stays outside.
"""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import update

from app.clock import SystemClock
from app.errors import PropertyIntelligenceError
from app.property.fetch.browser.loads import Load, Loaded
from app.property.fetch.browser.page_rendering import PageRendering
from app.property.fetch.browser.renderer import BrowserRenderer, Document, Rendered
from app.property.fetch.client.fetcher import Fetcher
from app.property.fetch.guard.check import origin_of
from app.property.fetch.limits import Limits
from app.property.page import Page
from app.property.storage.jobs.enqueue import make_batch
from app.property.storage.jobs.found import Walked, finish_search
from app.property.storage.jobs.leases import Lease
from app.property.storage.pages.repository import PageStore
from app.property.storage.privacy.suppressions import PurgedNames
from app.property.storage.watches.models import Watch
from app.property.storage.watches.repository import Watches
from app.services.runtime.resources import Resources, open_resources
from app.services.scraping.pages import PageVisitor
from app.services.scraping.run import NO_JOB
from app.settings import Settings
from tasks._celery.publish import send_jobs
from tests.security.strangers import FACTS

OPENED = "127.0.0.0/8"
INSIDE = "127.0.0.1"
HOME = b"<!doctype html><title>Home</title><h1>12 Elm Street</h1><p>Price $250,000</p>"


@pytest.fixture
def resources(tmp_path: Path) -> Iterator[Resources]:
    settings = Settings.of(
        propintel_home=tmp_path / "home",
        fetch_allowed_private_networks=(ip_network(OPENED),),
        fetch_min_delay_seconds=0,
        model_use="never",
    )
    opened = open_resources(settings)
    yield opened
    opened.close()


@pytest.fixture
def make_visitor(resources: Resources) -> Callable[[Fetcher], PageVisitor]:
    """Return a function that makes a visitor which remembers in the same database as the others."""
    database = resources.database
    return lambda fetcher: PageVisitor(
        fetcher, PageStore(database), database.clock, PurgedNames(database), lambda _: None
    )


def outcome(visit: Callable[..., Any], *arguments: Any) -> str:
    try:
        visit(*arguments)
    except PropertyIntelligenceError as exc:
        return exc.code
    return "fetched"


@pytest.mark.parametrize(
    ("status", "extra", "body"),
    [
        (302, {"Location": "{to}"}, b""),
        (308, {"Location": "{to}"}, b""),
        (200, {"Refresh": "0; url={to}"}, HOME),
        (200, {}, b"<meta http-equiv=refresh content='0; url={to}'>"),
    ],
)
def test_a_page_inside_redirects_to_its_own_origin_only(
    make_site: Callable[..., Any], fetcher: Fetcher, status: int, extra: dict[str, str], body: bytes
) -> None:
    one, other = make_site(), make_site()
    for to, expected in ((one.page("/own"), "fetched"), (other.page("/other"), "blocked_address")):
        fields = {name: value.format(to=to) for name, value in extra.items()}
        page = body.replace(b"{to}", to.encode())
        assert outcome(fetcher.fetch, one.page("/start", page, status=status, **fields)) == expected
    secure = one.page("/own").replace("http:", "https:")
    fields = {name: value.format(to=secure) for name, value in extra.items()}
    url = one.page("/secure", body.replace(b"{to}", secure.encode()), status=status, **fields)
    assert outcome(fetcher.fetch, url) == "blocked_address", "another scheme is another origin"
    assert other.connections == 0


def test_a_robots_txt_inside_leads_to_its_own_origin_only(make_site: Callable[..., Any], fetcher: Fetcher) -> None:
    one, other = make_site(), make_site()
    one.page("/robots.txt", status=302, Location=other.page("/robots.txt", b"User-agent: *\nAllow: /"))
    assert outcome(fetcher.fetch, one.page("/1")) == "blocked_address"
    assert other.connections == 0


def test_a_given_url_enters_at_any_port(
    make_site: Callable[..., Any], fetcher: Fetcher, make_visitor: Callable[[Fetcher], PageVisitor]
) -> None:
    visitor = make_visitor(fetcher)
    for site in (make_site(), make_site()):
        assert outcome(visitor.visit, site.page("/1"), NO_JOB) == "fetched"


def test_a_page_leads_inside_at_its_own_origin_only(
    make_site: Callable[..., Any], fetcher: Fetcher, make_visitor: Callable[[Fetcher], PageVisitor]
) -> None:
    """Not even to an origin that was given before: the page, not the caller, chose the URL."""
    visitor, one, other = make_visitor(fetcher), make_site(), make_site()
    start, next_page, elsewhere = one.page("/1"), one.page("/2"), other.page("/2")
    assert outcome(visitor.visit, next_page, NO_JOB, start) == "blocked_address", "nobody gave a URL there yet"
    for url in (start, elsewhere):
        assert outcome(visitor.visit, url, NO_JOB) == "fetched"
    asked = other.connections
    assert outcome(visitor.visit, next_page, NO_JOB, start) == "fetched"
    assert outcome(visitor.visit, elsewhere, NO_JOB, start) == "blocked_address"
    assert outcome(visitor.visit, next_page.replace("http:", "https:"), NO_JOB, start) == "blocked_address"
    assert outcome(visitor.visit, next_page.replace(INSIDE, "127.0.0.2"), NO_JOB, start) == "blocked_address"
    assert outcome(visitor.visit, next_page, NO_JOB, "") == "blocked_address"
    assert outcome(visitor.visit, next_page, NO_JOB, "https://homes.example/") == "blocked_address"
    assert other.connections == asked


@pytest.mark.parametrize("led_by", ["{base}/search", "{url}", "", "https://other.example/"])
def test_a_name_that_rebinds_after_it_was_found_or_watched_stays_outside(
    make_site: Callable[..., Any],
    make_fetcher: Callable[..., Fetcher],
    make_names: Any,
    make_visitor: Callable[[Fetcher], PageVisitor],
    led_by: str,
) -> None:
    """Nobody's own URL entered there while the name was inside, so its origin was never opened."""
    site = make_site()
    names = make_names(homes_example=[INSIDE])
    visitor = make_visitor(make_fetcher(OPENED, resolver=names))
    base = f"http://homes.example:{site.port}"
    url = site.page("/1").replace(site.base, base)
    assert outcome(visitor.visit, url, NO_JOB, led_by.format(base=base, url=url)) == "blocked_address"
    assert (names.asked, site.connections) == (["homes.example"], 0)


def test_a_given_name_inside_may_be_watched_under_any_spelling(
    make_site: Callable[..., Any],
    make_fetcher: Callable[..., Fetcher],
    make_names: Any,
    make_visitor: Callable[[Fetcher], PageVisitor],
) -> None:
    site = make_site()
    names = make_names(crm_internal=[INSIDE])
    url = site.page("/1").replace(INSIDE, "crm.internal")
    assert outcome(make_visitor(make_fetcher(OPENED, resolver=names)).visit, url, NO_JOB) == "fetched"
    later = make_visitor(make_fetcher(OPENED, resolver=names))
    assert outcome(later.visit, url, NO_JOB, url) == "fetched", "another process knows the permission"
    assert outcome(later.visit, url.replace("/1", "/2"), NO_JOB, url.replace("crm", "CRM")) == "http_status"


def test_a_connection_is_not_reused_for_another_checked_address(
    make_site: Callable[..., Any], make_fetcher: Callable[..., Fetcher], make_names: Any
) -> None:
    """A connection that a given URL opened must not carry a request whose check allowed another address."""
    site, reached, names = make_site("0.0.0.0"), list[str](), make_names(homes_example=["127.0.0.1"])

    def answer(handler: BaseHTTPRequestHandler) -> None:
        reached.append(handler.connection.getsockname()[0])
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.send_header("Content-Length", str(len(HOME)))
        handler.end_headers()
        handler.wfile.write(HOME)

    site.handle("/1", answer)
    fetcher = make_fetcher(OPENED, resolver=names)
    for address in ("127.0.0.1", "127.0.0.1", "127.0.0.2"):
        names.set("homes.example", [address])
        fetcher.fetch(f"http://homes.example:{site.port}/1")
    assert reached == ["127.0.0.1", "127.0.0.1", "127.0.0.2"]
    assert site.connections == 3, "one for robots.txt, and one for each address"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTP://Homes.Example:80/x?y#z", "http://homes.example"),
        ("https://homes.example.:443", "https://homes.example"),
        ("https://homes.example:80/", "https://homes.example:80"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://bücher.example/", "http://xn--bcher-kva.example"),
        ("http://2130706433/", None),
        ("ftp://homes.example/", None),
        ("", None),
    ],
)
def test_origins_are_compared_by_scheme_host_and_port(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


def test_a_canonical_link_inside_leads_to_its_own_origin_only(resources: Resources, make_site: Any) -> None:
    """The same host and port with another scheme would be a TLS handshake with whatever listens there."""
    site = make_site()
    secure = site.base.replace("http:", "https:") + "/2"
    site.page("/2", FACTS.encode())
    url = site.page("/1", f'<link rel="canonical" href="{secure}">{FACTS}'.encode())
    resources.scraper.scrape(url)
    assert site.hits == ["/robots.txt", "/1"]
    assert site.connections <= 2, "one for robots.txt and one for the page, or one for both"
    own = f"{site.base}/2"
    resources.scraper.scrape(site.page("/3", f'<link rel="canonical" href="{own}">{FACTS}'.encode()))
    assert site.hits[2:] == ["/3", "/2"]


class _Renderer(BrowserRenderer):
    """Loads the given URLs as a page's script would, without a browser."""

    def __init__(self, *urls: str) -> None:
        self.urls, self.loaded = urls, dict[str, Loaded | None]()

    def needs_browser(self, page: Page) -> bool:
        return True

    def render(self, document: Document, deadline_us: int, load: Callable[[Load], Loaded | None]) -> Rendered:
        self.loaded = {url: load(Load("GET", url, {}, {}, b"", 100_000)) for url in self.urls}
        return Rendered(document.page.text)


def test_a_rendered_page_inside_loads_from_its_own_origin_only(make_site: Any, fetcher: Fetcher) -> None:
    one, other = make_site(), make_site()
    own, foreign = one.page("/data", b"{}", content_type="application/json"), other.page("/data")
    through = one.page("/moved", status=302, Location=foreign)
    renderer = _Renderer(own, foreign, through, own.replace("http:", "https:"))
    parts = cast(Any, fetcher)
    parts._rendering = PageRendering(
        renderer,
        guard=parts._guard,
        robots=parts._robots,
        exchange=parts._exchange,
        limits=Limits(),
        clock=SystemClock(),
    )
    fetcher.fetch(one.page("/1"))
    assert [loaded is not None for loaded in renderer.loaded.values()] == [True, False, False, False]
    assert other.connections == 0
    parts._rendering = None


def test_jobs_of_searches_and_watches_enter_only_where_a_given_url_did(
    make_fleet: Callable[..., Any], make_site: Callable[..., Any]
) -> None:
    """A watched URL is a given one until its first refresh. Later, its name may have rebound."""
    fleet, given, never = make_fleet(), make_site(), make_site()
    jobs, database = fleet.stores.jobs, fleet.stores.database
    watches, now = Watches(database), database.clock.now()
    start, own, foreign = (site.page(path, FACTS.encode()) for site, path in
                           ((given, "/search"), (given, "/2"), (never, "/2")))  # fmt: skip
    (search,) = jobs.enqueue([start]).new
    PageStore(database).open_origin(given.base)  # as the search's own visit does
    walked = Walked([own, foreign], {}, 1, "last_page")
    found = finish_search(database, Lease(jobs.claim(search, "walker", 30).id, "walker"), walked)
    watched = [site.page(path, FACTS.encode()) for site, path in ((never, "/3"), (make_site(), "/4"))]
    added = watches.add(watched, who="tester").watches
    refreshed = update(Watch).where(Watch.target == watched[0]).values(refreshed_at=now)
    database.repeat(lambda connection: connection.execute(refreshed))
    of = {watch.target: watch.id for watch in added}
    refreshes = database.repeat(
        lambda connection: make_batch(connection, now, watched, priority=8, resend_at=now, watch_of=of)
    ).jobs
    send_jobs(fleet.app, jobs, [*found, *refreshes])
    fleet.start_worker(concurrency=1)
    ended = fleet.wait_for_state([job.id for job in (*found, *refreshes)], "done", "failed")
    became = {job.target: job.error["code"] if job.error else str(job.state) for job in ended}
    assert became == {own: "done", foreign: "blocked_address", watched[0]: "blocked_address", watched[1]: "done"}
    assert never.connections == 0
