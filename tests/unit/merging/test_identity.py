"""Records of the same property are recognized, and similar records of other properties are kept apart."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.property.merging.identity import address_of, block_lookups_of, blocks_of, keys_of, lookups_of
from app.property.merging.matching import Key, decide
from app.property.record import PageKind
from app.property.source_record import SourceRecord

HOUSE = {"BedroomsTotal": 3, "BathroomsTotalInteger": 2, "LivingArea": 1410, "LivingAreaUnits": "Square Feet"}
AT = {"Latitude": 39.80049, "Longitude": -89.64051}
MAIN = {"StreetNumber": "12", "StreetName": "Main Street", "City": "Springfield", "StateOrProvince": "IL",
        "PostalCode": "62701"}  # fmt: skip
TAX = {"CountyOrParish": "Sangamon", "StateOrProvince": "IL"}


def record(values: dict[str, Any], site: str = "a") -> SourceRecord:
    url = f"https://{site}.example/1"
    return SourceRecord(url, url, PageKind.LISTING, "0" * 64, datetime(2026, 1, 1, tzinfo=UTC), values, {})


def are_one(one: dict[str, Any], other: dict[str, Any]) -> bool:
    stored, looked_up = keys_of(record(one, "a")), lookups_of(record(other, "b"))
    is_found = bool(set(stored) & set(looked_up) or set(blocks_of(one)) & set(block_lookups_of(other)))
    return is_found and decide(other, one).is_same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MAIN, {"UnparsedAddress": "12 MAIN ST", "City": "springfield", "StateOrProvince": "IL"}),
        ({"UnparsedAddress": "12 Main St", "City": "Springfield"}, {**MAIN, "PostalCode": ""}),
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
    ids=["spelling", "no state", "line and ZIP+4", "unit in words", "German order", "parcel", "across a cell's edge"],
)
def test_records_of_one_property_are_matched(one: dict[str, Any], other: dict[str, Any]) -> None:
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


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ({"UnitNumber": "Ste 4"}, "ste 4"),
        ({"UnitNumber": "4", "UnparsedAddress": "12 Main St, Suite #4, Springfield, IL 62701"}, "ste 4"),
        ({"UnparsedAddress": "12 Main St Ste. 4, Springfield"}, "ste 4"),
        ({"UnitNumber": "4B", "UnparsedAddress": "12 Main St Suite 4B, Springfield"}, "ste 4b"),
        ({"UnitNumber": "4", "UnparsedAddress": "12 Main St Lot 4"}, "lot 4"),
        ({"UnitNumber": "4", "UnparsedAddress": "12 Main St Bldg 2 Unit 4"}, "bldg 2 unit 4"),
        ({"UnitNumber": "4", "UnparsedAddress": "12 Main St Ste 40"}, "4"),
        ({"UnitNumber": "Apt. 4"}, "4"),
        ({"UnitNumber": "4", "UnparsedAddress": "12 Main St Apt 4, Sault Ste Marie, MI 49783"}, "4"),
    ],
)
def test_a_suite_differs_from_the_apartments_of_its_building(values: dict[str, Any], unit: str) -> None:
    assert address_of(values).unit == unit


def test_a_parcel_number_without_a_place_matches_only_on_its_own_site() -> None:
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


FERN = {**MAIN, "StreetName": "Fernwood Ln"}


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        ({**FERN, **HOUSE}, {**FERN, **HOUSE, "StreetName": "Fenrwood Lane"}, Key.SIMILAR_ADDRESS),
        ({**FERN, **AT}, {**FERN, **AT, "StreetName": "Fernwod Ln"}, Key.SIMILAR_ADDRESS),
        ({**FERN, **HOUSE, **AT}, {**FERN, **HOUSE, **AT, "PostalCode": "62710"}, Key.SIMILAR_ADDRESS),
        ({**MAIN, **HOUSE, **AT}, {**HOUSE, **AT}, Key.POSITION),
        (
            {**MAIN, "ParcelNumber": "31-2234-0012", "YearBuilt": 1987},
            {**MAIN, "ParcelNumber": "31-2234-0021", "YearBuilt": 1987},
            Key.ADDRESS,
        ),
        (
            {**MAIN, **TAX, **HOUSE, **AT, "ParcelNumber": "31-2234-0012"},
            {**MAIN, **TAX, **HOUSE, **AT, "ParcelNumber": "31-2234-0012", "StreetNumber": "21"},
            Key.PARCEL,
        ),
        (
            {**MAIN, "CloseDate": "2021-06-01", "ClosePrice": 310_000},
            {**MAIN, "CloseDate": "2021-06-01", "ClosePrice": 310_000, "UnitNumber": "4"},
            Key.SIMILAR_ADDRESS,
        ),
    ],
    ids=["typo and facts", "typo and place", "ZIP code", "no address", "parcel typo", "house number", "unit left out"],
)
def test_a_typing_error_is_accepted_if_the_rest_agrees(one: dict[str, Any], other: dict[str, Any], key: Key) -> None:
    assert are_one(one, other)
    assert are_one(other, one)
    found = decide(one, other)
    assert found.key is key
    assert found.why
    assert {fact.result for fact in found.compared} >= {"same"}


CONDO = {**MAIN, **HOUSE, **AT, "PropertySubType": "Condominium", "YearBuilt": 1987}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (FERN, {**FERN, "StreetName": "Fenrwood Ln"}),
        ({**FERN, **HOUSE}, {**FERN, **HOUSE, "StreetName": "Fern Ln"}),
        ({**FERN, **HOUSE, **AT}, {**FERN, **HOUSE, **AT, "StreetName": "Fernwood Ct"}),
        ({**MAIN, **HOUSE, "StreetName": "1st St"}, {**MAIN, **HOUSE, "StreetName": "2nd St"}),
        ({**MAIN, **HOUSE, **AT, "StreetName": "N Main St"}, {**MAIN, **HOUSE, **AT, "StreetName": "S Main St"}),
        ({**MAIN, **HOUSE, **AT, "StreetNumber": "14"}, {**MAIN, **HOUSE, **AT}),
        ({**CONDO, "StreetName": "Main St Upper"}, {**CONDO, "StreetName": "Main St Lower"}),
        ({**CONDO, "StreetName": "Main St Bldg A"}, {**CONDO, "StreetName": "Main St Bldg B"}),
        ({**HOUSE, **AT, "UnparsedAddress": "Lot 5 Main St"}, {**HOUSE, **AT, "UnparsedAddress": "Lot 6 Main St"}),
        ({**MAIN, "StreetNumber": "0"}, {**MAIN, "StreetNumber": "0"}),
        (CONDO, {**CONDO, "UnitNumber": "4"}),
        ({**CONDO, "UnitNumber": "3"}, {**CONDO, "UnitNumber": "4"}),
        ({**CONDO, "ParcelNumber": "31-2234-0012"}, {**CONDO, "ParcelNumber": "31-2234-0013"}),
        ({**MAIN, "ParcelNumber": "31-2234-0012"}, {**MAIN, "ParcelNumber": "31-2299-0455"}),
        (CONDO, {name: value for name, value in CONDO.items() if name not in MAIN}),
        ({**MAIN, **HOUSE, **AT}, {**HOUSE, **AT, "Latitude": 39.8008}),
        ({**MAIN, **HOUSE, **AT}, {**HOUSE, **AT, "BedroomsTotal": 4}),
        (
            {**TAX, "City": "Springfield", "ParcelNumber": "31-2234-0012"},
            {**TAX, "City": "Springfield", "ParcelNumber": "31-2234-0012", "CountyOrParish": "Menard"},
        ),
        (
            {**MAIN, "ParcelNumber": "31-2234-0012", "LivingArea": 5100, "LivingAreaUnits": "Square Feet"},
            {**MAIN, **HOUSE, "ParcelNumber": "31-2234-0012", "UnitNumber": "4"},
        ),
        (
            {**MAIN, **HOUSE, "YearBuilt": 1950},
            {**MAIN, **HOUSE, "BedroomsTotal": 1, "BathroomsTotalInteger": 1, "YearBuilt": 1999, "LivingArea": 600},
        ),
    ],
)  # fmt: skip
def test_similar_homes_are_kept_apart_however_much_they_share(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not are_one(one, other)
    assert not are_one(other, one)


def test_a_page_keeps_its_property_unless_it_shows_another_one() -> None:
    assert decide({"ListPrice": 2}, {"ListPrice": 1}, is_page=True).key is Key.PAGE
    assert not decide({**MAIN, "StreetNumber": "14"}, MAIN, is_page=True).is_same
