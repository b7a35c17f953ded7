"""Yield pages of fictional properties with two sources and five or six observations each, some of which conflict."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from app.property.record import Evidence, Method, PageKind, SourceKind
from app.property.source_record import SourceRecord

#: The pages of this many properties are shuffled together.
WINDOW = 250
_STREETS = ("Maple", "Walnut", "Juniper", "Sycamore", "Hawthorn", "Magnolia", "Cypress", "Chestnut", "Laurel", "Willow")
_KINDS = ("St", "Ave", "Ln", "Dr", "Ct")
_HOUSES_A_STREET = 100
_T0 = datetime(2026, 6, 1, tzinfo=UTC)


def pages(count: int) -> Iterator[SourceRecord]:
    """Yield the pages of `count` properties.

    If counts are multiples of `WINDOW`, a larger count only adds pages at the end.
    """
    for start in range(0, count, WINDOW):
        found = [page for number in range(start, min(count, start + WINDOW)) for page in _of(number)]
        random.Random(start).shuffle(found)
        yield from found


def _of(number: int) -> Iterator[SourceRecord]:
    """Yield the pages of an assessor and a portal. For one property in ten, the two pages state different years."""
    house, street = number % _HOUSES_A_STREET, number // _HOUSES_A_STREET
    name, kind = _STREETS[street % len(_STREETS)], _KINDS[street // len(_STREETS) % len(_KINDS)]
    code = f"{10_000 + street // (len(_STREETS) * len(_KINDS)):05d}"
    year = 1950 + number % 70
    line = f"{house * 2 + 100} {name} {kind}"
    yield _page(f"https://assessor.example/{number}", SourceKind.ASSESSOR, _T0,
                {"UnparsedAddress": line, "PostalCode": code, "YearBuilt": year})  # fmt: skip
    stated = {"UnparsedAddress": f"{line}, {code}".replace(" St,", " Street,"), "PostalCode": code}
    if number % 10 == 0:
        stated = {"UnparsedAddress": line, "PostalCode": code, "YearBuilt": year + 3}
    yield _page(f"https://portal.example/{number}", SourceKind.PORTAL, _T0 + timedelta(hours=1), stated)


def _page(url: str, kind: SourceKind, at: datetime, values: dict[str, Any]) -> SourceRecord:
    body = url.rjust(64, "0")[-64:]
    evidence = {
        name: Evidence(
            value=value, raw=str(value), method=Method.LABEL, locator=f"/html/body/main/dl/dd[{n}]",
            quote=f"{name}: {value}", source_url=url, fetched_at=at, content_sha256=body, confidence=0.9,
        )
        for n, (name, value) in enumerate(values.items())
    }  # fmt: skip
    return SourceRecord(url, url, PageKind.RECORD, body, at, values, evidence, page_url=url, source_kind=kind)
