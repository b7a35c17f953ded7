"""Where each source sees the property, as a small drawing around the chosen place: no map, so no traffic to anybody.

Distances are on a plane that touches the chosen place, which is right to some metres in ten kilometres.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: metres of one degree of latitude: a sphere of 6,371,008.8 m (mean radius, IUGG)
_METERS_A_DEGREE = 6_371_008.8 * math.pi / 180
SIZE = 240
_MARGIN = 28
#: a drawing shows at least so many metres around the place
_LEAST_METERS = 25.0
_POINTS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True, slots=True)
class Seen:
    """A source's coordinates, in degrees (WGS 84); `number` names the source."""

    number: int
    latitude: float
    longitude: float
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Pin:
    """A source in SVG units, with how far from the chosen place it is, in metres, and where (`NE`)."""

    seen: Seen
    x: float
    y: float
    meters: float
    direction: str


@dataclass(frozen=True, slots=True)
class Locator:
    """North is up. `bar` is the length of the scale bar in SVG units, `bar_text` what that is."""

    pins: tuple[Pin, ...]
    bar: float
    bar_text: str
    size: int = SIZE


def locator(seen: Sequence[Seen]) -> Locator | None:
    """`seen` around the chosen one of them; None if none is chosen."""
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
    """`40 m`, `1.5 km`."""
    return (
        f"{meters:.0f} m"
        if meters < 1000
        else f"{meters / 1000:.3g} km"
        if meters < 1e6
        else f"{meters / 1000:,.0f} km"
    )


def _offset(middle: Seen, one: Seen) -> tuple[float, float]:
    """Metres to the east and to the north of `middle`; the shorter way around the Earth."""
    east = (one.longitude - middle.longitude + 180) % 360 - 180 if one.longitude != middle.longitude else 0.0
    return (
        east * _METERS_A_DEGREE * math.cos(math.radians(middle.latitude)),
        (one.latitude - middle.latitude) * _METERS_A_DEGREE,
    )


def _round(most: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... that is not above `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(part * power for part in (5, 2, 1) if part * power <= most)
