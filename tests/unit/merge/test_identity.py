"""Which records are of one property, and which only look so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.property.identity import contradicts, keys_of, lookups_of
from app.property.merge import SourceRecord
from app.property.record import PageKind

MAIN = {
    "StreetNumber": "12",
    "StreetName": "Main Street",
    "City": "Springfield",
    "StateOrProvince": "IL",
    "PostalCode": "62701",
}
TAX = {"CountyOrParish": "Sangamon", "StateOrProvince": "IL"}


def record(values: dict[str, Any], site: str = "a") -> SourceRecord:
    url = f"https://{site}.example/1"
    return SourceRecord(url, url, PageKind.LISTING, "0" * 64, datetime(2026, 1, 1, tzinfo=UTC), values, {})


def are_one(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """As the store decides it: a shared key that the values do not contradict."""
    stored, looked_up = keys_of(record(one, "a")), lookups_of(record(other, "b"))
    return any(not contradicts(key, other, one) for key in looked_up if key in stored)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MAIN, {"UnparsedAddress": "12 MAIN ST", "City": "springfield", "StateOrProvince": "IL"}),
        (MAIN, {"UnparsedAddress": "12 Main Street, Springfield, IL 62701", "PostalCode": "62701-1234"}),
        (
            {**MAIN, "UnitNumber": "Apt 4"},
            {"UnparsedAddress": "12 Main St Unit 4", "City": "Springfield", "StateOrProvince": "IL"},
        ),
        (
            {"UnparsedAddress": "Hauptstr. 5", "PostalCode": "10115"},
            {"StreetNumber": "5", "StreetName": "Hauptstraße", "City": "Berlin", "PostalCode": "10115"},
        ),
        (
            {"ParcelNumber": "31-2234-0012", **TAX},
            {"ParcelNumber": "3122340012", **TAX, "CountyOrParish": "Sangamon County"},
        ),
        (
            {"StreetNumber": "12", "StreetName": "Main St", "Latitude": 39.80049, "Longitude": -89.64051},
            {"StreetNumber": "12", "StreetName": "Main Street", "Latitude": 39.80051, "Longitude": -89.64049},
        ),
    ],
    ids=[
        "spelling",
        "one line and ZIP+4",
        "unit in words",
        "German order",
        "parcel",
        "coordinates across a cell's edge",
    ],
)
def test_one_property_is_recognised(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert are_one(one, other)
    assert are_one(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MAIN, {**MAIN, "UnitNumber": "4"}),
        ({**MAIN, "UnitNumber": "3"}, {**MAIN, "UnitNumber": "4"}),
        (MAIN, {**MAIN, "StreetNumber": "12a"}),
        (MAIN, {**MAIN, "StreetName": "Main Avenue"}),
        (MAIN, {**MAIN, "PostalCode": "62702"}),
        (MAIN, {**MAIN, "StateOrProvince": "MO", "PostalCode": "65801"}),
        ({"ParcelNumber": "31-2234-0012", **TAX}, {"ParcelNumber": "31-2234-0013", **TAX}),
        ({"ParcelNumber": "31-2234-0012", **TAX}, {"ParcelNumber": "31-2234-0012", **TAX, "CountyOrParish": "Cook"}),
        ({"ParcelNumber": "0000-0000"}, {"ParcelNumber": "0000-0000"}),
        ({"City": "Springfield", "PostalCode": "62701"}, {"City": "Springfield", "PostalCode": "62701"}),
        ({"Latitude": 39.8, "Longitude": -89.6}, {"Latitude": 39.8, "Longitude": -89.6}),
        (
            {"UnparsedAddress": "Main Street", "City": "Springfield"},
            {"UnparsedAddress": "Main Street", "City": "Springfield"},
        ),
        ({}, {}),
    ],
)
def test_two_properties_are_kept_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not are_one(one, other)
    assert not are_one(other, one)


def test_a_city_without_its_state_finds_the_same_city_with_it() -> None:
    assert are_one(
        {"UnparsedAddress": "12 Main St", "City": "Springfield"}, {k: v for k, v in MAIN.items() if k != "PostalCode"}
    )


def test_a_parcel_number_without_a_place_is_known_on_its_own_site_only() -> None:
    one, same, other = (record({"ParcelNumber": "31-2234-0012"}, site) for site in ("a", "a", "b"))
    parcel = [key for key in keys_of(one) if key.startswith("parcel:")]
    assert parcel == [key for key in lookups_of(same) if key.startswith("parcel:")]
    assert not set(parcel) & set(lookups_of(other))


def test_the_strongest_key_comes_first_and_the_url_last() -> None:
    values = {**MAIN, "ParcelNumber": "31-2234-0012", "Latitude": 39.8, "Longitude": -89.6}
    kinds = [key.partition(":")[0] for key in lookups_of(record(values))]
    assert list(dict.fromkeys(kinds)) == ["parcel", "addr", "place", "url"]


def test_a_key_fits_the_database_however_long_its_parts() -> None:
    values = {**MAIN, "StreetName": "x" * 5000, "City": "\x00\ud800"}
    assert all(len(key) <= 200 and key.isprintable() for key in keys_of(record(values)))
