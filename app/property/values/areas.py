"""Parse and convert areas.

Areas in units without a RESO name, such as ares and tsubo, are returned in square meters.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from app.property.fields.languages import language
from app.property.fields.phrases import alternatives, by_key
from app.property.fields.table import UNIT_OF
from app.property.values.numbers import Number, find_numbers

SQUARE_FEET, SQUARE_METERS, ACRES, HECTARES = "Square Feet", "Square Meters", "Acres", "Hectares"
#: Square meters per RESO unit. A foot is exactly 0.3048 m (international foot), and an acre is 43,560 sq ft.
IN_SQUARE_METERS: dict[str, float] = {
    SQUARE_METERS: 1.0,
    SQUARE_FEET: 0.09290304,
    ACRES: 4046.8564224,
    HECTARES: 10000.0,
}
_UNITS = by_key("units", *IN_SQUARE_METERS)
#: Square meters per unit without a RESO name. A tsubo (or ping) is 400/121 m².
_OTHERS = {
    **{"Ares": 100.0, "Centiares": 1.0, "Tsubo": 400 / 121, "Square Yards": 0.83612736, "Dunams": 1000.0},
    **{"Stremmata": 1000.0, "Rai": 1600.0, "Gunthas": 101.17141056, "Marlas": 25.29285264, "Kanals": 505.8570528},
}
_LARGE = {HECTARES: IN_SQUARE_METERS[HECTARES], **_OTHERS}
_TO = re.compile(r"\s*(?:sq\.? ?ft\.?|sqft|m²)?\s*(?:-|–|—|to)\s*", re.I)
#: Maximum ratio of a range's end to its start. `5 - 1,200 sq ft` is not a range: 5 is an apartment number.
_WIDEST_RANGE = 10


@cache
def _behind(lang: str | None) -> tuple[tuple[re.Pattern[str], float], ...]:
    """Return a pattern, and the size in square meters, of each unit in `_LARGE`.

    `lang` is the first code of a language file, "" for a language without a file, or None for all languages.
    """
    here = {
        name: f"{alternatives('units', name, whole=False)}|{alternatives('units_here', name, lang, whole=False)}"
        for name in _LARGE
    }
    return tuple((re.compile(rf"\s?(?:{here[name]})", re.I), factor) for name, factor in _LARGE.items())


@dataclass(frozen=True, slots=True)
class Area:
    """`unit` is a RESO unit name, or None if the text names no unit."""

    value: float
    unit: str | None


def find_unit(text: str) -> str | None:
    """Return the RESO name of the first area unit in `text`, or None."""
    best: tuple[int, str] | None = None
    for name, pattern in _UNITS.items():
        match = pattern.search(text)
        if match and (best is None or match.start() < best[0]):
            best = (match.start(), name)
    return best[1] if best else None


def is_unit(text: str) -> bool:
    return any(pattern.fullmatch(text.strip(" .")) for pattern in _UNITS.values())


def parse_area(text: str, lang: str | None = None) -> Area | None:
    """Return the first number that is directly followed by a unit, or else the first number, or None.

    If the first number has no unit, it gets the first unit in `text`. Adjacent areas, such as `11 ares 42 ca`, are
    added up.
    """
    text = text[:300]
    numbers = [n for n in find_numbers(text, lang, multipliers=False) if n.value > 0]
    for i, number in enumerate(numbers):
        stop = numbers[i + 1].start if i + 1 < len(numbers) else len(text)
        tail = text[number.end : max(stop, number.end + 4)][:24]
        unit = find_unit(tail)
        if unit is None or unit == HECTARES:
            compound = _compound(text, numbers[i:], lang)
            if compound is not None:
                return compound
        if unit is not None:
            return Area(number.value, unit)
    if len(numbers) >= 1:
        return Area(numbers[0].value, find_unit(text))
    return None


def is_range(text: str, lang: str | None = None) -> bool:
    """Return whether `text` is a range such as `702 - 1,346 sq ft`."""
    found = find_numbers(text[:60], lang, multipliers=False)
    if len(found) != 2 or not 1 < found[1].value / max(found[0].value, 1e-9) <= _WIDEST_RANGE:
        return False
    return _TO.fullmatch(text[found[0].end : found[1].start]) is not None


def _compound(text: str, numbers: list[Number], lang: str | None) -> Area | None:
    total, end, others = 0.0, numbers[0].start, 0
    for number in numbers[:3]:
        if text[end : number.start].strip(" ,"):
            break
        measured = _factor(text, number.end, lang)
        if measured is None:
            break
        factor, end = measured
        others += factor != IN_SQUARE_METERS[HECTARES]
        total += number.value * factor
    return Area(round(total, 4), SQUARE_METERS) if others else None


def _factor(text: str, at: int, lang: str | None) -> tuple[float, int] | None:
    known = language(lang).get("codes", ("",))[0] if lang is not None else None
    found = ((pattern.match(text, at), factor) for pattern, factor in _behind(known))
    return next(((factor, match.end()) for match, factor in found if match), None)


def square_meters(values: Mapping[str, Any], field: str) -> float | None:
    """Return a record's area in square meters, or None if the area or its unit is missing."""
    area, unit = values.get(field), values.get(UNIT_OF[field])
    return area * IN_SQUARE_METERS[unit] if area is not None and unit in IN_SQUARE_METERS else None


def convert(value: float, unit: str, to: str) -> float:
    return value * IN_SQUARE_METERS[unit] / IN_SQUARE_METERS[to]


#: In these countries, an unlabeled area counts as the land's area if its number is at least `_LEAST_LAND`, in any unit.
_LAND_FIRST, _LEAST_LAND = frozenset({"AU", "NZ"}), 300
_ALONE = re.compile(r"[\d.,\s]+\w{1,3}²?")


def is_lone_land(text: str, lang: str | None, country: str | None) -> bool:
    """Return whether `text` is only an area that counts as the land's area in `country`."""
    area = parse_area(text, lang) if country in _LAND_FIRST and _ALONE.fullmatch(text.strip()) else None
    return area is not None and area.value >= _LEAST_LAND
