"""Compare a stored value with the true value, whatever its unit, spelling, or order. Imports no code under test."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from simulators.county.finding import spelled

Values = Mapping[str, Any]

_SQUARE_FEET = {"Square Feet": 1.0, "Acres": 43_560.0, "Square Meters": 10.763910, "Hectares": 107_639.1}
_UNIT_OF = {"LivingArea": "LivingAreaUnits", "LotSizeArea": "LotSizeUnits"}
#: The tolerated relative difference of two areas, because pages round: 10,000 square feet become 0.23 acres.
_AREA_TOLERANCE = 0.005
#: The tolerated difference of coordinates in degrees: about 100 m, as between a parcel's center and its front door.
_DEGREES = 0.001
#: Fields that are not compared: units, which are compared with their areas, and the listing's id, which differs from
#: page to page.
NOT_COMPARED = frozenset({"LivingAreaUnits", "LotSizeUnits", "ListingId"})


def agrees(name: str, truth: Values, stored: Values) -> bool:
    """Return whether `truth` and `stored` agree on the field `name`. Both must have a value for it."""
    rule = _RULES.get(name, _plainly)
    return rule(name, truth, stored)


def _area(name: str, truth: Values, stored: Values) -> bool:
    unit = _UNIT_OF[name]
    one, other = (values[name] * _SQUARE_FEET.get(values.get(unit, ""), math.nan) for values in (truth, stored))
    return bool(math.isclose(one, other, rel_tol=_AREA_TOLERANCE))


def _place(name: str, truth: Values, stored: Values) -> bool:
    return bool(abs(truth[name] - stored[name]) <= _DEGREES)


def _street(name: str, truth: Values, stored: Values) -> bool:
    return spelled(str(truth[name])) == spelled(str(stored[name]))


def _county(name: str, truth: Values, stored: Values) -> bool:
    one, other = (re.sub(r"\bcounty\b", "", str(values[name]).casefold()).strip() for values in (truth, stored))
    return one == other


def _gated(name: str, _: Values, stored: Values) -> bool:
    return re.search(r"\bgate", str(stored[name]), re.IGNORECASE) is not None


def _solar(name: str, _: Values, stored: Values) -> bool:
    return any("solar" in str(one).casefold() for one in stored[name])


def _plainly(name: str, truth: Values, stored: Values) -> bool:
    one, other = truth[name], stored[name]
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, abs_tol=0.005)
    return _text(one) == _text(other)


def _text(value: Any) -> str:
    joined = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return re.sub(r"[\W_]+", "", joined.casefold())


_RULES: Mapping[str, Callable[[str, Values, Values], bool]] = {
    "LivingArea": _area,
    "LotSizeArea": _area,
    "Latitude": _place,
    "Longitude": _place,
    "UnparsedAddress": _street,
    "StreetName": _street,
    "CountyOrParish": _county,
    "X_AccessNotes": _gated,
    "PowerProductionType": _solar,
}
