"""A page matches an address only if the page cannot be about a neighbor's property or another unit."""

from typing import Any

import pytest

from app.property.address import parse
from app.property.sources.address_match import Verdict, match_address
from app.property.urls.targets import address_of_target, normalize_target

HOUSE = "12 Fictional Ave, Anytown, ST 00000"
UNIT = "12 Fictional Ave Unit 2B, Anytown, ST 00000"
STREET = {"StreetNumber": "12", "StreetName": "Fictional Avenue"}
PLACE = {"City": "Anytown", "PostalCode": "00000"}
PARCELS = frozenset({"00120034"})


def judge(values: dict[str, Any], address: str = HOUSE, **options: Any) -> tuple[Verdict, str]:
    found = match_address(values, address_of_target(normalize_target(address)), **options)
    return found.verdict, found.reason


@pytest.mark.parametrize(
    ("values", "address", "expected"),
    [
        ({**STREET, **PLACE}, HOUSE, Verdict.WANTED),
        ({"UnparsedAddress": "12 FICTIONAL AV", "City": "ANYTOWN"}, HOUSE, Verdict.WANTED),
        ({**STREET, **PLACE, "StreetName": "Fictoinal Ave"}, HOUSE, Verdict.WANTED),
        ({**STREET, **PLACE, "StreetNumber": "14"}, HOUSE, Verdict.OTHER),
        ({**STREET, **PLACE, "StreetNumber": "12A"}, HOUSE, Verdict.OTHER),
        ({**STREET, "City": "Anytown", "PostalCode": "00001"}, HOUSE, Verdict.OTHER),
        ({**STREET, **PLACE, "UnitNumber": "2B"}, HOUSE, Verdict.OTHER),
        ({**STREET, **PLACE, "UnitNumber": "2B"}, UNIT, Verdict.WANTED),
        ({**STREET, **PLACE}, UNIT, Verdict.UNKNOWN),
        (STREET, HOUSE, Verdict.UNKNOWN),
        ({"YearBuilt": 1987}, HOUSE, Verdict.UNKNOWN),
        ({"ParcelNumber": "0012-0034"}, HOUSE, Verdict.UNKNOWN),
    ],
)
def test_a_page_matches_the_address_or_another_one_or_is_undecided(
    values: dict[str, Any], address: str, expected: Verdict
) -> None:
    assert judge(values, address)[0] is expected


@pytest.mark.parametrize(
    "street",
    [
        *("12 Oak Rd Lot 5", "12 Oak Rd Bldg A Apt 4", "12 Oak Rd, Bldg A, Apt 4", "12 Oak Rd 2nd Floor"),
        *("12 Oak Rd Rear", "12 Oak Rd 4B", "12 Oak Rd Unit 4 B", "12 B Oak Rd", "12-B Oak Rd", "12 1/2 Oak Rd"),
        *("N7420 Oak Rd", "W140 N8917 Oak Rd", "12½ Oak Rd"),
    ],
)
def test_a_page_that_spells_the_address_as_requested_is_wanted(street: str) -> None:
    address = f"{street}, Springfield, IL 62701"
    assert judge(parse(address).as_values(), address)[0] is Verdict.WANTED


def test_a_page_without_a_town_matches_if_the_source_covers_one_area() -> None:
    """A house with the same street and number in another town of the area must not match."""
    assert judge(STREET, place_is_known=True)[0] is Verdict.WANTED
    assert judge({**STREET, "PostalCode": "00001"}, place_is_known=True)[0] is Verdict.OTHER
    assert judge({"City": "Anytown"}, place_is_known=True)[0] is Verdict.UNKNOWN
    assert judge({**STREET, "City": "Elsewhere"}, place_is_known=True)[0] is Verdict.UNKNOWN
    assert judge({**STREET, "StateOrProvince": "XY"}, place_is_known=True)[0] is Verdict.OTHER
    # a ZIP code may have more than one town name
    assert judge({**STREET, **PLACE, "City": "Old Town"}, place_is_known=True)[0] is Verdict.WANTED


@pytest.mark.parametrize(
    ("values", "address", "expected"),
    [
        ({}, HOUSE, Verdict.WANTED),
        ({**STREET, "PostalCode": "99999"}, HOUSE, Verdict.WANTED),
        ({**STREET, "StreetNumber": "14"}, HOUSE, Verdict.OTHER),
        ({**STREET, **PLACE, "UnitNumber": "9"}, HOUSE, Verdict.OTHER),
        ({**STREET, **PLACE}, UNIT, Verdict.UNKNOWN),  # several units may share a parcel number
        ({"ParcelNumber": "0012-0035"}, HOUSE, Verdict.UNKNOWN),
        ({"City": "Elsewhere"}, HOUSE, Verdict.UNKNOWN),  # a property in another county may have the same parcel number
    ],
)
def test_a_known_parcel_number_decides_unless_the_address_contradicts(
    values: dict[str, Any], address: str, expected: Verdict
) -> None:
    assert judge({"ParcelNumber": "0012-0034", **values}, address, parcels=PARCELS)[0] is expected


def test_the_reason_names_the_property_of_the_page() -> None:
    assert "14 FICTIONAL AVE" in judge({**STREET, **PLACE, "StreetNumber": "14"})[1]
    assert judge({**STREET, **PLACE, "UnitNumber": "2C"}, UNIT)[1] == "it is about unit 2c, and unit 2b was asked for"
    assert "no unit" in judge({**STREET, **PLACE}, UNIT)[1]
