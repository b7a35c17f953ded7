"""The columns of tables (CSV, Parquet) and the properties of GeoJSON features: what there is, and in which order.

Programs rely on both. A new column goes to the end (`appended` in the field table). None is ever moved, renamed or
taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.property.doubt import UNSURE_BELOW
from app.property.record import FIELDS


def _place(name: str) -> int:
    """A field's place among those that came later."""
    return FIELDS[name].appended or 0


#: every column in its place
COLUMNS: tuple[str, ...] = (
    "property",
    *(name for name, spec in FIELDS.items() if spec.appended is None),
    *("sources", "created_at", "updated_at", "replaces", "conflicts", "low_confidence"),
    *sorted((name for name, spec in FIELDS.items() if spec.appended is not None), key=_place),
)


def about(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that are no field of the record, from a property in the shape of `PropertyStore.get`.

    `sources` are URLs; `replaces` ids of properties that turned out to be this one; `conflicts` fields that sources
    disagree on; `low_confidence` those whose value is less sure than 0.9.
    """
    return {
        "property": shown["property"],
        "sources": [source["url"] for source in shown["sources"]],
        "created_at": shown["created_at"],
        "updated_at": shown["updated_at"],
        "replaces": shown["replaces"],
        "conflicts": [conflict["field"] for conflict in shown["conflicts"]],
        "low_confidence": [name for name, proof in shown["evidence"].items() if proof["confidence"] < UNSURE_BELOW],
    }
