"""Fill a fleet's database and visit its pages round by round, so that no visit benefits from the previous one."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from app.property.recipes.recipe import new_recipe
from app.property.storage.properties.recipes import StoredRecipes
from app.property.storage.watches.repository import Watches
from benchmarks.pages.browser import HttpClient, Visitor, chromium, sign_in
from benchmarks.pages.jobs import fill_jobs
from benchmarks.pages.keys import fill_keys
from benchmarks.pages.properties import SEARCH, fill_properties
from benchmarks.postgresql import PostgreSQL
from benchmarks.workers.fleet import Fleet, fleet
from benchmarks.workers.options import Options

JOBS, PROPERTIES, KEYS = 10_000, 5_000, 300
_WATCHES, _RECIPES = 500, 100
#: The page to compare with. It has the styles and scripts of every page, but no data.
PEER = "/sign-in"
_SECRET = "only-for-the-benchmark-0123456789abcdef"  # noqa: S105 (signs tokens for minutes)


@dataclass(frozen=True)
class Visited:
    """A page, with its `name` in the report. A live page reloads a part of itself every few seconds."""

    name: str
    path: str
    is_live: bool = False


def measure(options: Options, servers: Mapping[str, PostgreSQL | None]) -> Iterator[dict[str, Any]]:
    jobs, properties = options.scaled(JOBS, least=30), options.scaled(PROPERTIES, least=10)
    keys = options.scaled(KEYS, least=3)
    for database, server in servers.items():
        with fleet(server, model_seconds=0.0, keys=keys, JWT_SECRET=_SECRET, LOG_LEVEL="WARNING") as running:
            pages = _fill(running, jobs, properties)
            stored = {"jobs": sum(running.stores.jobs.counts().values()), "properties": properties, "keys": keys}
            address = running.start_web().address
            for page, row in _visit(running, address, pages, options.repeats).items():
                yield {"database": database, "page": page, **stored, **row}


def _fill(running: Fleet, jobs: int, properties: int) -> list[Visited]:
    fill_keys(running)
    database = running.stores.database
    brought = fill_properties(database, properties)
    batch, job = fill_jobs(database, jobs, brought)
    if not database.is_sqlite:  # autovacuum would analyze the tables within a minute
        with database.writing() as connection:
            connection.exec_driver_sql("ANALYZE")
    Watches(database).add(brought[-_WATCHES:])
    for number in range(_RECIPES):
        StoredRecipes(database).put(new_recipe(f"homes-{number}.example", frozenset({number, number + 1})))
    return [
        Visited("/", "/", is_live=True),
        Visited("/jobs", "/jobs", is_live=True),
        Visited("/jobs/{id}", f"/jobs/{job}"),
        Visited("/batches", "/batches", is_live=True),
        Visited("/batches/{id}", f"/batches/{batch}", is_live=True),
        Visited("/properties", "/properties"),
        Visited("/properties?q=", f"/properties?q={quote_plus(SEARCH)}"),
        Visited("/properties/{id}", f"/properties/{brought[-1]}"),
        Visited("/watches", "/watches", is_live=True),
        Visited("/recipes", "/recipes"),
        Visited("/keys", "/keys", is_live=True),
        Visited("/enqueue", "/enqueue"),
        Visited(PEER, PEER),
    ]


def _visit(running: Fleet, address: str, pages: list[Visited], repeats: int) -> dict[str, dict[str, Any]]:
    cookies = sign_in(address, running.settings)
    rows: dict[str, dict[str, Any]] = {
        page.name: {"cold_ms": [], "warm_ms": [], "server_ms": [], "refresh_ms": []} for page in pages
    }
    with chromium() as browser, closing(HttpClient(address, cookies)) as client:
        visitor = Visitor(browser, address, cookies)
        with visitor.profile() as kept:
            for page in pages:  # warms up the cache, the server, and the browser
                visitor.first_paint(kept, page.path)
            for _ in range(repeats):
                for page in pages:
                    with visitor.profile() as fresh:
                        rows[page.name]["cold_ms"].append(round(visitor.first_paint(fresh, page.path), 1))
                for page in pages:
                    rows[page.name]["warm_ms"].append(round(visitor.first_paint(kept, page.path), 1))
        for _ in range(max(3, repeats)):
            for page in pages:
                took, size = client.ask(page.path)
                rows[page.name]["server_ms"].append(round(took, 1))
                rows[page.name]["bytes"] = size
                if page.is_live:
                    rows[page.name]["refresh_ms"].append(round(client.ask(page.path, refresh=True)[0], 1))
    return rows
