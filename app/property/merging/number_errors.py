"""Detect moved decimal points and wrong units, and measure how unusual a number is.

The usual ranges in the field table are narrower than those in `reading/plausible.py`, because they are used only when
two sources disagree.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from app.property.fields.table import FIELDS, of_kind
from app.property.values.areas import ACRES, HECTARES, IN_SQUARE_METERS, SQUARE_FEET, square_meters

_MONEY, _AREAS = frozenset(of_kind("money")), frozenset(of_kind("area"))
_COUNTS = frozenset(name for name in of_kind("count") if FIELDS[name].usual)
_FEET, _ACRE, _HECTARE = IN_SQUARE_METERS[SQUARE_FEET], IN_SQUARE_METERS[ACRES], IN_SQUARE_METERS[HECTARES]
#: Maps descriptions of confused units of area to the factors between the units.
_UNITS = {
    "square feet and square meters": 1 / _FEET,
    "square feet and acres": _ACRE / _FEET,
    "square meters and acres": _ACRE,
    "square meters and hectares": _HECTARE,
    "acres and hectares": _HECTARE / _ACRE,
}
_PERIODS = {"a month and a year": 12.0}
#: The usual ratios that involve each field: (numerator, denominator, lower limit, upper limit).
_BESIDE: Mapping[str, list[tuple[str, str, float, float]]] = {
    name: [
        (one, other, *usual)
        for one, spec in FIELDS.items()
        for other, usual in spec.beside.items()
        if name in (one, other)
    ]
    for name in FIELDS
}
_NEAR = math.log(1.02)
_MOST_DIGITS = 4


def number_error(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """Return the error, such as a moved decimal point, that may explain why two values differ, or None."""
    a, b = _number(name, one), _number(name, other)
    if a is None or b is None or a <= 0 or b <= 0:
        return None
    apart = abs(math.log(a / b))
    for digits in range(1, _MOST_DIGITS + 1):
        if name in _MONEY | _AREAS | _COUNTS and abs(apart - digits * math.log(10)) <= _NEAR:
            return f"a decimal point moved by {digits}"
    factors = _UNITS if name in _AREAS else _PERIODS if FIELDS[name].recurs else {}
    for words, factor in factors.items():
        if abs(apart - math.log(factor)) <= _NEAR:
            return f"{words} mixed up"
    return None


def _number(name: str, values: Mapping[str, Any]) -> float | None:
    if name in _AREAS:
        found = square_meters(values, name)
        return found if found is not None else values.get(name)
    return values.get(name) if FIELDS[name].type in ("integer", "number") else None


def anomalies(name: str, values: Mapping[str, Any], known: Mapping[str, Any], year: int) -> list[tuple[float, str]]:
    """Return what is unusual about the value of `name`, given the `known` values of the property.

    Each item has the distance from the usual range (1 means a factor of e) and a reason. `year` is the year in which
    the newest page was read.
    """
    value = _number(name, values)
    if value is None:
        return []
    return [
        (distance, words)
        for words, figure, low, high in _ratios(name, value, known, year)
        if (distance := _outside(figure, low, high)) > 0
    ]


def _outside(figure: float, low: float, high: float) -> float:
    if figure <= 0:
        return 3.0
    return max(0.0, math.log(low / figure), math.log(figure / high))


Ratio = tuple[str, float, float, float]


def _ratios(name: str, value: float, known: Mapping[str, Any], year: int) -> Iterator[Ratio]:
    """Yield each comparison with a usual range: its description, the number, the lower limit, and the upper limit."""
    spec = FIELDS[name]
    if spec.kind == "year":
        first, last = int((spec.usual or (0,))[0]), year + (spec.years_ahead or 0)
        if not first <= value <= last:
            yield f"{name} outside {first} to {last}", 0.0, 1.0, 1.0
    elif spec.usual is not None:
        yield name, value, *spec.usual
    for one, other, low, high in _BESIDE.get(name, ()):
        a, b = (value if field == name else _once(field, known) for field in (one, other))
        if a is not None and b and FIELDS[name].per not in known:
            yield f"{one} beside {other}", a / b, low, high


def _once(name: str, known: Mapping[str, Any]) -> float | None:
    """Return the number in the field `name`, or None for an amount that recurs, such as a rent."""
    return None if FIELDS[name].per in known else _number(name, known)
