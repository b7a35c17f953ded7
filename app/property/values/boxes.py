"""Is a point in a country? By rough boxes: tells a wrong or swapped coordinate, draws no border."""

from __future__ import annotations

from app.property.fields.countries import COUNTRIES, Box


def boxes_of(country: str) -> tuple[Box, ...]:
    """The boxes of a country; none for one that is not known to us."""
    return COUNTRIES[country].boxes if country in COUNTRIES else ()


def in_country(latitude: float, longitude: float, country: str) -> bool:
    """False only where `country` is known to us and the point lies outside its boxes."""
    boxes = boxes_of(country)
    return not boxes or any(s <= latitude <= n and w <= longitude <= e for s, w, n, e in boxes)
