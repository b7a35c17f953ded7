"""Counts in the short hand of a country as values of their fields: layouts, storeys, bathrooms told in two lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from app.property.reading.base import Reading
from app.property.reading.document import Locale
from app.property.reading.value_texts import Value, text_of
from app.property.values import numbers
from app.property.values.areas import parse_area
from app.property.values.layouts import parse_layout, total_floors


def _layout(reading: Reading, locale: Locale) -> Iterator[Value]:
    found = parse_layout(text_of(reading.raw), locale.lang)
    if found is not None:
        yield "RoomsTotal", None if found.rooms is None else numbers.tidy(found.rooms), None
        yield "BedroomsTotal", found.bedrooms, None
        yield "BathroomsTotalInteger", found.bathrooms, None


def _stories(reading: Reading, _locale: Locale) -> Iterator[Value]:
    total = total_floors(text_of(reading.raw))
    if total is not None and 1 <= total <= 200:
        yield "StoriesTotal", total, None


def _floor(reading: Reading, locale: Locale) -> Iterator[Value]:
    """The storeys of the building beside the flat's (`4 of 8`), but in the US; a lone number is the flat's."""
    if locale.country == "US":
        return  # where a flat lies in its tower; a house has `Stories` of its own
    total = total_floors(text_of(reading.raw), alone=False)
    if total is not None and 1 <= total <= 200:
        yield "StoriesTotal", total, None


def _rooms_and_baths(reading: Reading, _locale: Locale) -> Iterator[Value]:
    """`3/2`, `방 3개 / 욕실 2개`: rooms, then bathrooms."""
    found = re.findall(r"\d{1,2}", text_of(reading.raw))
    if len(found) == 2:
        yield "RoomsTotal", int(found[0]), None
        yield "BathroomsTotalInteger", int(found[1]), None


def _second_area(reading: Reading, locale: Locale) -> Iterator[Value]:
    """`109.25㎡/84.98㎡`: the area with its share of the building, then the flat's own."""
    area = parse_area(text_of(reading.raw).partition("/")[2], locale.lang)
    if area is not None and area.unit is not None:
        yield "LivingArea", numbers.tidy(area.value), area.unit
        yield "LivingAreaUnits", area.unit, None


LAYOUTS: dict[str, Callable[[Reading, Locale], Iterator[Value]]] = {
    "_Layout": _layout,
    "_Typology": _layout,
    "_Stories": _stories,
    "_Floor": _floor,
    "_Structure": _floor,
    "_RoomsBaths": _rooms_and_baths,
    "_SecondArea": _second_area,
}
