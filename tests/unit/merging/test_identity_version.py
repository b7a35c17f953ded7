"""If the spelling of keys changes without a new identity version, stored properties are no longer found."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.property.merging.identity import IDENTITY_VERSION, block_lookups_of, blocks_of, keys_of, lookups_of
from app.property.record import PageKind
from app.property.source_record import SourceRecord

_ADDRESSES = Path(__file__).parents[1] / "address" / "us_addresses.txt"
#: A digest of the keys of the values below, by identity version. Once a version is on main, its digest never changes.
_DIGESTS = {
    1: "2ae9d74e8963f3f6fd503b0c6dc4435c38a2aa228cba0b66c7092defae770cee",
    2: "490f2848eec17529624abec4bd369cb09a4c65c395d3f8aca11ca855336991f5",
    3: "37e8730ce97f2df8c8d3ccdff9e8169f2bb7905f3798f85f4489a38c94837097",
    4: "550be42b356a95d21a42ec32f8268719827a7b9c7a7b3d57697f33972e9887b4",
}
_OTHERS: tuple[dict[str, Any], ...] = (
    {"ParcelNumber": "031-2234-00.12", "CountyOrParish": "Sangamon County", "StateOrProvince": "IL"},
    {"ParcelNumber": "031-2234-00.12", "City": "Springfield", "StateOrProvince": "IL", "PostalCode": "62701-1234"},
    {"ParcelNumber": "A 12345"},
    {"UnparsedAddress": "Hauptstr. 5, 10115 Berlin", "PostalCode": "10115", "City": "Berlin", "Country": "DE"},
    {"StreetNumber": "5", "StreetName": "Hauptstraße", "PostalCode": "10115", "Country": "DE"},
    {"StreetNumber": "12", "StreetName": "Main Street", "UnitNumber": "Ste 4", "City": "St. Louis"},
    {"StreetNumber": "12", "StreetName": "Main St", "UnitNumber": "4", "UnparsedAddress": "12 Main St Lot 4"},
    {"Latitude": 39.80049, "Longitude": -89.64051},
    {"StreetNumber": "12", "StreetName": "Main Street", "Latitude": 39.80049, "Longitude": -89.64051},
)


def _values() -> list[dict[str, Any]]:
    lines = [line for line in _ADDRESSES.read_text("utf-8").splitlines() if not line.startswith("# ")]
    names = ("StreetNumber", "", "", "", "", "UnitNumber", "City", "StateOrProvince", "PostalCode")
    found = list(_OTHERS)
    for line in lines:
        written, *parts = (part.strip() for part in line.split("|"))
        given = {name: part for name, part in zip(names, parts, strict=True) if name and part}
        street = " ".join(part for part in parts[1:5] if part)
        found += [{"UnparsedAddress": written, **given}, {**given, "StreetName": street}]
    return found


def _digest() -> str:
    sha = hashlib.sha256()
    for values in _values():
        url = "https://a.example/1"
        record = SourceRecord(url, url, PageKind.LISTING, "0" * 64, datetime(2026, 1, 1, tzinfo=UTC), values, {})
        for keys in (keys_of(record), lookups_of(record), blocks_of(values), block_lookups_of(values)):
            sha.update("\n".join((*keys, "")).encode())
    return sha.hexdigest()


def test_a_new_spelling_of_keys_needs_a_new_version() -> None:
    advice = (
        "the spelling of keys or blocking keys changed: increment IDENTITY_VERSION and add the new digest, "
        "so that stored properties are reindexed"
    )
    assert _DIGESTS.get(IDENTITY_VERSION) == _digest(), advice
