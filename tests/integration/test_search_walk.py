"""The service reads a search's result pages on loopback, including typical traps."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.clock import ManualClock
from app.errors.fetching import TransientHttpStatusError
from app.errors.jobs import OutOfTimeError
from app.errors.pages import SearchPageError
from app.property.storage.jobs.found import Walked
from app.property.storage.jobs.leases import Lease
from app.services.runtime.resources import Resources, open_resources
from app.services.scraping.run import Run
from app.services.scraping.search_walk import SearchOutcome
from app.settings import Settings
from simulators.county.results import PER_PAGE
from simulators.county.serving import RunningCounty
from simulators.county.sites import HEARTH, MOSAIC, slug
from simulators.serving import BackgroundServer


def settings(tmp_path: Path, **more: Any) -> Settings:
    return Settings.of(  # type: ignore[call-arg]
        propintel_home=tmp_path / "home",
        fetch_allowed_private_networks="127.0.0.0/8",  # type: ignore[arg-type]  # as in the environment
        fetch_min_delay_seconds=0,
        **more,
    )


@pytest.fixture(scope="module")
def county() -> Iterator[RunningCounty]:
    with RunningCounty() as running:
        yield running


@pytest.fixture
def resources(tmp_path: Path) -> Iterator[Resources]:
    with open_resources(settings(tmp_path)) as opened:
        yield opened


def walk(
    resources: Resources, url: str, *, is_last: bool = False, job_id: str | None = None,
    seconds_left: Callable[[], float] | None = None,
) -> Walked:  # fmt: skip
    if job_id is None:
        (job_id,) = resources.jobs.enqueue([url]).new
        resources.jobs.claim(job_id, "test", 30)
    outcome = resources.scraper.store_target(url, Run(Lease(job_id, "test"), "", is_last, seconds_left=seconds_left))
    assert isinstance(outcome, SearchOutcome)
    return outcome.walked


def homes(county: RunningCounty, site: Any, town: str) -> list[str]:
    pages = [page for page in county.county.of_site(site) if slug(page.home.town.name) == town]
    return [county.roots[site.key] + page.path for page in pages]


def test_every_listing_of_a_town_is_found_once_and_unrelated_links_are_left_out(
    resources: Resources, county: RunningCounty
) -> None:
    """The site has repeated listings, a sponsored card, a card of another site, and an endless calendar."""
    expected = homes(county, HEARTH, "anytown")
    before = county.server.asked["hearth"]
    found = walk(resources, f"{county.roots['hearth']}/homes/st/anytown")
    assert list(found.listings) == expected
    assert found.left_out == {"sponsored": 1, "other_site": 1}
    assert (found.pages, found.ended_by) == (-(-len(expected) // PER_PAGE), "last_page")
    assert county.server.asked["hearth"] - before == found.pages


def test_listings_in_the_pages_script_state_are_found_and_robots_txt_ends_the_search(
    resources: Resources, county: RunningCounty
) -> None:
    found = walk(resources, f"{county.roots['mosaic']}/for-sale/anytown")
    assert list(found.listings) == homes(county, MOSAIC, "anytown")[: 2 * PER_PAGE]
    assert (found.pages, found.ended_by) == (2, "robots_disallowed")


def test_listings_of_another_site_are_used_if_the_operator_allows_it(tmp_path: Path, county: RunningCounty) -> None:
    with open_resources(settings(tmp_path, search_listing_hosts=(MOSAIC.host,))) as resources:
        found = walk(resources, f"{county.roots['hearth']}/homes/st/anytown")
    assert found.left_out == {"sponsored": 1}
    assert [url for url in found.listings if MOSAIC.host in url] == homes(county, MOSAIC, "anytown")[:1]


def test_endless_result_pages_are_limited(tmp_path: Path, resources: Resources, county: RunningCounty) -> None:
    """One list repeats old results in a new order. The other always has new results, so a limit ends the search."""
    root = county.roots["hearth"]
    shuffled = walk(resources, f"{root}/fresh/anytown")
    assert (shuffled.pages, shuffled.ended_by) == (2, "nothing_new")
    assert len(shuffled.listings) == len(homes(county, HEARTH, "anytown"))
    capped = settings(tmp_path, search_max_pages=4, search_max_listings=20)
    with open_resources(capped) as few:
        endless = walk(few, f"{root}/endless/anytown")
        assert (endless.pages, endless.ended_by, len(endless.listings)) == (4, "max_listings", 20)
        assert endless.left_out == {"over_limit": 4}
    with open_resources(settings(tmp_path / "few", search_max_pages=3)) as few:
        endless = walk(few, f"{root}/endless/anytown")
        assert (endless.pages, endless.ended_by) == (3, "max_pages")


class Slow:
    """A site with five result pages. Each page takes 40 s on the test's clock, and pages can fail or redirect."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.failing: set[str] = set()
        routes = [Route("/s", self._page), Route("/short", self._short), Route("/listing/{n}", self._gone)]
        self.app = Starlette(routes=routes)

    async def _page(self, request: Request) -> Response:
        here = request.query_params.get("page", "1")
        self.asked.append(here)
        self.clock.advance(40)
        if here in self.failing:
            return Response(status_code=503)
        cards = "".join(f'<li><a href="/listing/{here}{n}">{here}{n} Oak St</a> $250,000</li>' for n in range(3))
        onward = f'<a rel="next" href="/s?page={int(here) + 1}">Next</a>' if here != "5" else ""
        return HTMLResponse(f"<title>15 homes for sale</title><h1>15 homes for sale</h1><ul>{cards}</ul>{onward}")

    async def _short(self, request: Request) -> Response:
        town, then = request.query_params["town"], request.query_params["then"]
        if "page" in request.query_params:
            return RedirectResponse(f"/short?town={then}&then={then}")
        cards = "".join(f'<li><a href="/listing/{town}{n}">{n} Oak St, {town}</a> $250,000</li>' for n in range(3))
        onward = f'<a rel="next" href="/short?town={town}&then={then}&page=2">Next</a>'
        return HTMLResponse(f"<title>3 homes for sale</title><h1>3 homes for sale</h1><ul>{cards}</ul>{onward}")

    async def _gone(self, _: Request) -> Response:
        return RedirectResponse("/s")


def until(clock: ManualClock, seconds: float) -> Callable[[], float]:
    end_us = clock.now_us() + seconds * 1_000_000
    return lambda: (end_us - clock.now_us()) / 1_000_000


@pytest.fixture
def slow(clock: ManualClock) -> Slow:
    return Slow(clock)


@pytest.fixture
def at(slow: Slow) -> Iterator[str]:
    with BackgroundServer(slow.app) as server:
        yield server.address


@pytest.fixture
def timed(tmp_path: Path, clock: ManualClock, at: str) -> Iterator[Resources]:
    with open_resources(settings(tmp_path), clock) as opened:
        yield opened


def test_a_long_search_is_continued_and_requests_no_page_twice(timed: Resources, slow: Slow, at: str) -> None:
    """Each run stops before the task's time limit. The next run reads the earlier pages from the database."""
    (job_id,) = timed.jobs.enqueue([f"{at}/s"]).new
    timed.jobs.claim(job_id, "test", 30)
    with pytest.raises(OutOfTimeError):
        walk(timed, f"{at}/s", job_id=job_id, seconds_left=until(slow.clock, 220))
    assert slow.asked == ["1", "2", "3", "4"]
    found = walk(timed, f"{at}/s", job_id=job_id, seconds_left=until(slow.clock, 220))
    assert slow.asked == ["1", "2", "3", "4", "5"]
    assert len(found.listings) == 15
    assert found.ended_by == "last_page"


def test_a_failing_page_is_retried_and_left_out_in_the_last_attempt(timed: Resources, slow: Slow, at: str) -> None:
    slow.failing = {"2"}
    (job_id,) = timed.jobs.enqueue([f"{at}/s"]).new
    timed.jobs.claim(job_id, "test", 30)
    with pytest.raises(TransientHttpStatusError):
        walk(timed, f"{at}/s", job_id=job_id)
    found = walk(timed, f"{at}/s", job_id=job_id, is_last=True)
    assert slow.asked == ["1", "2", "2"]
    assert (found.pages, len(found.listings), found.ended_by) == (1, 3, "http_status_transient")


def test_a_missing_listing_that_redirects_to_a_search_is_not_searched(timed: Resources, slow: Slow, at: str) -> None:
    with pytest.raises(SearchPageError, match=f"redirects to {at}/s"):
        walk(timed, f"{at}/listing/7")
    assert slow.asked == ["1"]


@pytest.mark.parametrize(("then", "ended_by"), [("all", "other_search"), ("anytown", "nothing_new")])
def test_a_next_page_that_redirects_elsewhere_ends_the_search(
    timed: Resources, at: str, then: str, ended_by: str
) -> None:
    """After the last page, some sites redirect to all their listings or to the first page."""
    found = walk(timed, f"{at}/short?town=anytown&then={then}")
    assert [url.rpartition("/")[2] for url in found.listings] == ["anytown0", "anytown1", "anytown2"]
    assert found.ended_by == ended_by


def test_a_search_page_is_refused_where_a_property_was_requested(timed: Resources, at: str) -> None:
    with pytest.raises(SearchPageError, match="Enqueue a search by its own address"):
        timed.scraper.scrape(f"{at}/s")
