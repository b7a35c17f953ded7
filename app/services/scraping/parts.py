"""What the scrape of a page and that of an address have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from app.property.storage.database import Database
from app.property.storage.pages.index import PageIndex
from app.property.storage.pages.repository import PageStore
from app.property.storage.properties.repository import PropertyStore
from app.services.runtime.retry import patiently
from app.services.scraping.model_reading import ModelReader
from app.services.scraping.pages import Visitors
from app.services.scraping.recipes import Recipes
from app.services.scraping.run import Run
from app.services.scraping.storing import Storing


@dataclass(frozen=True, slots=True)
class ScrapeParts:
    """The parts that every scrape needs. `fresh`: what is younger is not asked for again."""

    database: Database
    visitors: Visitors
    pages: PageStore
    index: PageIndex
    properties: PropertyStore
    reader: ModelReader
    recipes: Recipes
    storing: Storing
    fresh: timedelta

    def patiently[T](self, write: Callable[[], T]) -> T:
        """`write()`, tried again while the database is away (`runtime/retry.py`)."""
        return patiently(write, self.database.clock)

    def end(self, run: Run) -> None:
        """Drop the pages that a job got and that their sites do not want kept."""
        job_id = run.job_id
        if job_id is not None:
            self.patiently(lambda: self.pages.drop_unkept(job_id))
