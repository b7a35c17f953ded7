"""What two sets of values have in common beside their address, and what speaks against one property. Pure.

Points are for telling look-alikes apart: a fact that neighbours share (year, bedrooms) is worth little, one that hardly
any two homes share (a sale's date and price, a point within some steps) much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.property.agreement import square_meters

Result = Literal["same", "close", "differs"]
Values = Mapping[str, Any]
_EARTH_RADIUS_M = 6_371_000.0
#: within one lot; within a geocoder's error; further than any two pins of one home that somebody set with care
NEAR_M, AROUND_M, FAR_M = 30.0, 110.0, 250.0
_AREA, _LOT = 0.02, 0.03
_TOKEN_PRICE = 1000


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing that was compared: what both say, how that came out, and its points (negative: it speaks against)."""

    what: str
    one: Any
    other: Any
    result: Result
    points: float = 0.0


def compare_facts(one: Values, other: Values) -> tuple[Compared, ...]:
    """Everything that both know."""
    found = [_position(one, other), _area(one, other), _lot(one, other), _sale(one, other), _tax(one, other)]
    for name, same, differs in (
        *(("BedroomsTotal", 0.5, -0.5), ("BathroomsTotalInteger", 0.5, -0.5), ("YearBuilt", 0.5, -0.5)),
        *(("StoriesTotal", 0.0, -0.25), ("ListPrice", 1.0, -0.25)),
    ):
        if name in one and name in other:
            is_same = one[name] == other[name]
            result: Result = "same" if is_same else "differs"
            found.append(Compared(name, one[name], other[name], result, same if is_same else differs))
    return tuple(fact for fact in found if fact is not None)


def metres_apart(one: Values, other: Values) -> float | None:
    """Between the points that both name (equirectangular: right to a metre at these distances)."""
    if not all(name in values for name in ("Latitude", "Longitude") for values in (one, other)):
        return None
    north = math.radians(one["Latitude"] - other["Latitude"])
    east = math.radians(one["Longitude"] - other["Longitude"]) * math.cos(math.radians(one["Latitude"]))
    return math.hypot(north, east) * _EARTH_RADIUS_M


def _position(one: Values, other: Values) -> Compared | None:
    apart = metres_apart(one, other)
    if apart is None:
        return None
    points = 2.0 if apart <= NEAR_M else 0.5 if apart <= AROUND_M else 0.0 if apart <= FAR_M else -1.0
    result: Result = "same" if apart <= NEAR_M else "close" if apart <= FAR_M else "differs"
    return Compared("position", _point(one), _point(other), result, points)


def _point(values: Values) -> str:
    return f"{values['Latitude']}, {values['Longitude']}"


def _area(one: Values, other: Values) -> Compared | None:
    return _measured("LivingArea", one, other, (_AREA, 1.0, -1.0))


def _lot(one: Values, other: Values) -> Compared | None:
    return _measured("LotSizeArea", one, other, (_LOT, 1.0, -0.5))


def _measured(name: str, one: Values, other: Values, worth: tuple[float, float, float]) -> Compared | None:
    """`worth`: the relative tolerance, the points if both are the same, the points if not."""
    a, b = square_meters(one, name), square_meters(other, name)
    if a is None or b is None:
        return None
    tolerance, same, differs = worth
    is_same = math.isclose(a, b, rel_tol=tolerance)
    points = same if is_same else differs
    return Compared(name, f"{a:.1f} m²", f"{b:.1f} m²", "same" if is_same else "differs", points)


def _sale(one: Values, other: Values) -> Compared | None:
    """A sale is one property's: its date and a price that is no token."""
    if not all(values.get("CloseDate") and values.get("ClosePrice", 0) > _TOKEN_PRICE for values in (one, other)):
        return None
    if one["CloseDate"] != other["CloseDate"]:
        return None  # each may know another one
    said = [f"{values['CloseDate']} {values['ClosePrice']}" for values in (one, other)]
    is_same = one["ClosePrice"] == other["ClosePrice"]
    return Compared("sale", said[0], said[1], "same" if is_same else "differs", 2.0 if is_same else -0.5)


def _tax(one: Values, other: Values) -> Compared | None:
    for name in ("TaxAssessedValue", "X_MarketValue"):
        if name in one and name in other and one.get("TaxYear") == other.get("TaxYear"):
            is_same = one[name] == other[name]
            return Compared(name, one[name], other[name], "same" if is_same else "differs", 1.5 if is_same else -0.5)
    return None


def support(facts: tuple[Compared, ...]) -> float:
    """Points for and against, together."""
    return math.fsum(fact.points for fact in facts)


def against(facts: tuple[Compared, ...]) -> float:
    """Points against alone, as a positive number."""
    return -math.fsum(fact.points for fact in facts if fact.points < 0)
