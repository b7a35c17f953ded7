"""Pages that were read while no model could be asked are completed when one can, from the stored page, for one call."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from app.errors.fetching import PageUnderWayError
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import PageFrom
from app.services.runtime.resources import Resources, open_resources
from app.services.scraping.run import Run
from simulators.openai.config import Config
from simulators.openai.server import OpenAISimulator
from simulators.serving import BackgroundServer
from tests.integration.test_scrape_service import KEY, Site, enqueue, settings
from tests.plugins.address_world import (
    ADDRESS,
    BILL,
    BY_ADDRESS,
    BY_NUMBER,
    FOUND,
    World,
    assessor,
    listing,
    outcomes,
    results,
    tax_roll,
)

NO_KEY = "No OpenAI key is configured."
WITHOUT = {"no key": {"openai_api_key": None}, "never": {"model_use": "never"}}


class Home:
    """A site, a simulated API, and one database, which is opened with other settings again and again."""

    def __init__(self, tmp_path: Path, opening: ExitStack) -> None:
        self._tmp_path, self._opening, self.site = tmp_path, opening, Site()
        self._api = OpenAISimulator(Config.from_json({"keys": [{"key": KEY, "tpm": 2_000_000}]}))
        self._api_url = opening.enter_context(BackgroundServer(self._api.app, self._api.stopping)).address
        self.url = f"{opening.enter_context(BackgroundServer(self.site.app)).address}/house"

    def open(self, **more: Any) -> Resources:
        chosen = settings(self._tmp_path, f"{self._api_url}/v1").replaced(**more)
        return self._opening.enter_context(open_resources(chosen))

    def calls(self) -> int:
        return int(self._api.gate.stats(0.0)["totals"]["requests"])


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opening:
        yield Home(tmp_path, opening)


@pytest.mark.parametrize("without", WITHOUT.values(), ids=WITHOUT)
@pytest.mark.parametrize("is_job", [True, False], ids=["job", "scrape"])
def test_a_page_read_without_a_model_is_asked_about_by_the_next_scrape(
    home: Home, without: dict[str, Any], is_job: bool
) -> None:
    first = home.open(**without).scraper.scrape(home.url)
    assert ("Roof" in first.record, home.calls()) == (False, 0)
    later = home.open()
    run = Run(Lease(enqueue(later, home.url), "test")) if is_job else Run()
    second = later.scraper.scrape(home.url, run)
    assert second.property_id == first.property_id
    assert second.evidence["Roof"]["method"] == "llm"
    assert (second.wanted_model, second.model_note, second.page_from) == ((), None, PageFrom.SITE)
    assert (home.calls(), home.site.asked) == (1, ["/house"])
    assert later.jobs.enqueue([home.url]).new == [], "the completed page is not fresh"
    assert later.scraper.scrape(home.url).page_from is PageFrom.STORED
    assert (home.calls(), home.site.asked) == (1, ["/house"])


@pytest.mark.parametrize("without", WITHOUT.values(), ids=WITHOUT)
@pytest.mark.parametrize("before", WITHOUT.values(), ids=WITHOUT)
def test_while_no_model_can_be_asked_a_page_stays_fresh(
    home: Home, before: dict[str, Any], without: dict[str, Any]
) -> None:
    first = home.open(**before).scraper.scrape(home.url)
    again = home.open(**without)
    assert again.jobs.enqueue([home.url]).new == []
    for _ in range(3):
        outcome = again.scraper.scrape(home.url)
        assert (outcome.page_from, outcome.wanted_model) == (PageFrom.STORED, first.wanted_model)
    assert (home.calls(), home.site.asked) == (0, ["/house"])


def test_the_note_names_todays_reason(home: Home) -> None:
    """The stored note follows: no key, then MODEL_USE=never, then a used-up budget, then no key again, then nothing."""
    reasons: list[tuple[dict[str, Any], str]] = [
        ({"openai_api_key": None}, NO_KEY),
        ({"model_use": "never"}, "MODEL_USE=never"),
        ({"budget_daily_model_calls": 0}, "BUDGET_DAILY_MODEL_CALLS"),
        ({"openai_api_key": None}, NO_KEY),
    ]
    for change, words in reasons:
        resources = home.open(**change)
        outcome = resources.scraper.scrape(home.url)
        assert "Roof" in outcome.wanted_model
        (source,) = resources.properties.get(outcome.property_id)["sources"]
        for note in (outcome.model_note, source["model_note"]):
            assert words in note
            assert not [other for _, other in reasons if other != words and other in note]
    outcome = home.open().scraper.scrape(home.url)
    assert (outcome.wanted_model, outcome.model_note) == ((), None)
    assert outcome.sources[0]["model_note"] is None
    assert (home.calls(), home.site.asked) == (1, ["/house"])


def test_a_refused_answer_is_not_asked_for_again(home: Home) -> None:
    home.open(openai_api_key=None).scraper.scrape(home.url)
    home._api.gate.change_server({"answers": "refusal"})
    keyed = home.open()
    refused = keyed.scraper.scrape(home.url)
    assert "Roof" in refused.wanted_model
    home._api.gate.change_server({"answers": "normal"})
    assert keyed.jobs.enqueue([home.url]).new == []
    again = keyed.scraper.scrape(home.url)
    assert (again.page_from, again.model_note) == (PageFrom.STORED, refused.model_note)
    assert home.calls() == 1
    assert home.open(openai_api_key=None).scraper.scrape(home.url).model_note == refused.model_note


def test_a_page_whose_body_was_not_kept_is_fetched_again(home: Home) -> None:
    keyless = home.open(openai_api_key=None)
    keyless.scraper.scrape(home.url)
    with keyless.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM pages")
    assert "Roof" in home.open().scraper.scrape(home.url).record
    assert (home.calls(), home.site.asked) == (1, ["/house", "/house"])


def test_a_refresh_fetches_and_asks(home: Home) -> None:
    home.open(model_use="never").scraper.scrape(home.url)
    keyed = home.open()
    assert "Roof" in keyed.scraper.scrape(home.url, refresh=True).record
    assert (home.calls(), home.site.asked) == (1, ["/house", "/house"])


@pytest.mark.parametrize("without", WITHOUT.values(), ids=WITHOUT)
def test_jobs_of_two_urls_of_a_page_ask_once(home: Home, without: dict[str, Any]) -> None:
    """Both jobs begin before either has asked. One waits for the other, and then has nothing to ask."""
    urls = [home.url, f"{home.url}?view=mobile"]
    body = home.site.pages["/house"][1].replace(b"<head>", f'<head><link rel="canonical" href="{home.url}">'.encode())
    home.site.pages["/house"] = (200, body)
    first = home.open(**without)
    for url in urls:
        first.scraper.scrape(url)
    keyed, begun = home.open(), Barrier(2)
    jobs = {url: enqueue(keyed, url) for url in urls}

    def scrape(url: str) -> str:
        begun.wait()
        while True:
            try:
                return keyed.scraper.scrape(url, Run(Lease(jobs[url], "test"))).property_id
            except PageUnderWayError:
                continue

    fetched = list(home.site.asked)
    with ThreadPoolExecutor(2) as threads:
        assert len(set(threads.map(scrape, urls))) == 1
    assert (home.calls(), home.site.asked) == (1, fetched)


# --- addresses


@pytest.fixture
def county(world: World) -> World:
    world.county.pages |= {FOUND: (200, assessor()), BILL: (200, tax_roll()), "/none?zip=00000": (200, results())}
    world.sources(BY_ADDRESS, BY_NUMBER, ("Empty", "portal", "<county>/none?zip={postal_code}"))
    return world


@pytest.mark.parametrize("without", WITHOUT.values(), ids=WITHOUT)
@pytest.mark.parametrize("is_job", [True, False], ids=["job", "scrape"])
def test_an_address_read_without_a_model_is_asked_about_by_the_next_scrape(
    county: World, without: dict[str, Any], is_job: bool
) -> None:
    with open_resources(county.resources.settings.replaced(**without)) as before:
        first = before.scraper.scrape(ADDRESS)
        again = before.scraper.scrape(ADDRESS)
        assert (again.page_from, again.wanted_model) == (PageFrom.STORED, first.wanted_model)
        assert (again.model_note is None) == (first.wanted_model == ())
        assert before.jobs.enqueue([ADDRESS]).new == []
    fetched, calls = dict(county.county.asked), county.calls()
    assert calls == 0
    run = Run(Lease(county.job(), "test")) if is_job else Run()
    second = county.scrape(run=run)
    assert (second.property_id, second.page_from) == (first.property_id, PageFrom.SITE)
    assert (county.calls(), dict(county.county.asked)) == (1, fetched)
    assert outcomes(second) == outcomes(first)
    assert county.resources.jobs.enqueue([ADDRESS]).new == []
    assert county.scrape().page_from is PageFrom.STORED
    assert (county.calls(), dict(county.county.asked)) == (1, fetched)


@pytest.mark.parametrize("without", WITHOUT.values(), ids=WITHOUT)
def test_a_page_that_is_no_source_of_an_address_is_asked_about_when_its_url_is_scraped(
    county: World, without: dict[str, Any]
) -> None:
    """Until then, each scrape of the address finds its own pages complete: it asks and fetches nothing."""
    url = f"{county.roots['portal']}/homes/12"
    county.portal.pages["/homes/12"] = (200, listing(prose="A slate roof."))
    with open_resources(county.resources.settings.replaced(**without)) as before:
        home = before.scraper.scrape(ADDRESS).property_id
        assert before.scraper.scrape(url).property_id == home
    assert county.scrape().page_from is PageFrom.SITE
    fetched = county.county.asked + county.portal.asked
    for run in (Run(), Run(Lease(county.job(), "test"))):
        again = county.scrape(run=run)
        assert (again.property_id, again.page_from, county.calls()) == (home, PageFrom.STORED, 1)
        notes = {source["url"]: source["model_note"] for source in again.sources}
        assert notes[url] is None or "Scrape its URL" in notes[url]
    assert county.scrape(url).page_from is PageFrom.SITE
    assert (county.calls(), county.county.asked + county.portal.asked) == (2, fetched)
    assert county.resources.jobs.enqueue([ADDRESS, url]).new == []


def test_an_address_without_sources_still_has_the_property_that_its_page_gave(county: World) -> None:
    county.sources()
    url = f"{county.roots['portal']}/homes/12"
    county.portal.pages["/homes/12"] = (200, listing(prose="A slate roof."))
    with open_resources(county.resources.settings.replaced(openai_api_key=None)) as before:
        home = before.scraper.scrape(url).property_id
    found = county.scrape(run=Run(Lease(county.job(), "test")))
    assert (found.property_id, found.page_from, county.calls()) == (home, PageFrom.STORED, 0)
    assert "Scrape its URL" in str(found.model_note)
    assert county.scrape(url).model_note is None
    assert county.calls() == 1
