"""List the spellings that a street's name may have in county records. No I/O.

Addresses are normalized to one spelling, such as `31 SAINT CLAIR AVE`. Most county records have `31 ST CLAIR AVE`, but
some have the full word. A query that compares texts finds only one of these spellings, so both must be queried.
"""

from collections.abc import Mapping
from dataclasses import replace

from app.property.address import streets
from app.property.address.words import plain

#: Maps the first word of a normalized street name to its short form (USPS Publication 28).
_SHORT: Mapping[str, str] = {"SAINT": "ST", "MOUNT": "MT", "FORT": "FT"}


def street_names(name: str | None) -> tuple[str | None, ...]:
    """Return the spellings to query for the street `name` (without number and unit), the most likely first.

    Most names have only one spelling. `SAINT CLAIR AVE` is also spelled `ST CLAIR AVE`. `FORT ST` has no other
    spelling, because the street itself is called Fort.
    """
    street = streets.read_name(plain(name or "").replace(",", "").split())
    first, _, rest = street.name.partition(" ")
    if not rest or first not in _SHORT:
        return (name,)
    return replace(street, name=f"{_SHORT[first]} {rest}").street_name, name
