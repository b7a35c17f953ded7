"""Compute the keys of a record's property: parcel number, address, coordinates with a house number, and URL.

`keys_of` returns the keys that a property is stored under, strongest first. Records that share a key probably describe
the same property. `blocks_of` returns blocking keys. Records usually share a blocking key even if a street has a typing
error. `matching.py` decides whether two records describe the same property.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from app.property.address import Address, compare, differ, normalize, with_street
from app.property.address.tables import unit_designators
from app.property.fields.table import AXES
from app.property.source_record import SourceRecord
from app.property.values.texts import plain_parcel

#: The version of the rules that normalize addresses and parcel numbers and build keys. Raise this number when a change
#: alters any key (a test enforces this). Stored properties must then be reindexed (`propintel db reindex`).
IDENTITY_VERSION = 4
#: A degree of latitude or longitude has this many map cells, each about 110 m high.
_CELL = 1000
#: Parcel numbers are unique only within a county.
PARCEL = "ParcelNumber"
_MAX_KEY_CHARS = 200
_END_CHARS = 2
#: `_BARE` matches a unit without a designator, such as `4B`. `_NAMED` matches designators such as `ste`, not `apt`.
_BARE = re.compile(r"[A-Za-z]?-?\d+-?[A-Za-z]?|[A-Za-z]")
_NAMED = "|".join(word for word, kind in unit_designators().items() if kind not in ("APT", "UNIT"))
_GERMAN_STREET = re.compile(r"(?<=\w)\s?stra(?:ss|ß)e\b|(?<=\w)str\b")


def keys_of(record: SourceRecord) -> tuple[str, ...]:
    """Return the keys of the record's property, strongest first; never empty."""
    values = record.values
    address = address_of(values)
    keys = [*_parcel_keys(values, address, record), *_address_keys(address)]
    cell = _cell(values)
    if cell and address.street_number and address.street_name:
        keys.append(_place_key(cell, address))
    return (*(_short(key) for key in keys), *url_keys(record))


def address_keys(address: Address) -> tuple[str, ...]:
    """Return an address's keys, or () unless it has a house number, a street, and a town or postal code."""
    return tuple(_short(key) for key in _address_keys(_spelled(replace(address, street=None))))


def url_keys(record: SourceRecord) -> tuple[str, ...]:
    """Return one key per URL of the record's page."""
    urls = dict.fromkeys((record.page_url or record.final_url, record.final_url, record.url))
    return tuple(_short(f"url:{url}") for url in urls)


def lookups_of(record: SourceRecord) -> tuple[str, ...]:
    """Return the keys under which the record's property may be stored: the record's keys, the address key without the
    state, and the keys of nearby map cells.
    """
    address, cell = address_of(record.values), _cell(record.values)
    keys = list(keys_of(record))
    if address.state and address.street_number and address.street_name and address.city:
        keys.append(_short(_city_key(address, "")))
    if cell and address.street_number and address.street_name:
        around = [(cell[0] + y, cell[1] + x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        keys.extend(_short(_place_key(near, address)) for near in around)
    order = ("parcel:", "addr:", "place:", "url:")
    return tuple(sorted(dict.fromkeys(keys), key=lambda key: order.index(key.partition(":")[0] + ":")))


def address_lookups(address: Address) -> tuple[str, ...]:
    """Return the keys to look up a property if only its address is known."""
    known = address_of(replace(address, street=None).as_values())
    keys = _address_keys(known)
    if known.state and known.street_number and known.street_name and known.city:
        keys.append(_city_key(known, ""))
    return tuple(_short(key) for key in keys)


def is_at(values: Mapping[str, Any], address: Address) -> bool:
    """Return whether a property that was found by an address key is at `address`.

    Towns with the same name may share a key, so the state or the ZIP code must match.
    """
    known, wanted = address_of(values), normalize(address)
    if compare(known, wanted) != "same":
        return False
    return known.state == wanted.state or (known.postal_code is not None and known.postal_code == wanted.postal_code)


def blocks_of(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a property's blocking keys.

    Some contain the house number, the town or ZIP code, and the first or last letters of the street's longest word.
    Others contain a map cell.
    """
    address, cell = address_of(values), _cell(values)
    found = list(_near_keys(address))
    if cell:
        found.append(_cell_key(cell))
        if not _is_addressed(address):
            found.append(f"bare:{_cell_key(cell)}")
    return tuple(_short(key) for key in found)


def block_lookups_of(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the blocking keys to search. If the property has an address, map cells are searched only for properties
    without an address.
    """
    address, cell = address_of(values), _cell(values)
    found = list(_near_keys(address))
    if cell:
        bare = "bare:" if _is_addressed(address) else ""
        found.extend(f"{bare}{_cell_key((cell[0] + y, cell[1] + x))}" for y in (-1, 0, 1) for x in (-1, 0, 1))
    return tuple(_short(key) for key in found)


def is_bare(records: Iterable[SourceRecord]) -> bool:
    """Return whether all records are of unknown kind and lack an address."""
    return all(record.is_stranger and not _is_addressed(address_of(record.values)) for record in records)


def _is_addressed(address: Address) -> bool:
    return bool(address.street_number and address.street_name)


def _cell_key(cell: tuple[int, int]) -> str:
    return f"cell:{cell[0]}/{cell[1]}"


def _near_keys(address: Address) -> Iterator[str]:
    """A typing error rarely changes both ends of a word."""
    if not (address.street_number and address.street_name):
        return
    word = max(address.street_name.split(), key=len)
    places = [f"postal/{address.postal_code}"] if address.postal_code else []
    places += [f"city/{address.city}"] if address.city else []
    for place in places:
        for end in (word[:_END_CHARS], f"-{word[-_END_CHARS:]}"):
            yield f"near:{address.street_number}|{end}|{place}"


def parcel_of(values: Mapping[str, Any]) -> str | None:
    """Return the parcel number normalized for comparison. Return None if the number is missing, too short, or all
    zeros.
    """
    number = _parcel(values)
    return number.lstrip("0") if number else None


def county_of(values: Mapping[str, Any]) -> str | None:
    """Return the county's name in a normalized spelling, without "county" or "parish"; None if unknown."""
    return re.sub(r"\W+|\b(?:county|parish)\b", "", str(values.get("CountyOrParish") or "").casefold()) or None


def point_of(values: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return latitude and longitude, or None if either is missing."""
    latitude, longitude = (values.get(axis) for axis in AXES)
    return None if latitude is None or longitude is None else (latitude, longitude)


def contradicts(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two records differ in the parcel number, unit, ZIP code, state, house number, or street."""
    a, b = address_of(one), address_of(other)
    parts = ("unit", "postal_code", "state", "street_number", "street_name")
    return differ(_parcel(one), _parcel(other)) or any(differ(getattr(a, part), getattr(b, part)) for part in parts)


def address_of(values: Mapping[str, Any]) -> Address:
    """Return the normalized address. Missing parts are taken from the text of the street line."""
    return _spelled(Address.of(values))


@lru_cache(maxsize=20_000)
def _spelled(stated: Address) -> Address:
    text, number, name, unit = stated.street, stated.street_number, stated.street_name, stated.unit
    written = with_street(Address(), text.partition(",")[0]) if text else Address()
    if not (number and name):
        number, name = written.street_number, written.street_name
    unit = unit or (with_street(Address(), text).unit if text else None) or written.unit
    if unit and text:
        unit = f"{_designator(unit, text)} {unit}".strip()
    return normalize(
        replace(
            stated,
            street=None,
            street_number=number,
            street_name=_GERMAN_STREET.sub("str", name.casefold()) if name else None,
            unit=unit,
        )
    )


def _designator(unit: str, text: str) -> str:
    """Return the designator of `unit` in the address text, such as `ste`. Return "" for an apartment or a unit without
    a designator.

    The designator matters because a building may have an `Apt 4`, a `Ste 4`, and a `Lot 4`.
    """
    if not _BARE.fullmatch(unit):
        return ""
    named = re.search(rf"(?<![\w'])(?:({_NAMED})\.?)\s*#?\s*{re.escape(unit)}(?![\w-])", text, re.IGNORECASE)
    return unit_designators()[named[1].upper()].casefold() if named else ""


def _parcel_keys(values: Mapping[str, Any], address: Address, record: SourceRecord) -> list[str]:
    number = _parcel(values)
    if number is None:
        return []
    county = county_of(values)
    scopes = [
        f"{address.state or ''}/{county}" if county else "",
        f"{address.state or ''}//{address.city}" if address.city else "",
        f"postal/{address.postal_code}" if address.postal_code else "",
    ]
    named = [scope for scope in scopes if scope]
    return [f"parcel:{number}:{scope}" for scope in named or [f"site/{urlsplit(record.final_url).hostname}"]]


def plain_parcel_of(values: Mapping[str, Any]) -> str | None:
    """Return the letters and digits of the parcel number in upper case, or None if it is missing."""
    return plain_parcel(values.get(PARCEL))


def _parcel(values: Mapping[str, Any]) -> str | None:
    number = plain_parcel_of(values)
    return number if number is not None and len(number) >= 5 and re.search(r"[1-9]", number) else None


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
    point = point_of(values)
    return point and (round(point[0] * _CELL), round(point[1] * _CELL))


def _short(key: str) -> str:
    if len(key) <= _MAX_KEY_CHARS and key.isprintable():
        return key
    return f"{key.partition(':')[0]}:sha256/{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"
