"""Pages of fictional homes, as workers save them, by the number of the home."""

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
#: The n-th copy of the sample adds n times this to the numbers of homes, including house numbers.
STRIDE = 200


def home_number(copy: int, place: int) -> int:
    """Return the number of the home at `place` in a copy of the sample."""
    return FIRST + STRIDE * copy + place


def readings(number: int, at: datetime, *, price: int | None = None) -> Iterator[SourceRecord]:
    """Yield the records of the one to three pages of a home, read at `at`. Listings state `price` if it is given."""
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
