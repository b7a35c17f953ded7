"""Find alternative spellings of street names in county records. Pure.

A target has one spelling, `31 SAINT CLAIR AVE`, which is its key. Most registers and postal labels write `31 ST CLAIR
AVE`; some write the word in full. A query that compares text finds only one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.property.address import streets
from app.property.address.words import plain

#: First words of street names: the full form, which targets have, and the short form (Publication 28).
_SHORT: Mapping[str, str] = {"SAINT": "ST", "MOUNT": "MT", "FORT": "FT"}


def street_names(name: str | None) -> tuple[str | None, ...]:
    """Return the spellings to query for the street `name` (without number and unit), likeliest first.

    Nearly every street has one spelling. `SAINT CLAIR AVE` also has `ST CLAIR AVE`; `FORT ST` is a street called Fort.
    """
    street = streets.read_name(plain(name or "").replace(",", "").split())
    first, _, rest = street.name.partition(" ")
    if not rest or first not in _SHORT:
        return (name,)
    return replace(street, name=f"{_SHORT[first]} {rest}").street_name, name
