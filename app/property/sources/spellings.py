"""List the spellings that county records may use for a street's name. No I/O.

Addresses are normalized to one spelling, such as `31 SAINT CLAIR AVE`. Most counties write `31 ST CLAIR AVE`, but some
write the full word. A query that compares texts finds only one spelling, so both are queried.
"""

from collections.abc import Mapping
from dataclasses import replace

from app.property.address import Address, streets
from app.property.address.words import plain

#: Short forms of the first word of a street's name (USPS Publication 28).
_SHORT: Mapping[str, str] = {"SAINT": "ST", "MOUNT": "MT", "FORT": "FT"}


def values_of(address: Address, county: str, parcel_number: str | None = None) -> list[dict[str, str]]:
    """For each spelling of the street, most likely first, return the values of a template's placeholders."""
    names = street_names(address.street_name) if address.country in (None, "US") else (address.street_name,)
    known = {
        "street_number": address.street_number,
        "unit": address.unit,
        "city": address.city,
        "state": address.state,
        "postal_code": address.postal_code,
        "county": county,
        "parcel_number": parcel_number,
    }
    lines = (" ".join(filter(None, (address.street_number, name))) or address.street for name in names)
    ways = ({**known, "street_name": name, "street_line": line} for name, line in zip(names, lines, strict=True))
    return [{name: value for name, value in way.items() if value} for way in ways]


def street_names(name: str | None) -> tuple[str | None, ...]:
    """Return the spellings of the street `name` (without number and unit), the most likely first. Most names have only
    one.
    """
    street = streets.read_name(plain(name or "").replace(",", "").split())
    first, _, rest = street.name.partition(" ")
    if not rest or first not in _SHORT:
        return (name,)
    return replace(street, name=f"{_SHORT[first]} {rest}").street_name, name
