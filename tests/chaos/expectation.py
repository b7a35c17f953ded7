"""Compute the results that a run without faults would have, by scraping the same pages in this process."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from app.clock import SystemClock
from app.errors.pages import PageError
from app.keypool.keys import make_keys
from app.property.fetch.pace.rules import Visitor
from app.property.page import CacheValidators, Page
from app.services.openai_client_manager import OpenAIClientManager
from app.services.runtime.resources import build_scraper
from app.services.runtime.stores import open_stores
from app.settings import Settings
from simulators.openai.config import Config
from simulators.openai.server import OpenAISimulator
from simulators.serving import BackgroundServer
from simulators.site import homes

MODEL = "gpt-4.1-mini"
_KEY = "sk-simulator-expectation-0001"

#: A stored observation: page URL, field, and digest of the value.
Observation = tuple[str, str, str]
OBSERVATIONS = "SELECT source_url, field, value_sha256 FROM observations"


@dataclass(frozen=True)
class Expectation:
    """The results of a run without faults.

    `prompts` maps the SHA-256 of each prompt to the URL of the page that it is about. `refused` has the URLs of pages
    without a usable property, whose jobs fail even without faults.
    """

    observations: Counter[Observation]
    prompts: dict[str, str]
    refused: frozenset[str] = frozenset()


class _Pages:
    def revisit(self, url: str, known: Callable[[str], CacheValidators | None], visitor: Visitor | None = None) -> Page:
        return self.fetch(url, visitor)

    def fetch(self, url: str, visitor: Visitor | None = None) -> Page:
        text = homes.page(int(url.rpartition("/")[2]))
        return Page(url, url, "text/html", text, text.encode(), SystemClock().now())


def expect(urls: Iterable[str], folder: Path) -> Expectation:
    """Scrape each URL once without faults, into a database in `folder`, and return the results."""
    simulator = OpenAISimulator(Config.from_json([{"key": _KEY, "rpm": 1e6, "tpm": 1e9}]))
    file = folder / "expectation.sqlite3"
    settings = Settings.of(
        database_url=f"sqlite:///{file}", propintel_home=folder, openai_model=MODEL, recipe_use="off"
    )
    prompts: dict[str, str] = {}
    refused: set[str] = set()
    with BackgroundServer(simulator.app, simulator.stopping) as server, open_stores(settings, SystemClock()) as stores:
        manager = OpenAIClientManager(make_keys([_KEY]), base_url=f"{server.address}/v1")
        scraper = build_scraper(stores, manager, _Pages())
        for url in urls:
            try:
                scraper.scrape(url)
            except PageError:
                refused.add(url)
            prompts |= dict.fromkeys(set(simulator.paid) - set(prompts), url)
    with closing(sqlite3.connect(file)) as connection:
        found = Counter(connection.execute(OBSERVATIONS).fetchall())
    return Expectation(found, prompts, frozenset(refused))
