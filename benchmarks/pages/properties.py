"""Store thousands of properties quickly: copies of the bundled pages with other addresses.

`PropertyStore.save` stores one page at a time and looks up its property. Here the property of each page is known, so
many rows are inserted together. Observations are not stored, because no web page shows them.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from app.property.merging import identity
from app.property.merging.merge import merge
from app.property.page import Page
from app.property.reading.pipeline import extract
from app.property.record import DERIVED_FIELDS, Evidence, evidence_json
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.properties.rebuild import conflicts_json, search_row
from app.property.storage.properties.tables import Property, PropertyKey, SourceRow
from app.property.storage.statements import chunks, new_id
from simulators.site.pages import bundled_pages

#: A property gets one or two of these bundled listings, and often the county's page.
_LISTINGS = ("cookie-wall", "oak-hollow-lane", "maple-ridge-broker", "maple-ridge-portal", "sold-bluebird")
_COUNTY = "county-parcel"
_STREETS = ("Alder Street", "Birchwood Avenue", "Clover Lane", "Dovecote Drive", "Evergreen Court", "Foxglove Road")
_TOWNS = (("Amberly", "OH"), ("Brindle Creek", "GA"), ("Cinderford", "CO"), ("Eastmere", "MN"), ("Fernwick", "TX"))
#: This search term matches one property in thirty.
SEARCH = "foxglove eastmere"
#: These fields are equal in all sources of a property.
_PLACE = ("UnparsedAddress", "StreetNumber", "StreetName", "City", "StateOrProvince", "PostalCode", "ParcelNumber")


def fill_properties(database: Database, count: int) -> list[str]:
    """Store `count` properties, and return their ids, the newest last."""
    pages, chance, now = templates(), random.Random(1), database.clock.now()
    made: list[str] = []
    for numbers in chunks(range(count), 500):
        rows: dict[str, list[dict[str, Any]]] = {"properties": [], "records": [], "keys": []}
        for number in numbers:
            at = now - timedelta(minutes=count - number)  # distinct times, because lists are ordered by time
            made.append(new_id())
            _add_rows(rows, made[-1], list(sources_of(pages, number, chance, at)), at)
        with database.writing() as connection:
            connection.execute(insert(Property), rows["properties"])
            connection.execute(insert(SourceRow), rows["records"])
            connection.execute(insert(PropertyKey), rows["keys"])
    return made


def templates() -> dict[str, SourceRecord]:
    return {slug: _read(slug) for slug in (*_LISTINGS, _COUNTY)}


def _read(slug: str) -> SourceRecord:
    page = bundled_pages()[slug]
    url, body = f"http://site.example{page.path}", page.body()
    media_type = page.content_type.partition(";")[0]
    found = extract(Page(url, url, media_type, body.decode(page.charset), body, datetime(2026, 3, 1, tzinfo=UTC)))
    values = {name: value for name, value in found.record.values.items() if name not in DERIVED_FIELDS}
    evidence = {name: found.record.evidence[name] for name in values}
    return SourceRecord(url, url, found.kind, found.page.sha256, found.page.fetched_at, values, evidence)


def sources_of(
    pages: dict[str, SourceRecord], number: int, chance: random.Random, at: datetime
) -> Iterator[SourceRecord]:
    """Yield one to three pages of an address, made from `pages`, with different prices."""
    listings = chance.sample(_LISTINGS, chance.choice((1, 1, 2)))
    for slug in [*listings, *([_COUNTY] if chance.random() < 0.6 else [])]:
        yield _moved(pages[slug], slug, number, chance.randrange(150, 900) * 1_000, at)


def _moved(template: SourceRecord, slug: str, number: int, price: int, at: datetime) -> SourceRecord:
    town, state = _TOWNS[number // len(_STREETS) % len(_TOWNS)]
    house, street = str(100 + number), _STREETS[number % len(_STREETS)]
    place = (f"{house} {street}", house, street, town, state, f"{40_000 + number % 900:05}", f"{number:08}-{house}")
    values = {**template.values, **dict(zip(_PLACE, place, strict=True))}
    if "ListPrice" in values:
        values["ListPrice"] = price
    values.pop("Latitude", None)
    values.pop("Longitude", None)
    url = f"http://{slug}.example/homes/{number}"
    some = next(iter(template.evidence.values()))
    evidence: dict[str, Evidence] = {}
    for name, value in values.items():
        proof = template.evidence.get(name, some)
        evidence[name] = proof.model_copy(update={"value": value, "source_url": url, "fetched_at": at})
    return replace(template, url=url, final_url=url, fetched_at=at, values=values, evidence=evidence)


def _add_rows(
    rows: dict[str, list[dict[str, Any]]], property_id: str, sources: Sequence[SourceRecord], at: datetime
) -> None:
    merged = merge(sources)
    rows["properties"].append(
        {
            "id": property_id,
            "record": merged.values,
            "evidence": evidence_json(merged.evidence),
            "conflicts": conflicts_json(merged),
            "created_at": at,
            "updated_at": at,
            **search_row(merged.values, (source.url for source in sources), len(merged.conflicts)),
        }
    )
    for source in sources:
        rows["records"].append(
            {
                "url": source.url,
                "final_url": source.final_url,
                "property_id": property_id,
                "kind": str(source.kind),
                "content_sha256": source.content_sha256,
                "fetched_at": source.fetched_at,
                "record": dict(source.values),
                "evidence": evidence_json(source.evidence),
                "wanted_model": [],
                "stored_at": at,
            }
        )
    keys = dict.fromkeys(key for source in sources for key in identity.keys_of(source))
    rows["keys"] += [{"key": key, "property_id": property_id} for key in keys]
