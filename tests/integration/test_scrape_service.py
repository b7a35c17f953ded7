"""The scraping service runs in one process with real parts, and with a site and an API on loopback."""

import json
import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.errors.fetching import BlockedAddressError, EmptyPageError, HttpStatusError
from app.errors.jobs import LeaseLostError
from app.errors.pages import NoPropertyDataError, PageBlockedError, PageGoneError, SearchPageError
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import PageFrom
from app.property.storage.llm.cache import AnswerStore
from app.property.storage.pages.repository import PageStore
from app.services.runtime.resources import Resources, open_resources
from app.services.scraping.run import Run
from app.services.scraping.storing import Storing
from app.settings import Settings
from simulators.openai.config import Config
from simulators.openai.server import OpenAISimulator
from simulators.serving import BackgroundServer

KEY = "sk-simulator-0123456789abcdef0123"
JSONLD = {
    "@context": "https://schema.org", "@type": "SingleFamilyResidence", "name": "12 Main St",
    "address": {"@type": "PostalAddress", "streetAddress": "12 Main St", "addressLocality": "Springfield",
                "addressRegion": "IL", "postalCode": "62701"},
    "numberOfBedrooms": 3, "offers": {"@type": "Offer", "price": 310000, "priceCurrency": "USD"},
}  # fmt: skip
LISTING = f"""<html lang="en"><head><title>12 Main St, Springfield</title>
<script type="application/ld+json">{json.dumps(JSONLD)}</script></head><body>
<h1>12 Main St, Springfield, IL 62701</h1><p>$310,000</p><p>3 bedrooms</p>
<p>The kitchen looks out on a slate roof that was relaid with care.</p>
<p>Year built: 1987</p><p>Stories: 2</p><p>Heating: forced air</p>
<p>A quiet home with a garden, close to the park and the river.
The house was last painted in spring.</p></body></html>"""
SEARCH = """<html><head><title>24 homes for sale in Springfield</title></head><body><h1>24 homes for sale</h1>{}
<p>Page 1 of 9</p></body></html>""".format(
    "".join(f'<div class="card"><a href="/h/{n}">{n} Oak St</a> $1{n:02},000 3 beds</div>' for n in range(24))
)
BLOCK = """<html><head><title>Just a moment...</title></head><body><h1>Verify you are human</h1>
<p>Complete the CAPTCHA to continue.</p></body></html>"""
GONE = """<html><head><title>Not available</title></head><body><h1>This listing is no longer available</h1>
<p>It has been removed.</p></body></html>"""
ESSAY = "<html><head><title>On bread</title></head><body><p>{}</p></body></html>".format("Bread rises slowly. " * 40)


class Site:
    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, bytes]] = {
            "/house": (200, LISTING.encode()),
            "/same-house": (200, LISTING.replace("310,000", "305,000").replace("310000", "305000").encode()),
            "/search": (200, SEARCH.encode()),
            "/blocked": (200, BLOCK.encode()),
            "/gone": (200, GONE.encode()),
            "/essay": (200, ESSAY.encode()),
            "/empty": (200, b""),
        }
        self.asked: list[str] = []
        self.app = Starlette(routes=[Route("/{path:path}", self.serve)])

    async def serve(self, request: Request) -> Response:
        path = request.url.path
        if path != "/robots.txt":
            self.asked.append(path)
        status, body = self.pages.get(path, (404, b"<html><title>404</title></html>"))
        return HTMLResponse(body, status)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    with BackgroundServer(site.app) as server:
        yield server.address


@pytest.fixture
def simulator() -> Iterator[tuple[OpenAISimulator, str]]:
    fake = OpenAISimulator(Config.from_json({"keys": [{"key": KEY, "tpm": 2_000_000}]}))
    with BackgroundServer(fake.app, fake.stopping) as server:
        yield fake, f"{server.address}/v1"


def settings(tmp_path: Path, base_url: str | None = None, **more: Any) -> Settings:
    keys = {"openai_api_key": SecretStr(KEY), "openai_base_url": base_url} if base_url else {}
    return Settings.of(
        propintel_home=tmp_path / "home",
        fetch_allowed_private_networks="127.0.0.0/8",  # type: ignore[arg-type]  # as in the environment
        openai_max_wait_seconds=0,
        **keys,  # type: ignore[arg-type]
        **more,
    )


@pytest.fixture
def keyless(tmp_path: Path, url: str) -> Iterator[Resources]:
    with open_resources(settings(tmp_path)) as resources:
        yield resources


@pytest.fixture
def keyed(tmp_path: Path, url: str, simulator: tuple[OpenAISimulator, str]) -> Iterator[Resources]:
    with open_resources(settings(tmp_path, simulator[1])) as resources:
        yield resources


def enqueue(resources: Resources, target: str, *, refresh: bool = False) -> str:
    (job_id,) = resources.jobs.enqueue([target], refresh=refresh).new
    resources.jobs.claim(job_id, "test", 30)
    return job_id


def rows(resources: Resources, table: str) -> int:
    with sqlite3.connect(str(resources.database.url.database)) as raw:
        return int(raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 (names of our own)


def test_without_a_key_the_pages_values_are_stored_and_the_missing_fields_are_named(
    keyless: Resources, url: str
) -> None:
    outcome = keyless.scraper.scrape(f"{url}/house")
    assert {"ListPrice": 310000, "BedroomsTotal": 3, "City": "Springfield"}.items() <= outcome.record.items()
    assert set(outcome.evidence) == set(outcome.record)
    assert outcome.record["X_GoogleEarthUrl"].startswith("https://earth.google.com/web/search/")
    assert [source["url"] for source in outcome.sources] == [f"{url}/house"]
    assert "Roof" in outcome.wanted_model
    assert "OPENAI_API_KEYS" in (outcome.model_note or "")
    assert keyless.jobs.enqueue([f"{url}/house"]).new == [], "without a key, the page must count as fresh"
    shown = keyless.properties.get(outcome.property_id)
    assert shown["record"] == outcome.record
    assert shown["property"] == outcome.as_json()["property"] == outcome.property_id


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/search", SearchPageError),
        ("/blocked", PageBlockedError),
        ("/gone", PageGoneError),
        ("/essay", NoPropertyDataError),
        ("/empty", EmptyPageError),
        ("/missing", HttpStatusError),
    ],
)
def test_a_page_without_a_property_raises_an_error_with_its_url_and_stores_no_property(
    keyless: Resources, site: Site, url: str, path: str, error: type[Exception]
) -> None:
    job_id = enqueue(keyless, url + path)
    with pytest.raises(error, match=url + path):
        keyless.scraper.scrape(url + path, Run(Lease(job_id, "test")))
    assert rows(keyless, "properties") == rows(keyless, "observations") == 0
    with pytest.raises(error):
        keyless.scraper.scrape(url + path, Run(Lease(job_id, "test")))
    assert site.asked == [path, path], "a retry must fetch an unusable page again"


def test_a_private_address_is_refused_unless_allowed(tmp_path: Path, site: Site, url: str) -> None:
    closed = settings(tmp_path).replaced(fetch_allowed_private_networks=())
    with open_resources(closed) as resources, pytest.raises(BlockedAddressError):
        resources.scraper.scrape(f"{url}/house")
    assert site.asked == []


def test_the_model_fills_missing_fields_and_a_redelivered_job_fetches_and_pays_for_nothing(
    keyed: Resources, site: Site, simulator: tuple[OpenAISimulator, str], url: str
) -> None:
    job_id = enqueue(keyed, f"{url}/house", refresh=True)
    first = keyed.scraper.scrape(f"{url}/house", Run(Lease(job_id, "test")), refresh=True)
    assert first.model_note is None
    assert first.wanted_model == ()
    assert first.evidence["Roof"]["method"] == "llm"
    calls, counts = rows(keyed, "llm_cache"), [rows(keyed, table) for table in ("properties", "observations")]
    assert calls == 1
    with pytest.raises(LeaseLostError):
        keyed.scraper.scrape(f"{url}/house", Run(Lease(job_id, "test")), refresh=True)
    assert keyed.jobs.get(job_id).property_id == first.property_id
    assert rows(keyed, "llm_cache") == calls
    assert [rows(keyed, table) for table in ("properties", "observations")] == counts
    assert site.asked == ["/house"]
    assert keyed.manager.get_stats()["keys"].popitem()[1]["requests"] == 1


@pytest.mark.parametrize("answers", ["hallucination", "mismatch"])
def test_invented_values_are_not_stored_and_their_fields_are_reported(
    keyed: Resources, simulator: tuple[OpenAISimulator, str], url: str, answers: str
) -> None:
    simulator[0].gate.change_server({"answers": answers})
    outcome = keyed.scraper.scrape(f"{url}/house")
    assert outcome.model_note is not None
    assert "does not confirm the model's values: " in outcome.model_note
    assert "Roof" in outcome.model_note
    assert outcome.wanted_model == ()
    assert not [name for name, proof in outcome.evidence.items() if proof["method"] == "llm"]


def test_fields_that_a_failing_model_left_missing_are_requested_by_the_next_job(
    keyed: Resources, site: Site, simulator: tuple[OpenAISimulator, str], url: str
) -> None:
    """The page can be enqueued again without `--refresh` until no field is missing."""
    simulator[0].gate.change_key({"key": KEY, "behavior": "flaky", "failure_rate": 1.0}, time.monotonic())
    job_id = enqueue(keyed, f"{url}/house")
    first = keyed.scraper.scrape(f"{url}/house", Run(Lease(job_id, "test"), is_last=True, is_due=True))
    assert "Roof" in first.wanted_model
    simulator[0].gate.change_key({"key": KEY, "behavior": "ok"}, time.monotonic())
    job_id = enqueue(keyed, f"{url}/house")
    second = keyed.scraper.scrape(f"{url}/house", Run(Lease(job_id, "test")))
    assert second.property_id == first.property_id
    assert second.evidence["Roof"]["method"] == "llm"
    assert keyed.jobs.enqueue([f"{url}/house"]).new == []
    assert keyed.scraper.scrape(f"{url}/house").page_from is PageFrom.STORED
    assert site.asked == ["/house"], "the stored page was fetched again"


class ReleaseAtFirstWait(logging.Handler):
    def __init__(self, holder: sqlite3.Connection) -> None:
        super().__init__()
        self._holder = holder
        self.waits = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.waits += 1
        if self._holder.in_transaction:
            self._holder.execute("ROLLBACK")


@pytest.mark.parametrize("step", ["page", "answer", "record"])
def test_paid_work_is_kept_while_the_database_is_locked(
    step: str, keyed: Resources, site: Site, simulator: tuple[OpenAISimulator, str], url: str
) -> None:
    """Another connection locks the database when a page, an answer, or a record is to be stored."""
    keyed.database.close()
    keyed.database._busy_timeout_seconds = 0.1
    target = f"{url}/house"
    job_id = enqueue(keyed, target)
    holder = sqlite3.connect(str(keyed.database.url.database), isolation_level=None, check_same_thread=False)
    hold_before = {"page": (PageStore, "save_page"), "answer": (AnswerStore, "save_model_answer"),
                   "record": (Storing, "page")}[step]  # fmt: skip
    release = ReleaseAtFirstWait(holder)
    retry_log = logging.getLogger("app.services.runtime.retry")
    retry_log.addHandler(release)
    with pytest.MonkeyPatch.context() as patch:
        original = getattr(*hold_before)

        def held(*args: Any, **kwargs: Any) -> Any:
            if not release.waits and not holder.in_transaction:
                holder.execute("BEGIN IMMEDIATE")
            return original(*args, **kwargs)

        patch.setattr(*hold_before, held)
        outcome = keyed.scraper.scrape(target, Run(Lease(job_id, "test")))
    retry_log.removeHandler(release)
    holder.close()
    assert release.waits == 1
    assert outcome.record["ListPrice"] == 310000
    assert site.asked == ["/house"]
    assert simulator[0].gate.stats(0.0)["totals"]["requests"] == 1
    assert rows(keyed, "source_records") == 1
