"""Areas: value and unit out of one text, RESO unit names, and conversion.

Factors: 1 ft = 0.3048 m exactly (international foot), 1 acre = 43,560 sq ft.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.property.normalise.numbers import find_numbers

SQUARE_FEET, SQUARE_METERS, ACRES, HECTARES = "Square Feet", "Square Meters", "Acres", "Hectares"
#: square metres in one of each unit
IN_SQUARE_METERS: dict[str, float] = {
    SQUARE_METERS: 1.0,
    SQUARE_FEET: 0.09290304,
    ACRES: 4046.8564224,
    HECTARES: 10000.0,
}
_UNITS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        SQUARE_FEET,
        re.compile(
            r"sq\.?\s?-?(?:ft|feet|foot)\b|sqft|square[ -]?f(?:ee|oo)t|ft²|ft2\b|ft\^2|\bsf\b|\bsft\b|sq ft", re.I
        ),
    ),
    (
        SQUARE_METERS,
        re.compile(
            r"m²|\bm2\b|\dm2\b|m\^2|㎡|\bsq\.?\s?-?m(?:et(?:er|re)s?)?\b|\bsqm\b|square[ -]?met(?:er|re)s?|"
            r"\bkvm\b|\bqm\b|"
            r"quadratmeter|\bmkw\b|\bmq\b|\bmtk\b|\bm kw\b|m&sup2;|kvadratmeter|\bmètres? carrés?",
            re.I,
        ),
    ),
    (ACRES, re.compile(r"\bacres?\b|\bacreage\b|\bac\b\.?", re.I)),
    (HECTARES, re.compile(r"\bha\b|\bhectares?\b|\bhektar\b", re.I)),
)


@dataclass(frozen=True, slots=True)
class Area:
    """A value in `unit`, one of the four unit names, or None where the text names none."""

    value: float
    unit: str | None


def find_unit(text: str) -> str | None:
    """The unit that stands first in `text`."""
    best: tuple[int, str] | None = None
    for name, pattern in _UNITS:
        match = pattern.search(text)
        if match and (best is None or match.start() < best[0]):
            best = (match.start(), name)
    return best[1] if best else None


def parse_area(text: str, lang: str | None = None) -> Area | None:
    """The first area of `text`: a number with a unit right behind it, else a lone number without one."""
    text = text[:300]
    numbers = [n for n in find_numbers(text, lang, multipliers=False) if n.value > 0]
    for i, number in enumerate(numbers):
        stop = numbers[i + 1].start if i + 1 < len(numbers) else len(text)
        tail = text[number.end : max(stop, number.end + 4)][:24]
        unit = find_unit(tail)
        if unit is not None:
            return Area(number.value, unit)
    if len(numbers) >= 1:
        return Area(numbers[0].value, find_unit(text))
    return None


def convert(value: float, unit: str, to: str) -> float:
    """`value` in `unit` expressed in `to`; both are among the four unit names."""
    return value * IN_SQUARE_METERS[unit] / IN_SQUARE_METERS[to]
