"""In real workers, address jobs wait, are retried, and respect budgets like other jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.property.storage.jobs.models import Job as JobRow
from simulators.serving import BackgroundServer
from tests.plugins.simulator_fixtures import SimulatorHandle

pytestmark = pytest.mark.worker

TARGET = "12 FICTIONAL AVE, ANYTOWN, ST 00000"
ROWS = "<tr><th>Parcel Number</th><td>0012-0034</td></tr><tr><th>Property Address</th><td>12 Fictional Ave</td></tr>"


def office(title: str, more: str) -> str:
    table = f"<table>{ROWS}{more}</table>"
    return f"<html lang=en><head><title>{title}</title></head><body><h1>{title}</h1>{table}</body></html>"


@dataclass
class County:
    """The websites of two county offices. The first request for each path in `failing` is answered with 500."""

    pages: dict[str, str]
    failing: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    address: str = ""

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._serve)])

    async def _serve(self, request: Request) -> Response:
        path = request.url.path
        if path == "/robots.txt":
            return Response(status_code=404)
        self.asked[path] += 1
        if path in self.failing and self.asked[path] == 1:
            return HTMLResponse("<title>500</title>", 500)
        return HTMLResponse(self.pages[path]) if path in self.pages else HTMLResponse("<title>404</title>", 404)


@pytest.fixture
def county() -> Iterator[County]:
    pages = {
        "/record/00000": office("Property record", "<tr><th>Year Built</th><td>1987</td></tr>"),
        "/bill/00120034": office("Tax bill", "<tr><th>Assessed Value</th><td>$350,000</td></tr>"),
    }
    county = County(pages)
    with BackgroundServer(county.app) as server:
        county.address = server.address
        yield county


def sources(county: County) -> str:
    area = '[[area]]\nname = "Example"\nstate = "ST"\n'
    for name, kind, path in (
        ("Tax roll", "tax_roll", "/bill/{parcel_number:bare}"),
        ("Assessor", "assessor", "/record/{postal_code}"),
    ):
        area += f'[[area.source]]\nname = "{name}"\nkind = "{kind}"\nurl = "{county.address}{path}"\n'
    return area


def test_a_worker_retries_only_the_failed_source_of_an_address(
    make_fleet: Callable[..., Any], county: County, openai_simulator: Callable[..., SimulatorHandle]
) -> None:
    """The retry requests only the page that failed."""
    api = openai_simulator()
    county.failing = {"/bill/00120034"}
    fleet = make_fleet(OPENAI_API_KEY=api.keys[0], OPENAI_BASE_URL=api.base_url, FETCH_MIN_DELAY_SECONDS="0")
    (fleet.home / "sources.toml").write_text(sources(county))
    fleet.start_worker()
    (job,) = fleet.wait_for_state(fleet.send(TARGET), "done", "failed", seconds=60)
    assert (job.state, job.error, job.attempts) == ("done", None, 2)
    assert county.asked == {"/record/00000": 1, "/bill/00120034": 2}
    found = fleet.stores.properties.get(job.property_id)
    assert {"YearBuilt": 1987, "TaxAssessedValue": 350_000}.items() <= found["record"].items()
    assert {source["source_kind"] for source in found["sources"]} == {"assessor", "tax_roll"}
    assert api.stats()["totals"]["requests"] <= 1
    again = fleet.stores.jobs.enqueue(["12 Fictional Avenue, Anytown, ST 00000"])
    assert (again.new, again.duplicates) == ([], 1), "another spelling of the address was not recognized"


def test_the_last_attempt_of_a_job_ends_without_the_failing_source(
    make_fleet: Callable[..., Any], county: County
) -> None:
    """The fifth and last attempt stores the page that works instead of failing the job."""
    county.failing = {"/bill/00120034"}
    fleet = make_fleet(FETCH_MIN_DELAY_SECONDS="0")
    (fleet.home / "sources.toml").write_text(sources(county))
    (job_id,) = fleet.send(TARGET)
    with fleet.stores.database.writing() as connection:
        connection.execute(update(JobRow).where(JobRow.id == job_id).values(attempts=4))
    fleet.start_worker()
    (job,) = fleet.wait_for_state([job_id], "done", "failed", seconds=60)
    assert (job.state, job.attempts) == ("done", 5)
    assert fleet.stores.properties.get(job.property_id)["record"]["YearBuilt"] == 1987
    assert county.asked == {"/record/00000": 1, "/bill/00120034": 1}


def test_an_address_without_a_source_fails_and_names_the_sources_tried(
    make_fleet: Callable[..., Any], county: County
) -> None:
    county.pages.clear()
    fleet = make_fleet(FETCH_MIN_DELAY_SECONDS="0")
    (fleet.home / "sources.toml").write_text(sources(county))
    fleet.start_worker()
    (job,) = fleet.wait_for_state(fleet.send(TARGET), "done", "failed", seconds=60)
    assert (job.state, job.error["code"], job.attempts) == ("failed", "no_source", 1)
    assert "Assessor" in job.error["message"]
    assert "sources.toml" in job.error["message"]
