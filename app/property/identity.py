"""Which property a record is of: by parcel number, address, coordinates with a house number, else its page's URL.

`keys_of` gives the keys under which a property is filed, strongest first; `contradicts` is the second look before two
are taken for one. Pure. Prefers two properties where one is right over one where two are: the latter mixes data.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.property.address import Address, normalise, with_street
from app.property.source_record import SourceRecord

#: cells of 0.001 degrees (about 110 m): the house number tells neighbours apart
_CELL = 1000
_MAX_KEY_CHARS = 200
_GERMAN_STREET = re.compile(r"(?<=\w)\s?stra(?:ss|ß)e\b|(?<=\w)str\b")


def keys_of(record: SourceRecord) -> tuple[str, ...]:
    """The keys to file the record's property under, strongest first; never empty."""
    values = record.values
    address = address_of(values)
    urls = dict.fromkeys((record.page_url or record.final_url, record.final_url, record.url))
    keys = [*_parcel_keys(values, address, record), *_address_keys(address)]
    cell = _cell(values)
    if cell and address.street_number and address.street_name:
        keys.append(_place_key(cell, address))
    return tuple(_short(key) for key in (*keys, *(f"url:{url}" for url in urls)))


def lookups_of(record: SourceRecord) -> tuple[str, ...]:
    """Where the record's property may be filed already: its own keys, and the cells around its coordinates."""
    address, cell = address_of(record.values), _cell(record.values)
    keys = list(keys_of(record))
    if address.state and address.street_number and address.street_name and address.city:
        keys.append(_short(_city_key(address, "")))
    if cell and address.street_number and address.street_name:
        around = [(cell[0] + y, cell[1] + x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        keys.extend(_short(_place_key(near, address)) for near in around)
    order = ("parcel:", "addr:", "place:", "url:")
    return tuple(sorted(dict.fromkeys(keys), key=lambda key: order.index(key.partition(":")[0] + ":")))


def contradicts(key: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True if two sets of values that share `key` are not of one property all the same."""
    a, b = address_of(one), address_of(other)
    if _differ(a.unit, b.unit):
        return True
    if key.startswith("parcel:"):
        return False
    if _differ(a.postal_code, b.postal_code) or _differ(a.state, b.state):
        return True
    if key.startswith("addr:"):
        return False
    if _differ(_parcel(one), _parcel(other)):
        return True
    return _differ(a.street_number, b.street_number) or _differ(a.street_name, b.street_name)


def address_of(values: Mapping[str, Any]) -> Address:
    """The address in one spelling: structured parts first, what they lack from the text."""
    text = str(values.get("UnparsedAddress") or "")
    written = with_street(Address(), text.partition(",")[0]) if text else Address()
    number, name = values.get("StreetNumber"), values.get("StreetName")
    if not (number and name):
        number, name = written.street_number, written.street_name
    unit = values.get("UnitNumber") or with_street(Address(), text).unit or written.unit
    return normalise(
        Address(
            street_number=number,
            street_name=_GERMAN_STREET.sub("str", name.casefold()) if name else None,
            unit=re.sub(r"^(?:unit|apt\.?|apartment|suite|ste\.?|flat|#)\s*#?\s*", "", unit, flags=re.I)
            if unit
            else None,
            city=values.get("City"),
            state=values.get("StateOrProvince"),
            postal_code=values.get("PostalCode"),
            country=values.get("Country"),
        )
    )


def _parcel_keys(values: Mapping[str, Any], address: Address, record: SourceRecord) -> list[str]:
    """A parcel number is unique within its county; where none is named, within the town or the site."""
    number = _parcel(values)
    if number is None:
        return []
    county = re.sub(r"\W+|\b(?:county|parish)\b", "", str(values.get("CountyOrParish") or "").casefold())
    scopes = [
        f"{address.state or ''}/{county}" if county else "",
        f"{address.state or ''}//{address.city}" if address.city else "",
        f"postal/{address.postal_code}" if address.postal_code else "",
    ]
    named = [scope for scope in scopes if scope]
    return [f"parcel:{number}:{scope}" for scope in named or [f"site/{urlsplit(record.final_url).hostname}"]]


def _parcel(values: Mapping[str, Any]) -> str | None:
    number = re.sub(r"[\W_]+", "", str(values.get("ParcelNumber") or "")).upper()
    return number if len(number) >= 5 and re.search(r"[1-9]", number) else None


def _address_keys(address: Address) -> list[str]:
    if not (address.street_number and address.street_name):
        return []
    keys = []
    if address.postal_code:
        keys.append(f"addr:{_house(address)}|postal/{address.postal_code}")
    if address.city:
        keys.append(_city_key(address, address.state or ""))
    return keys


def _city_key(address: Address, state: str) -> str:
    return f"addr:{_house(address)}|city/{address.city}/{state}"


def _place_key(cell: tuple[int, int], address: Address) -> str:
    return f"place:{cell[0]}/{cell[1]}|{_house(address)}"


def _house(address: Address) -> str:
    return f"{address.street_number}|{address.street_name}|{address.unit or ''}"


def _cell(values: Mapping[str, Any]) -> tuple[int, int] | None:
    latitude, longitude = values.get("Latitude"), values.get("Longitude")
    if latitude is None or longitude is None:
        return None
    return round(latitude * _CELL), round(longitude * _CELL)


def _short(key: str) -> str:
    if len(key) <= _MAX_KEY_CHARS and key.isprintable():
        return key
    return f"{key.partition(':')[0]}:sha256/{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other
