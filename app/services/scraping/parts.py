"""What the scrape of a page and that of an address have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from app.clock import Clock
from app.property.sources.secrets import Veils, no_veil
from app.property.storage.database import Database
from app.property.storage.jobs.repository import FRESH_DAYS
from app.property.storage.pages.index import PageIndex
from app.property.storage.pages.repository import PageStore
from app.property.storage.privacy.names import PurgedNames
from app.property.storage.properties.repository import PropertyStore
from app.services.runtime.retry import patiently
from app.services.scraping.model_reading import ModelReader
from app.services.scraping.page_visits import PageSource, Visitors
from app.services.scraping.recipes import Recipes


@dataclass(frozen=True, slots=True)
class ScrapeParts:
    """The parts that every scrape needs. `fresh`: what is younger is not asked for again."""

    visitors: Visitors
    pages: PageStore
    index: PageIndex
    properties: PropertyStore
    reader: ModelReader
    recipes: Recipes
    clock: Clock
    fresh: timedelta

    def patiently[T](self, write: Callable[[], T]) -> T:
        """`write()`, tried again while the database is away (`runtime/retry.py`)."""
        return patiently(write, self.clock)


def scrape_parts(
    database: Database,
    fetcher: PageSource,
    reader: ModelReader,
    properties: PropertyStore,
    *,
    clock: Clock,
    fresh_days: float = FRESH_DAYS,
    veils: Veils = no_veil,
    recipes: Recipes | None = None,
) -> ScrapeParts:
    """The parts over `database`, whose pages come from `fetcher`; `veils` knows the secrets of their URLs.

    Without `recipes` every page is read by itself.
    """
    pages = PageStore(database)
    return ScrapeParts(
        visitors=Visitors(fetcher, pages, clock, PurgedNames(database), veils),
        pages=pages,
        index=PageIndex(database),
        properties=properties,
        reader=reader,
        recipes=recipes or Recipes(None, clock),
        clock=clock,
        fresh=timedelta(days=fresh_days),
    )
