"""Compare two records, except their addresses, and score the evidence that they describe the same property.

Facts that neighbors often share (year, bedrooms) earn few points. Facts that two homes hardly ever share (a sale's date
and price, a position within 30 m) earn many.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.property.fields.table import FIELDS, UNIT_OF
from app.property.merging.identity import point_of
from app.property.merging.weights import topic_of
from app.property.values.areas import square_meters

Result = Literal["same", "close", "differs"]
Values = Mapping[str, Any]
_EARTH_RADIUS_M = 6_371_000.0
#: Maximum distances in meters: within one lot, within a geocoder's error, and between two positions of one home.
NEAR_M, AROUND_M, FAR_M = 30.0, 110.0, 250.0
_TOKEN_PRICE = 1000
#: Maps each compared field to the field with its date or year, or to None if its values are undated.
_WITH_POINTS = {name: spec.goes_with for name, spec in FIELDS.items() if spec.points}


@dataclass(frozen=True, slots=True)
class Compared:
    """Negative `points` indicate two different properties."""

    what: str
    one: Any
    other: Any
    result: Result
    points: float = 0.0


def compare_facts(one: Values, other: Values) -> tuple[Compared, ...]:
    """Compare the positions, and each field with points that both sets of values contain."""
    found = {"position": _position(one, other)}
    for name, lead in _WITH_POINTS.items():
        if lead not in found and (fact := _fact(name, one, other)):
            found[lead or name] = fact  # of several facts about the same date or year, only the first counts
    return tuple(fact for fact in found.values() if fact is not None)


def meters_apart(one: Values, other: Values) -> float | None:
    """Return the distance in meters, or None if coordinates are missing."""
    here, there = point_of(one), point_of(other)
    if here is None or there is None:
        return None
    north = math.radians(here[0] - there[0])
    east = math.radians(here[1] - there[1]) * math.cos(math.radians(here[0]))
    return math.hypot(north, east) * _EARTH_RADIUS_M


def _position(one: Values, other: Values) -> Compared | None:
    apart = meters_apart(one, other)
    if apart is None:
        return None
    points = 2.0 if apart <= NEAR_M else 0.5 if apart <= AROUND_M else 0.0 if apart <= FAR_M else -1.0
    result: Result = "same" if apart <= NEAR_M else "close" if apart <= FAR_M else "differs"
    return Compared("position", _point(one), _point(other), result, points)


def _point(values: Values) -> str:
    return ", ".join(str(degrees) for degrees in point_of(values) or ())


def _fact(name: str, one: Values, other: Values) -> Compared | None:
    same, differs, *tolerance = FIELDS[name].points
    a, b = (square_meters(v, name) if name in UNIT_OF else v.get(name) for v in (one, other))
    if a is None or b is None:
        return None
    shown: tuple[Any, Any] = (f"{a:.1f} m²", f"{b:.1f} m²") if name in UNIT_OF else (a, b)
    what, lead = name, FIELDS[name].goes_with
    if lead is not None and one.get(lead) != other.get(lead):
        return None  # the values may belong to different sales or years
    if lead is not None and FIELDS[lead].kind == "date":  # a dated price identifies a property unless it is nominal
        if lead not in one or min(a, b) <= _TOKEN_PRICE:
            return None
        what, shown = topic_of(name), (f"{one[lead]} {a}", f"{other[lead]} {b}")
    is_same = math.isclose(a, b, rel_tol=tolerance[0]) if tolerance else a == b
    return Compared(what, *shown, "same" if is_same else "differs", same if is_same else differs)


def total_points(facts: tuple[Compared, ...]) -> float:
    return math.fsum(fact.points for fact in facts)


def points_against(facts: tuple[Compared, ...]) -> float:
    """Return the sum of the negative points, as a positive number."""
    return -math.fsum(fact.points for fact in facts if fact.points < 0)
