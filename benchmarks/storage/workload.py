"""The pages of fictional homes. The number of a home determines its pages."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from app.property.source_record import SourceRecord
from benchmarks.pages.properties import sources_of, templates

#: The number of the first home in the sample.
FIRST = 7_000_000
SAMPLE = 50
#: How much the number of a home, and its house number, grow from one copy of the sample to the next.
STRIDE = 200


def home_number(copy: int, place: int) -> int:
    return FIRST + STRIDE * copy + place


def readings(number: int, at: datetime, *, price: int | None = None) -> Iterator[SourceRecord]:
    """Yield the records of a home's one to three pages, read at `at`.

    If `price` is given, the listings state this price.
    """
    for record in sources_of(_templates(), number, random.Random(number % STRIDE), at):
        changed: dict[str, Any] = {} if price is None or "ListPrice" not in record.values else {"ListPrice": price}
        body = hashlib.sha256(f"{record.url} {at} {price}".encode()).hexdigest()
        proofs = {
            name: proof.model_copy(update={"content_sha256": body, "value": changed.get(name, proof.value)})
            for name, proof in record.evidence.items()
        }
        values = {**record.values, **changed}
        yield replace(record, values=values, evidence=proofs, content_sha256=body, page_url=record.url)


@cache
def _templates() -> dict[str, SourceRecord]:
    return templates()
