"""How books of counties spell a street that has two spellings. Pure.

A target has one spelling, `31 SAINT CLAIR AVE`, which is its key and stays what it is. Most registers, and the labels
of the Postal Service, have `31 ST CLAIR AVE`; some have the word in full. A query that compares text finds one only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.property.address import streets
from app.property.address.words import plain

#: first words of a name that Publication 28 knows in two spellings, as a target has them
_SHORT: Mapping[str, str] = {"SAINT": "ST", "MOUNT": "MT", "FORT": "FT"}


def street_names(name: str | None) -> tuple[str | None, ...]:
    """The spellings under which to ask for the street `name` (without number and unit), the likeliest first.

    One for nearly every street: `ST CLAIR AVE`, `SAINT CLAIR AVE` for that one, and `FORT ST` is a street called Fort.
    """
    street = streets.read_name(plain(name or "").replace(",", "").split())
    first, _, rest = street.name.partition(" ")
    if not rest or first not in _SHORT:
        return (name,)
    return replace(street, name=f"{_SHORT[first]} {rest}").street_name, name
