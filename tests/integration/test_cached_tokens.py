"""Cached prompt tokens lower the cost in all reports. The pool and the database are real."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.repository import JobStore
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.keys.view import KeyView
from app.services.reports.key_report.pool_monitor import PoolMonitor
from app.services.reports.metrics.instruments import SPECS
from app.services.reports.metrics.samples import pool_samples
from app.services.runtime.resources import Resources, open_resources
from app.services.scraping.run import Run
from app.settings import Settings
from simulators.serving import BackgroundServer
from tests.plugins.simulator_fixtures import KEYS, SimulatorHandle

MODEL = "gpt-4.1-mini"
#: The model's prices in dollars per million input, cached input, and output tokens (OpenAI, 2026-11).
FULL, CACHED, MADE = 0.40, 0.10, 1.60
#: Prose about many of the requested fields, which only a model can read.
TOPICS = (
    *("roof", "heating", "cooling", "flooring", "fireplace", "appliances", "basement", "garage", "pool", "sewer"),
    *("water source", "association fee", "zoning", "view", "exterior walls", "foundation", "property tax"),
)
SENTENCES = "".join(
    f"<p>Professionally refurbished architectural craftsmanship distinguishes the {topic} throughout the {room},"
    " complemented by comprehensive maintenance documentation and extraordinarily sophisticated landscaping.</p>"
    for topic in TOPICS
    for room in ("neighborhood", "conservatory", "laundry compartment", "entertainment quarters")
)
HOUSE = f"""<html lang="en"><head><title>12 Main St, Springfield</title></head><body>
<h1>12 Main St, Springfield, IL 62701</h1><p>$310,000</p><p>3 bedrooms</p><p>Year built: 1987</p>{SENTENCES}
</body></html>"""


class ListingPage:
    """A listing page to which a test can append an HTML comment."""

    def __init__(self) -> None:
        self.remark = ""

    async def serve(self, request: Request) -> HTMLResponse:
        return HTMLResponse(HOUSE + self.remark)


@pytest.fixture
def listing_page() -> ListingPage:
    return ListingPage()


@pytest.fixture
def url(listing_page: ListingPage) -> Iterator[str]:
    with BackgroundServer(Starlette(routes=[Route("/listing_page", listing_page.serve)])) as server:
        yield f"{server.address}/listing_page"


@pytest.fixture
def simulator(openai_simulator: Callable[..., SimulatorHandle]) -> SimulatorHandle:
    return openai_simulator([{"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}])


@pytest.fixture
def there(tmp_path: Path, simulator: SimulatorHandle) -> Iterator[tuple[Settings, Resources]]:
    """Yield the settings and the resources to run jobs. The pool's counts are in a Valkey."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    settings = Settings.of(
        propintel_home=home,
        openai_api_keys=KEYS[0],
        openai_base_url=simulator.base_url,
        openai_model=MODEL,
        openai_max_wait_seconds=0,
        fetch_allowed_private_networks="127.0.0.0/8",
    )
    with EmbeddedValkey(home), open_resources(settings) as resources:
        yield settings, resources


def do(jobs: JobStore, resources: Resources, url: str) -> None:
    """Scrape this URL as a job, with a model call."""
    (job_id,) = jobs.enqueue([url], refresh=True).new
    jobs.claim(job_id, "test", 30)
    outcome = resources.scraper.scrape(url, Run(Lease(job_id, "test")), refresh=True)
    assert outcome.model_note is None or "No key" not in outcome.model_note


def shown(report: Any) -> dict[str, float]:
    """Return the pool's metrics by sample name, summed over keys and models."""
    found: dict[str, float] = {}
    for name, samples in pool_samples(1, report).items():
        for sample in SPECS[name].family(samples).samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def test_a_recently_sent_prompt_costs_less_in_all_reports(
    there: tuple[Settings, Resources], listing_page: ListingPage, url: str, simulator: SimulatorHandle
) -> None:
    """The page's bytes change but its text does not, so the model is asked again with a mostly cached prompt."""
    settings, resources = there
    monitor = PoolMonitor(settings, resources.manager, resources.database)
    monitor.look()  # the first look at a pool only sets the baseline
    do(resources.jobs, resources, url)
    assert resources.manager.get_stats()["spent_today"]["cached_tokens"] == 0
    listing_page.remark = "<!-- the same page -->"
    do(resources.jobs, resources, url)
    totals = simulator.stats()["totals"]
    assert totals["ok"] == 2
    cached = totals["cached_tokens"]
    assert cached >= 1024
    assert cached % 128 == 0

    figures = resources.manager.store.figures()
    (call,) = [one for one in figures.calls if one.model == MODEL]
    assert call.cached_tokens == cached < call.input_tokens
    usd = ((call.input_tokens - cached) * FULL + cached * CACHED + call.output_tokens * MADE) / 1e6
    assert call.microusd / 1e6 == pytest.approx(usd, abs=2e-6)

    stats = resources.manager.get_stats()
    assert stats["spent_today"]["cached_tokens"] == cached
    assert stats["spent_today"]["usd"] == pytest.approx(usd, abs=2e-6)
    monitor.look()
    ((_, uses),) = monitor.history.by_hour(datetime(2000, 1, 1, tzinfo=UTC))
    assert (uses.cached_tokens, uses.microusd) == (cached, call.microusd)
    with closing(KeyView(settings)) as keys:
        families = shown(keys.report())
        assert families["propintel_openai_cached_tokens_total"] == cached
        assert families["propintel_openai_cost_usd_total"] == pytest.approx(usd, abs=2e-6)
