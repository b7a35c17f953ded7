"""Open the database and its stores for processes that do not scrape.

`resources.py` is separate, so that these processes load neither the extractors nor the OpenAI client.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from sqlalchemy import select

from app.clock import Clock
from app.errors import ConfigurationError
from app.property.merging.change_confirmation import PublishingRules
from app.property.merging.changes import PUBLISHED_FIELDS, checked_fields
from app.property.storage.database import Database, database_url, names_key
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.repository import JobStore
from app.property.storage.properties.repository import PropertyStore
from app.redis.fleet_clock import make_clock
from app.services.keys.store import can_ask_model
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Stores:
    settings: Settings
    database: Database
    jobs: JobStore
    batches: BatchStore
    properties: PropertyStore
    _closing: ExitStack = field(repr=False)

    def ping(self) -> None:
        with self.database.reading() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        """Close everything that was opened. Safe to call again."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_stores(settings: Settings, clock: Clock | None = None) -> Stores:
    """Open the database and its stores. `clock` defaults to the fleet's clock. Raises errors of `app.errors`."""
    with ExitStack() as opening:
        database = Database(database_url(settings), clock or make_clock(settings), names_key=names_key(settings))
        opening.callback(database.close)
        database.open()
        can_ask = partial(can_ask_model, settings)
        jobs = JobStore(database, fresh_days=settings.jobs.property_fresh_days, can_ask=can_ask)
        batches, properties = BatchStore(database), PropertyStore(database, publishing_rules(settings))
        return Stores(settings, database, jobs, batches, properties, opening.pop_all())


def publishing_rules(settings: Settings) -> PublishingRules:
    """Return the configured rules for publishing changes. Raises `ConfigurationError` for an unknown field."""
    names = [part.strip() for part in settings.changes.fields.split(",") if part.strip()]
    try:
        fields = checked_fields(names) if names else PUBLISHED_FIELDS
    except ValueError as exc:
        raise ConfigurationError("CHANGES_FIELDS", str(exc), "Use names of docs/changes.md, comma-separated") from None
    return PublishingRules(fields, settings.changes.confirming_looks)
