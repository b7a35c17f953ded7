"""Bathrooms that a page tells apart as full, three-quarter and half."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.property.reading.base import Reading

KINDS = ("BathroomsFull", "_ThreeQuarterBaths", "BathroomsHalf")


def together(found: Mapping[str, Reading]) -> Reading | None:
    """All bathrooms of `found` (readings by field); None where the page does not tell three-quarter baths."""
    counts = [str(found[name].raw).strip() if name in found else "0" for name in KINDS]
    if "_ThreeQuarterBaths" not in found or "BathroomsFull" not in found or not all(c.isdigit() for c in counts):
        return None
    quote = "; ".join(f"{found[name].label.rstrip(':')}: {found[name].raw}" for name in KINDS if name in found)
    return replace(found["BathroomsFull"], field="BathroomsTotalInteger", raw=str(sum(map(int, counts))), quote=quote)
