"""Define the columns of CSV and Parquet tables. The properties of GeoJSON features have the same names.

Other programs rely on the columns, so never move, rename, or remove one. Add new columns at the end (`appended`).
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from app.errors.requests import InvalidColumnError
from app.property.address import Address
from app.property.fields.table import UNIT_OF
from app.property.merging.derived import MAP_LINK
from app.property.merging.doubt import UNSURE_BELOW
from app.property.presenting.brief import LINES
from app.property.record import FIELDS

COLUMNS: tuple[str, ...] = (
    "property",
    *(name for name, spec in FIELDS.items() if spec.appended is None),
    *("sources", "created_at", "updated_at", "replaces", "conflicts", "low_confidence"),
    *sorted(
        (name for name, spec in FIELDS.items() if spec.appended is not None), key=lambda it: FIELDS[it].appended or 0
    ),
)


def _contractor() -> Iterator[str]:
    """Yield the fields of the contractor's brief in its order, each with its unit, between the address and sources."""
    yield from ("property", ADDRESS)
    for part in (part for line in LINES for part in line.parts):
        yield part.field
        yield from [UNIT_OF[part.field]] if part.field in UNIT_OF else ()
    yield from (MAP_LINK, "sources", "updated_at", "conflicts", "low_confidence")


#: The address in one line. It is not among `COLUMNS`, which have its parts.
ADDRESS = "address"
#: Columns by the name of a preset.
PRESETS: Mapping[str, tuple[str, ...]] = {"contractor": tuple(_contractor())}


def read_columns(text: str) -> tuple[str, ...]:
    """Return the columns named in `text`: names separated by commas in any letter case, or the name of a preset.

    "" means all of `COLUMNS`. Raises `InvalidColumnError` for the first unknown name.
    """
    known = {name.lower(): (name,) for name in (*COLUMNS, ADDRESS)}
    known_or_preset = {**known, **PRESETS}
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name.lower() not in known_or_preset:
            near = dict.fromkeys([*get_close_matches(name.lower(), known_or_preset), *PRESETS])
            raise InvalidColumnError(name[:100], ", ".join(known.get(one, (one,))[0] for one in near))
    return tuple(dict.fromkeys(column for name in names for column in known_or_preset[name.lower()])) or COLUMNS


def row_of(shown: Mapping[str, Any], columns: Sequence[str] = COLUMNS) -> dict[str, Any]:
    """Return the value of each of `columns`, or None, for a property in the shape of `PropertyStore.get`.

    `conflicts` lists the fields about which sources disagree, and `low_confidence` lists the fields with a confidence
    below 0.9.
    """
    values = {
        **shown["record"],
        "property": shown["property"],
        ADDRESS: Address.of(shown["record"]).line or None,
        "sources": [source["url"] for source in shown["sources"]],
        "created_at": shown["created_at"],
        "updated_at": shown["updated_at"],
        "replaces": shown["replaces"],
        "conflicts": [conflict["field"] for conflict in shown["conflicts"]],
        "low_confidence": [name for name, proof in shown["evidence"].items() if proof["confidence"] < UNSURE_BELOW],
    }
    return {name: values.get(name) for name in columns}
