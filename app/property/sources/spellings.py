"""List the spellings that county records may use for a street's name. No I/O.

Addresses are normalized to one spelling, such as `31 SAINT CLAIR AVE`. Most counties write `31 ST CLAIR AVE`, but some
write the full word. A query that compares texts finds only one spelling, so both are queried.
"""

from collections.abc import Mapping
from dataclasses import replace

from app.property.address import streets
from app.property.address.words import plain

#: Short forms of the first word of a street's name (USPS Publication 28).
_SHORT: Mapping[str, str] = {"SAINT": "ST", "MOUNT": "MT", "FORT": "FT"}


def street_names(name: str | None) -> tuple[str | None, ...]:
    """Return the spellings of the street `name` (without number and unit), the most likely first. Most names have only
    one.
    """
    street = streets.read_name(plain(name or "").replace(",", "").split())
    first, _, rest = street.name.partition(" ")
    if not rest or first not in _SHORT:
        return (name,)
    return replace(street, name=f"{_SHORT[first]} {rest}").street_name, name
