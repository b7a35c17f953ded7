"""Compute a drawing of the positions that sources give for a property, around the chosen coordinates.

No map images are used. Distances are equirectangular approximations. Their error is below 1% at ten kilometers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Meters per degree of latitude, on a sphere with the Earth's mean radius of 6,371,008.8 m (IUGG).
_METERS_A_DEGREE = 6_371_008.8 * math.pi / 180
SIZE = 240
_MARGIN = 28
#: The drawing extends at least this far from the chosen coordinates.
_LEAST_METERS = 25.0
_POINTS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True, slots=True)
class Seen:
    """A source's coordinates in degrees (WGS 84), and its number on the page."""

    number: int
    latitude: float
    longitude: float
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Pin:
    """A source's place in the drawing. `meters` and `direction` (such as `NE`) are from the chosen coordinates."""

    seen: Seen
    x: float
    y: float
    meters: float
    direction: str


@dataclass(frozen=True, slots=True)
class Locator:
    """A drawing with north at the top. `bar` is the length of the scale bar in SVG units, and `bar_text` its label."""

    pins: tuple[Pin, ...]
    bar: float
    bar_text: str
    size: int = SIZE


def locator(seen: Sequence[Seen]) -> Locator | None:
    """Return a drawing of `seen` around the chosen coordinates, or None if no coordinates are chosen."""
    middle = next((one for one in seen if one.is_chosen), None)
    if middle is None:
        return None
    offsets = [_offset(middle, one) for one in seen]
    reach = max(_LEAST_METERS, *(max(abs(east), abs(north)) for east, north in offsets))
    scale = (SIZE / 2 - _MARGIN) / reach
    pins = tuple(
        Pin(
            one,
            round(SIZE / 2 + scale * east, 1),
            round(SIZE / 2 - scale * north, 1),
            math.hypot(east, north),
            _POINTS[round(math.degrees(math.atan2(east, north)) / 45) % 8] if (east, north) != (0, 0) else "",
        )
        for one, (east, north) in zip(seen, offsets, strict=True)
    )
    meters = _round(reach / 2)
    return Locator(pins, round(scale * meters, 1), distance(meters))


def distance(meters: float) -> str:
    """Return a distance as `40 m` or `1.5 km`."""
    if meters < 1000:
        return f"{meters:.0f} m"
    return f"{meters / 1000:.3g} km" if meters < 1e6 else f"{meters / 1000:,.0f} km"


def _offset(middle: Seen, one: Seen) -> tuple[float, float]:
    """Return how many meters `one` is east and north of `middle`, even across the 180th meridian."""
    east = (one.longitude - middle.longitude + 180) % 360 - 180 if one.longitude != middle.longitude else 0.0
    return (
        east * _METERS_A_DEGREE * math.cos(math.radians(middle.latitude)),
        (one.latitude - middle.latitude) * _METERS_A_DEGREE,
    )


def _round(most: float) -> float:
    power = 10.0 ** math.floor(math.log10(most))
    return next(part * power for part in (5, 2, 1) if part * power <= most)
