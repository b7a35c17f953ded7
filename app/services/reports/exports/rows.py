"""Define the columns of CSV and Parquet tables. The properties of GeoJSON features have the same names.

Other programs rely on the columns, so never move, rename, or remove one. Add new columns at the end (`appended`).
"""

from collections.abc import Mapping
from typing import Any

from app.property.merging.doubt import UNSURE_BELOW
from app.property.record import FIELDS

COLUMNS: tuple[str, ...] = (
    "property",
    *(name for name, spec in FIELDS.items() if spec.appended is None),
    *("sources", "created_at", "updated_at", "replaces", "conflicts", "low_confidence"),
    *sorted(
        (name for name, spec in FIELDS.items() if spec.appended is not None), key=lambda it: FIELDS[it].appended or 0
    ),
)


def row_of(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each column, or None, for a property in the shape of `PropertyStore.get`.

    `conflicts` lists the fields about which sources disagree, and `low_confidence` lists the fields with a confidence
    below 0.9.
    """
    values = {
        **shown["record"],
        "property": shown["property"],
        "sources": [source["url"] for source in shown["sources"]],
        "created_at": shown["created_at"],
        "updated_at": shown["updated_at"],
        "replaces": shown["replaces"],
        "conflicts": [conflict["field"] for conflict in shown["conflicts"]],
        "low_confidence": [name for name, proof in shown["evidence"].items() if proof["confidence"] < UNSURE_BELOW],
    }
    return {name: values.get(name) for name in COLUMNS}
