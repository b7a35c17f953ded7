"""Scrape the county address by address with the real service, then read the stored properties."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select

from app.errors import PropertyIntelligenceError
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Property, SourceRow
from app.services.runtime.resources import open_resources
from app.settings import Settings
from simulators.county.homes import Home
from simulators.county.operator import KEYS, sources_toml
from simulators.county.serving import RunningCounty


@dataclass(frozen=True)
class Scraped:
    """The result for one address or URL. `property_id` is None after a failure, and `error` gives the reason.

    `questions` and `searches` count the model calls.
    """

    home: int
    property_id: str | None
    error: str
    seconds: float
    questions: int
    searches: int


@dataclass(frozen=True)
class Stored:
    """A stored property. `says` and `evidence` have the values of each page and their evidence, by URL."""

    shown: dict[str, Any]
    says: dict[str, dict[str, Any]] = field(default_factory=dict)
    evidence: dict[str, dict[str, Any]] = field(default_factory=dict)


def scrape_county(
    running: RunningCounty,
    homes: Sequence[Home],
    database_url: str | None,
    folder: Path,
    progress: Callable[[Scraped], None] = lambda _: None,
) -> tuple[list[Scraped], list[Stored]]:
    """Scrape every address of `homes`, then the URLs of the pages that list a home a second time.

    `database_url` names an empty database with the current schema; None means SQLite below `folder`.
    """
    settings = settings_for(running, database_url, folder)
    scraped = []
    with open_resources(settings) as resources:
        for home in homes:
            scraped.append(_scrape(running, resources.scraper.scrape, home.number, home.address))
            progress(scraped[-1])
        for home in homes:
            for page in running.county.pages[home.number]:
                if page.variant:
                    url = running.roots[page.site.key] + page.path
                    scraped.append(_scrape(running, resources.scraper.scrape, home.number, url))
                    progress(scraped[-1])
        stored = _stored(resources.database, resources.properties)
    return scraped, stored


def settings_for(running: RunningCounty, database_url: str | None, folder: Path) -> Settings:
    """Return settings that configure the county's sites as sources, and write `sources.toml` to `folder`."""
    (folder / "sources.toml").write_text(sources_toml(running.roots), encoding="utf-8")
    return Settings.of(
        propintel_home=folder,
        database_url=SecretStr(database_url) if database_url else None,
        openai_api_keys=SecretStr(",".join(KEYS)),
        openai_base_url=f"{running.openai_address}/v1",
        fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),),
        fetch_min_delay_seconds=0,
    )


def _scrape(running: RunningCounty, scrape: Callable[[str], Any], home: int, target: str) -> Scraped:
    paid, asked, began = sum(running.openai.paid.values()), len(running.openai.searches.asked), time.monotonic()
    property_id, error = None, ""
    try:
        property_id = scrape(target).property_id
    except PropertyIntelligenceError as exc:
        error = str(exc)
    searches = len(running.openai.searches.asked) - asked
    questions = sum(running.openai.paid.values()) - paid - searches
    return Scraped(home, property_id, error, time.monotonic() - began, questions, searches)


def _stored(database: Any, store: PropertyStore) -> list[Stored]:
    with database.reading() as connection:
        ids = connection.execute(select(Property.id).where(Property.merged_into.is_(None))).scalars().all()
        of_records = (SourceRow.property_id, SourceRow.url, SourceRow.record, SourceRow.evidence)
        rows = connection.execute(select(*of_records)).all()
    found = {one: Stored(store.get(one)) for one in ids}
    for row in rows:
        found[row.property_id].says[row.url] = row.record
        found[row.property_id].evidence[row.url] = row.evidence
    return list(found.values())
