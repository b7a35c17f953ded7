"""A service with real parts that scrapes addresses from a county office, a portal, and an API simulator on loopback."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.services.runtime.resources import Resources, open_resources
from app.services.scraping.run import NO_JOB, Run
from app.settings import Settings
from simulators.serving import BackgroundServer
from tests.plugins.postgresql_server import POSTGRESQL
from tests.plugins.simulator_fixtures import SimulatorHandle

ADDRESS = "12 Fictional Ave, Anytown, ST 00000"
TARGET = "12 FICTIONAL AVE, ANYTOWN, ST 00000"
PARCEL = "0012-0034"


def table(title: str, **rows: Any) -> str:
    """Return a county office's page with a table of labels and values."""
    body = "".join(f"<tr><th>{label.replace('_', ' ')}</th><td>{value}</td></tr>" for label, value in rows.items())
    return f"""<!doctype html><html lang="en"><head><title>{title}</title></head><body><h1>{title}</h1>
    <table>{body}</table></body></html>"""


def assessor(address: str = ADDRESS, parcel: str = PARCEL, **more: Any) -> str:
    facts = {"Parcel_Number": parcel, "Property_Address": address, "Year_Built": 1987, "Bedrooms": 3, **more}
    return table("Property record", **facts)


def tax_roll(address: str = ADDRESS, parcel: str = PARCEL, value: str = "$350,000") -> str:
    facts = {"Parcel_Number": parcel, "Property_Location": address, "Tax_Year": 2025, "Assessed_Value": value}
    return table("Tax bill", **facts)


def listing(address: str = ADDRESS, *, prose: str = "", price: str = "$410,000", beds: int = 3) -> str:
    street, town, region = address.split(", ")
    data = {
        "@context": "https://schema.org", "@type": "SingleFamilyResidence", "name": street,
        "address": {"@type": "PostalAddress", "streetAddress": street, "addressLocality": town,
                    "addressRegion": region[:2], "postalCode": region[3:]},
        "numberOfBedrooms": beds,
    }  # fmt: skip
    return f"""<!doctype html><html lang="en"><head><title>{address}</title>
    <script type="application/ld+json">{json.dumps(data)}</script></head><body><h1>{address}</h1>
    <p>For sale: {price}</p><p>{beds} bedrooms</p><p>{prose}</p></body></html>"""


def results(*links: tuple[str, str]) -> str:
    rows = "".join(f'<tr><td><a href="{href}">{text}</a></td></tr>' for href, text in links)
    return f"<html><head><title>Search results</title></head><body><h1>Results</h1><table>{rows}</table></body></html>"


@dataclass
class Place:
    """A site on loopback that serves `pages` and counts requests by path."""

    pages: dict[str, tuple[int, str]] = field(default_factory=dict)
    robots: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    #: Functions to call during a request, by the request's path.
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._serve)])

    async def _serve(self, request: Request) -> Response:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if path == "/robots.txt":
            return Response(self.robots, 200, media_type="text/plain") if self.robots else Response("", 404)
        self.asked[path] += 1
        self.meanwhile.get(path, lambda: None)()
        status, body = self.pages.get(path, (404, "<title>404</title>"))
        headers = {"retry-after": "60"} if status == 503 else None
        if body[:1] in ("{", "["):
            return Response(body, status, headers, "application/json")
        return HTMLResponse(body, status, headers)


@dataclass
class World:
    """A county office, a portal, the API simulator, and a service configured for them."""

    county: Place
    portal: Place
    roots: dict[str, str]
    api: SimulatorHandle
    home: Path
    resources: Resources

    def sources(self, *templates: tuple[str, str, str], domains: tuple[str, ...] = (), enabled: bool = True) -> None:
        """Write `sources.toml` with these sources. In URLs, `<county>` and `<portal>` become the sites' addresses."""
        lines = []
        if templates:
            lines += ["[[area]]", 'name = "Example"', 'state = "ST"', 'postal_codes = ["000"]']
        for name, kind, url in templates:
            for site, root in self.roots.items():
                url = url.replace(f"<{site}>", root)  # noqa: PLW2901 (the same URL, spelled out)
            lines += ["[[area.source]]", f'name = "{name}"', f'kind = "{kind}"', f'url = "{url}"']
        listed = ", ".join(f'"{domain}"' for domain in domains)
        lines += ["[web_search]", f"enabled = {str(enabled).lower()}", f"allowed_domains = [{listed}]"]
        (self.home / "sources.toml").write_text("\n".join(lines))

    def scrape(self, target: str = ADDRESS, run: Run = NO_JOB, **options: Any) -> Any:
        return self.resources.scraper.scrape(target, run, **options)

    def job(self, target: str = ADDRESS, *, refresh: bool = False) -> str:
        (job_id,) = self.resources.jobs.enqueue([target], refresh=refresh).new
        self.resources.jobs.claim(job_id, "test", 30)
        return job_id

    def calls(self) -> int:
        return int(self.api.stats()["totals"]["requests"])

    def searched(self) -> int:
        return len(self.api.searches())


#: An entry of the API simulator's search table that matches searches for the address.
SEARCHED = {"match": "12 fictional ave anytown"}
BY_NUMBER = ("Tax roll", "tax_roll", "<county>/bill/{parcel_number:bare}")
BY_ADDRESS = ("Assessor", "assessor", "<county>/find?street={street_line:slug}&zip={postal_code}")
FOUND, BILL = "/find?street=12-fictional-ave&zip=00000", "/bill/00120034"


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the settings of the default SQLite database, or those of a new PostgreSQL database."""
    if request.param == "sqlite":
        return {}
    return {"database_url": SecretStr(request.getfixturevalue("postgresql").new_database())}


@pytest.fixture
def world(
    tmp_path: Path, openai_simulator: Callable[..., SimulatorHandle], database_settings: dict[str, Any]
) -> Iterator[World]:
    county, portal, api = Place(), Place(), openai_simulator()
    home = tmp_path / "home"
    home.mkdir()
    settings = Settings.of(
        propintel_home=home,
        fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),),
        openai_api_key=SecretStr(api.keys[0]),
        openai_base_url=api.base_url,
        openai_max_wait_seconds=0,
        privacy_key=SecretStr("k" * 32),
        **database_settings,
    )
    with (
        BackgroundServer(county.app) as one,
        BackgroundServer(portal.app, host="127.0.0.2") as two,
        open_resources(settings) as resources,
    ):
        # the sites have different IP addresses, because the service compares sources by host
        roots = {"county": one.address, "portal": two.address}
        yield World(county, portal, roots, api, home, resources)


def outcomes(outcome: Any) -> dict[str, str]:
    return {tried["source"]: tried["outcome"] for tried in outcome.tried}
