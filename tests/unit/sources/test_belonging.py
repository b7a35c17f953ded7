"""Whose page it is: prefers to leave out a page of the address over taking one of a neighbour or another unit."""

from __future__ import annotations

from typing import Any

import pytest

from app.property.sources.belonging import Whose, belonging
from app.property.urls.targets import address_of_target, normalise_target
from app.property.values.texts import plain_parcel

HOUSE = "12 Fictional Ave, Anytown, ST 00000"
UNIT = "12 Fictional Ave Unit 2B, Anytown, ST 00000"
STREET = {"StreetNumber": "12", "StreetName": "Fictional Avenue"}
PLACE = {"City": "Anytown", "PostalCode": "00000"}
PARCELS = frozenset({"00120034"})


def whose(values: dict[str, Any], address: str = HOUSE, **options: Any) -> tuple[Whose, str]:
    found = belonging(values, address_of_target(normalise_target(address)), **options)
    return found.whose, found.reason


@pytest.mark.parametrize(
    ("values", "address", "expected"),
    [
        ({**STREET, **PLACE}, HOUSE, Whose.WANTED),
        ({"UnparsedAddress": "12 FICTIONAL AV", "City": "ANYTOWN"}, HOUSE, Whose.WANTED),
        ({**STREET, **PLACE, "StreetName": "Fictoinal Ave"}, HOUSE, Whose.WANTED),
        ({**STREET, **PLACE, "StreetNumber": "14"}, HOUSE, Whose.OTHER),
        ({**STREET, **PLACE, "StreetNumber": "12A"}, HOUSE, Whose.OTHER),
        ({**STREET, **PLACE, "StreetName": "Fictional St"}, HOUSE, Whose.OTHER),
        ({**STREET, "City": "Anytown", "PostalCode": "00001"}, HOUSE, Whose.OTHER),
        ({**STREET, **PLACE, "UnitNumber": "2B"}, HOUSE, Whose.OTHER),
        ({**STREET, **PLACE, "UnitNumber": "2B"}, UNIT, Whose.WANTED),
        ({**STREET, **PLACE, "UnitNumber": "2C"}, UNIT, Whose.OTHER),
        ({**STREET, **PLACE}, UNIT, Whose.UNKNOWN),
        (STREET, HOUSE, Whose.UNKNOWN),
        ({"YearBuilt": 1987}, HOUSE, Whose.UNKNOWN),
        ({"ParcelNumber": "0012-0034"}, HOUSE, Whose.UNKNOWN),
    ],
)
def test_a_page_is_of_the_address_another_one_or_nobody_knows(
    values: dict[str, Any], address: str, expected: Whose
) -> None:
    assert whose(values, address)[0] is expected


def test_a_page_without_a_town_is_of_the_source_that_knows_its_place() -> None:
    assert whose(STREET, place_is_known=True)[0] is Whose.WANTED
    assert whose({**STREET, "PostalCode": "00001"}, place_is_known=True)[0] is Whose.OTHER
    assert whose({"City": "Anytown"}, place_is_known=True)[0] is Whose.UNKNOWN


def test_a_house_of_the_same_number_in_another_town_of_the_area_is_not_taken() -> None:
    assert whose({**STREET, "City": "Elsewhere"}, place_is_known=True)[0] is Whose.UNKNOWN
    assert whose({**STREET, "StateOrProvince": "XY"}, place_is_known=True)[0] is Whose.OTHER
    assert whose({**STREET, **PLACE, "City": "Old Town"}, place_is_known=True)[0] is Whose.WANTED, "one ZIP, two names"


def test_the_parcel_number_that_another_page_gave_says_whose_it_is_but_not_against_the_address() -> None:
    number = {"ParcelNumber": "0012-0034"}
    assert whose(number, parcels=PARCELS)[0] is Whose.WANTED
    assert whose({**number, **STREET, "PostalCode": "99999"}, parcels=PARCELS)[0] is Whose.WANTED
    assert whose({**number, **STREET, "StreetNumber": "14"}, parcels=PARCELS)[0] is Whose.OTHER
    assert whose({**number, **STREET, **PLACE, "UnitNumber": "9"}, parcels=PARCELS)[0] is Whose.OTHER
    assert whose({**number, **STREET, **PLACE}, UNIT, parcels=PARCELS)[0] is Whose.UNKNOWN, "all units may share it"
    assert whose({"ParcelNumber": "0012-0035"}, parcels=PARCELS)[0] is Whose.UNKNOWN
    assert whose({**number, "City": "Elsewhere"}, parcels=PARCELS)[0] is Whose.UNKNOWN, "each county counts anew"


def test_the_reason_names_what_the_page_is_about() -> None:
    assert "14 FICTIONAL AVE" in whose({**STREET, **PLACE, "StreetNumber": "14"})[1]
    assert whose({**STREET, **PLACE, "UnitNumber": "2C"}, UNIT)[1] == "it is about unit 2c, and unit 2b was asked for"
    assert "no unit" in whose({**STREET, **PLACE}, UNIT)[1]


def test_a_parcel_number_is_its_letters_and_digits() -> None:
    assert plain_parcel("00-12 00.34a") == "00120034A"
    assert plain_parcel("--") is None
    assert plain_parcel(None) is None
