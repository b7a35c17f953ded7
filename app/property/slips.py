"""Moved decimal points and wrong units: which of two numbers is the slip, by what else is known of the property. Pure.

Ranges are those that nearly all homes lie in. They are narrower than those of `reading/plausible.py`, since here one of
two values is wrong for sure: the question is only which.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from app.property.agreement import square_meters
from app.property.fields.table import FIELDS, of_kind
from app.property.values.areas import ACRES, HECTARES, IN_SQUARE_METERS, SQUARE_FEET

#: fields in which a factor is a slip and no other fact
_MONEY, _AREAS = frozenset(of_kind("money")), frozenset(of_kind("area"))
_COUNTS = frozenset(name for name in of_kind("count") if FIELDS[name].usual)
_FEET, _ACRE, _HECTARE = IN_SQUARE_METERS[SQUARE_FEET], IN_SQUARE_METERS[ACRES], IN_SQUARE_METERS[HECTARES]
#: how many of the smaller unit are in the larger
_UNITS = {
    "square feet and square metres": 1 / _FEET,
    "square feet and acres": _ACRE / _FEET,
    "square metres and acres": _ACRE,
    "square metres and hectares": _HECTARE,
    "acres and hectares": _HECTARE / _ACRE,
}
_PERIODS = {"a month and a year": 12.0}
_NEAR = math.log(1.02)
_MOST_DIGITS = 4


def slip_between(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """What turns the one value into the other, in words: a decimal point that moved, a unit that was taken for another.

    None where their ratio says nothing.
    """
    a, b = _number(name, one), _number(name, other)
    if a is None or b is None or a <= 0 or b <= 0:
        return None
    apart = abs(math.log(a / b))
    for digits in range(1, _MOST_DIGITS + 1):
        if name in _MONEY | _AREAS | _COUNTS and abs(apart - digits * math.log(10)) <= _NEAR:
            return f"a decimal point moved by {digits}"
    factors = _UNITS if name in _AREAS else _PERIODS if name in ("AssociationFee", "TaxAnnualAmount") else {}
    for words, factor in factors.items():
        if abs(apart - math.log(factor)) <= _NEAR:
            return f"{words} mixed up"
    return None


def _number(name: str, values: Mapping[str, Any]) -> float | None:
    if name in _AREAS:
        found = square_meters(values, name)
        return found if found is not None else values.get(name)
    return values.get(name) if FIELDS[name].type in ("integer", "number") else None


def oddities(name: str, values: Mapping[str, Any], known: Mapping[str, Any], year: int) -> list[tuple[float, str]]:
    """What is odd about the value of `name` in `values` beside what else is `known` of the property.

    How far outside of what is usual (1: by a factor of e), and why. `year` is that of the property's newest page.
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


def _usual(name: str) -> tuple[float, float]:
    return FIELDS[name].usual or (0.0, math.inf)


def _ratios(name: str, value: float, known: Mapping[str, Any], year: int) -> Iterator[Ratio]:
    """(what is compared, the figure, the range that is usual)"""
    if name == "LivingArea":
        yield from _of_area(value, known)
    elif name == "LotSizeArea":
        yield from _of_lot(value, known)
    elif name in ("ListPrice", "OriginalListPrice", "ClosePrice", "X_EstimatedValueLow", "X_EstimatedValueHigh"):
        yield from _of_price(name, value, known)
    elif name in ("TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount"):
        yield from _of_tax(name, value, known)
    elif name == "AssociationFee":
        yield "fee", value, *_usual(name)
    elif FIELDS[name].kind == "year":
        first, last = int(_usual(name)[0]), year + (FIELDS[name].years_ahead or 0)
        if not first <= value <= last:
            yield f"{name} outside {first} to {last}", 0.0, 1.0, 1.0
    elif name in _COUNTS:
        yield from _of_count(name, value, known)


def _of_area(area: float, known: Mapping[str, Any]) -> Iterator[Ratio]:
    yield "m² of a home", area, *_usual("LivingArea")
    if area == 0:
        return
    if beds := known.get("BedroomsTotal"):
        yield "m² a bedroom", area / beds, 14.0, 130.0
    for name in ("ListPrice", "ClosePrice", "X_MarketValue", "X_EstimatedValueLow"):
        if (price := known.get(name)) and "X_PricePeriod" not in known:
            yield f"{name} a m²", price / area, 400.0, 16_000.0
    if lot := square_meters(known, "LotSizeArea"):
        yield "m² of lot a m² of home", lot / area, 0.5, 100.0


def _of_lot(lot: float, known: Mapping[str, Any]) -> Iterator[Ratio]:
    yield "m² of a lot", lot, *_usual("LotSizeArea")
    if area := square_meters(known, "LivingArea"):
        yield "m² of lot a m² of home", lot / area, 1.2, 60.0


def _of_price(name: str, price: float, known: Mapping[str, Any]) -> Iterator[Ratio]:
    if name == "ListPrice" and "X_PricePeriod" in known:
        return
    if area := square_meters(known, "LivingArea"):
        yield f"{name} a m²", price / area, 400.0, 16_000.0
    for other, low, high in (
        *(("X_MarketValue", 0.35, 3.5), ("TaxAssessedValue", 0.5, 12.0), ("ListPrice", 0.2, 2.5)),
        *(("ClosePrice", 0.3, 6.0), ("X_EstimatedValueLow", 0.4, 2.5), ("X_EstimatedValueHigh", 0.3, 1.8)),
    ):
        if other != name and (theirs := known.get(other)):
            yield f"{name} beside {other}", price / theirs, low, high


def _of_tax(name: str, value: float, known: Mapping[str, Any]) -> Iterator[Ratio]:
    beside = {
        "TaxAssessedValue": (("X_MarketValue", 0.08, 1.05), ("ListPrice", 0.05, 1.6), ("ClosePrice", 0.05, 3.0)),
        "X_MarketValue": (("TaxAssessedValue", 0.95, 12.0), ("ListPrice", 0.35, 2.0), ("ClosePrice", 0.4, 4.0)),
        "TaxAnnualAmount": (
            *(("TaxAssessedValue", 0.002, 0.12), ("X_MarketValue", 0.002, 0.035)),
            *(("ListPrice", 0.0015, 0.035), ("ClosePrice", 0.0015, 0.05)),
        ),
    }[name]
    for other, low, high in beside:
        if theirs := known.get(other):
            yield f"{name} beside {other}", value / theirs, low, high
    if name != "TaxAnnualAmount" and value and (tax := known.get("TaxAnnualAmount")):
        yield f"TaxAnnualAmount beside {name}", tax / value, 0.002, 0.12 if name == "TaxAssessedValue" else 0.035


def _of_count(name: str, value: float, known: Mapping[str, Any]) -> Iterator[Ratio]:
    yield name, value, *_usual(name)
    area = square_meters(known, "LivingArea")
    if name == "BedroomsTotal" and area and value:
        yield "m² a bedroom", area / value, 14.0, 130.0
