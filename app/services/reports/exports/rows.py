"""The columns of CSV and Parquet tables, and the properties of GeoJSON features, in their order.

Other programs rely on them: a new column goes to the end (`appended` in the field table), and no column is ever moved,
renamed, or removed.
"""

from collections.abc import Mapping
from typing import Any

from app.property.merging.doubt import UNSURE_BELOW
from app.property.record import FIELDS

#: The names of all columns in their order.
COLUMNS: tuple[str, ...] = (
    "property",
    *(name for name, spec in FIELDS.items() if spec.appended is None),
    *("sources", "created_at", "updated_at", "replaces", "conflicts", "low_confidence"),
    *sorted(
        (name for name, spec in FIELDS.items() if spec.appended is not None), key=lambda it: FIELDS[it].appended or 0
    ),
)


def row_of(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return all columns of a property in the shape of `PropertyStore.get`; a field without a value is None.

    `sources` has URLs, and `replaces` has ids of merged properties. `conflicts` has the names of fields about which
    sources disagree, and `low_confidence` has the names of fields with a confidence below 0.9.
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
