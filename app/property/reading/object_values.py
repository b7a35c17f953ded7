"""Read one value of a JSON object: a plain value, a quantity with its unit, or a label/value pair."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from app.property.fields.table import UNIT_OF, of_kind
from app.property.reading import object_keys, pointers
from app.property.reading.base import Reading
from app.property.reading.terms import Meaning, meaning
from app.property.record import Method

#: Matches numbers such as `"279.000"`, in which the page's language decides whether the dot separates thousands.
_THOUSANDS = re.compile(r"^\d{1,3}\.\d{3}$")
_PLAIN_NUMBER = re.compile(r"^-?\d+\.\d+$|^[1-9]\d{0,11}$")
#: A value loses this much confidence per level of nesting below the second: it describes the property less directly.
_DECAY = 0.03


@dataclass(frozen=True, slots=True)
class Source:
    """The method and confidence of an object's values, and the language of the object's labels."""

    method: Method
    confidence: float
    lang: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """A position in JSON: its pointer, the words of the keys above it (nearest last), and its subject (`role`)."""

    pointer: str
    parents: tuple[str, ...] = ()
    role: str = "property"

    def below(self, key: str | int, words: str) -> Place:
        role = self.role
        if words and object_keys.OFFICE.search(words):
            role = "office"
        elif words and object_keys.AGENT.search(words) and role != "office":
            role = "agent"
        parents = (*self.parents, words) if words else self.parents
        return Place(pointers.below(self.pointer, key), parents, role)

    def at(self, key: str) -> Place:
        return replace(self, pointer=f"{self.pointer}/{key}")


def plain(found: Meaning, key: str, value: Any, node: dict[str, Any], at: tuple[Source, Place]) -> Reading:
    """Return the reading of a plain value under `key` of `node`. `at` is the value's source and place."""
    source, place = at
    shown = str(value)
    if (
        found.field in object_keys.NUMERIC
        and isinstance(value, str)
        and _PLAIN_NUMBER.match(value.strip())
        and not (found.field in _MONEY and _THOUSANDS.match(value.strip()))
    ):
        value = float(value)
    label, unit = key, ""
    if found.field in UNIT_OF:
        unit = _unit_named(node, key)
        label = f"{key} {unit_beside(node, key)}".strip()
    shown = f"{shown} {unit}".strip()
    confidence = (source.confidence - _DECAY * max(0, len(place.parents) - 2)) * found.trust
    return Reading(found.field, value, source.method, place.pointer, f'"{key}": {shown[:200]}', confidence, label)


def unit_beside(node: dict[str, Any], key: str = "") -> str:
    """Return the unit of the number under `key` in `node`, as text for `areas.find_unit`, or "" if there is none."""
    unit = _unit_named(node, key)
    return object_keys.UNIT_CODES.get(unit.strip().upper(), unit)


def _unit_named(node: dict[str, Any], key: str = "") -> str:
    names = (
        *object_keys.UNIT_KEYS,
        *(f"{key}{end}" for end in ("Units", "Unit", "_unit", "UnitsShort")),
        "lotAreaUnits" if key.startswith("lot") else "livingAreaUnits",
    )
    for name in names:
        unit = node.get(name)
        if isinstance(unit, str) and unit:
            return unit
    return ""


_MONEY = frozenset(of_kind("money"))
#: Fields for which a JSON list may give several values.
_LISTS = frozenset({*of_kind("features", "choice"), "_Coordinates"})


def quantity(found: Meaning, key: str, value: Any, source: Source, place: Place) -> Iterator[Reading]:
    """Read a field whose value is an object (`{"value": 131, "unitCode": "MTK"}`) or a list of plain values."""
    if isinstance(value, list):
        plain_ones = [v for v in value if isinstance(v, str | int | float) and not isinstance(v, bool)]
        if plain_ones and len(plain_ones) == len(value) and (len(value) == 1 or found.field in _LISTS):
            raw: Any = plain_ones if len(value) > 1 else plain_ones[0]
            quote = f'"{key}": {plain_ones}'[:200]
            yield Reading(found.field, raw, source.method, place.pointer, quote, source.confidence * found.trust, key)
        return
    if found.field not in object_keys.MEASURED:
        return
    for name in object_keys.AMOUNT_KEYS:
        amount = value.get(name)
        if isinstance(amount, str | int | float) and not isinstance(amount, bool) and amount != "":
            reading = plain(found, name, amount, value, (source, place.at(name)))
            quote = f'"{key}": {{"{name}": {amount} {_unit_named(value)}'.strip()
            yield replace(reading, label=f"{key} {unit_beside(value)}", quote=quote[:200])
            return


def pair_of(node: dict[str, Any]) -> tuple[str, Any, str] | None:
    """Return (label, value, value's key) of an object like `{"label": "Year built", "value": 1998}`, or None."""
    if len(node) > 14:
        return None
    for value_key in object_keys.VALUE_KEYS:
        value = node.get(value_key)
        if value is None:
            continue
        if isinstance(value, list) and value and all(isinstance(v, str | int | float) for v in value):
            pass
        elif not isinstance(value, str | int | float | bool) or value == "":
            continue
        for label_key in object_keys.LABEL_KEYS:
            label = node.get(label_key)
            if label_key != value_key and isinstance(label, str) and 0 < len(label) <= 60:
                return label, value, value_key
    return None


def pair(found: tuple[str, Any, str], node: dict[str, Any], source: Source, place: Place) -> Iterator[Reading]:
    """Read the label/value pair `found` in `node` if one of its labels or its type is known."""
    label, value, value_key = found
    if place.role != "property":
        return
    kind = node.get("type") or node.get("level")
    kind = kind if isinstance(kind, str) and kind != "state" else ""  # "state" may be a region or a condition
    part = meaning(kind, source.lang)
    if part is not None and part.field in object_keys.GEO:
        text = value if isinstance(value, str) else label
        confidence = source.confidence - 0.05
        yield Reading(part.field, text, source.method, place.pointer, f"{kind}: {text}", confidence)
        return
    labels = [label, *(node[k] for k in object_keys.LABEL_KEYS if isinstance(node.get(k), str) and k != value_key)]
    known = next(((t, m) for t in labels if t != "state" and (m := meaning(t, source.lang)) is not None), None)
    if known is None or known[1].field == "_Ignore":
        return
    single = value[0] if isinstance(value, list) and len(value) == 1 else value
    reading = plain(known[1], known[0], single, node, (source, place.at(value_key)))
    yield replace(reading, quote=f"{known[0]}: {single}"[:200])
