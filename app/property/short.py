"""A property in one line of a list: the fields that the field table gives a `short` heading, with their units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.property.fields.table import CURRENCY, FIELDS, UNIT_OF
from app.property.values.areas import ACRES, HECTARES, SQUARE_FEET, SQUARE_METERS

_UNITS = {SQUARE_FEET: "sq ft", SQUARE_METERS: "m²", ACRES: "acres", HECTARES: "ha"}
#: headings by field
HEADINGS: Mapping[str, str] = {name: spec.short for name, spec in FIELDS.items() if spec.short}


def in_short(name: str, record: Mapping[str, Any]) -> str:
    """What a list shows of the field: `2,340 sq ft`; empty where nothing is known."""
    instead = FIELDS[name].instead
    value = record.get(name) or record.get(instead or "")
    if value is None:
        return ""
    if FIELDS[name].kind == "money":
        return f"{value:,.10g} {record.get(CURRENCY, '')}".strip()
    if name in UNIT_OF:
        return f"{value:,.10g} {_UNITS.get(record.get(UNIT_OF[name], ''), '')}".strip()
    return str(value)
