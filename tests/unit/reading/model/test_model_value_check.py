"""A quote proves a value in its common spellings, but not a neighboring, computed, or invented value."""

from typing import Any

import pytest

from app.property.reading.model.claims import CheckedValue, Claim
from app.property.reading.model.value_check import check_value


def of(field: str, value: Any, quote: str, line: str = "", *, country: str = "US") -> CheckedValue | None:
    return check_value(Claim(field, value, quote, line or quote, "en", country))


@pytest.mark.parametrize(
    ("field", "value", "quote", "stored"),
    [
        ("YearBuilt", 1998, "Built in 1998", 1998),
        ("ListPrice", 450000, "asking $450,000", 450000),
        ("ListPrice", 1250000, "$1.25M", 1250000),
        ("ListPrice", 1250.5, "Kaltmiete 1.250,50 €", 1250.5),
        ("BedroomsTotal", 3, "three-bedroom farmhouse", 3),
        ("RoomsTotal", 3.5, "3,5 Zimmer", 3.5),
        ("RoomsTotal", 2.5, "zweieinhalb Zimmer", 2.5),
        ("BathroomsTotalInteger", 3, "2.5 baths", 3),
        ("BathroomsTotalInteger", 3, "two-and-a-half bath", 3),
        ("BathroomsTotalInteger", 3, "2 full and 1 half baths", 3),
        ("CloseDate", "2016-03-03", "sold on March 3, 2016", "2016-03-03"),
        ("CloseDate", "2005-10-01", "sold October 2005", "2005-10"),
        ("City", "Millbrook Falls", "in Millbrook Falls, VT", "Millbrook Falls"),
        ("StateOrProvince", "TX", "Austin, Texas", "TX"),
        ("StateOrProvince", "New Mexico", "Pinyon Flats, NM", "NM"),
        ("PostalCode", "30-999", "30-999 Jaworniki", "30-999"),
        ("ParcelNumber", "4171291023", "Parcel 417-129-1023", "417-129-1023"),
        ("ParcelNumber", "61/ / 0118", "Mblu: 61/ / 0118/ /", "61/ / 0118"),
        ("Roof", ["standing-seam metal"], "a Standing-Seam Metal roof", ["standing-seam metal"]),
        ("StandardStatus", "Active", "for sale", "Active"),
        ("StandardStatus", "Closed", "Status: Sold", "Closed"),
        ("PropertySubType", "Townhouse", "Reihenhaus", "Townhouse"),
        ("PropertyType", "Residential Lease", "Wohnung zu vermieten", "Residential Lease"),
        ("X_Currency", "EUR", "489.000 €", "EUR"),
        ("AssociationYN", False, "There is no HOA", False),
        ("PoolPrivateYN", True, "heated in-ground pool and spa", True),
        ("PoolPrivateYN", False, "Pool: No", False),
        ("X_RoofYear", 2021, "fall of 2021: new shingles", 2021),
        ("ParkingTotal", 2, "attached two-car garage", 2),
        ("CountyOrParish", "Polk County", "in Polk County, Iowa", "Polk"),
        ("CountyOrParish", "Orleans", "Parish: Orleans", "Orleans"),
        ("PowerProductionType", ["solar panels"], "owned solar panels on the south side", ["Solar"]),
        ("X_AccessNotes", "gated community", "A gated community of 40 homes", "gated community"),
    ],
)
def test_a_value_stated_by_the_quote_is_accepted(field: str, value: Any, quote: str, stored: Any) -> None:
    found = of(field, value, quote)
    assert (found.value if found else None) == stored


@pytest.mark.parametrize(
    ("field", "value", "quote"),
    [
        ("YearBuilt", 1999, "Built in 1998"),
        ("YearBuilt", 98, "Built in '98"),
        ("ListPrice", 45000, "asking $450,000"),
        ("ListPrice", 3444, "Preis pro m²: 3.444 €/m²"),
        ("BathroomsTotalInteger", 2, "2.5 baths"),
        ("LivingArea", 131, "131"),
        ("CloseDate", "2005-10-15", "sold October 2005"),
        ("CloseDate", "last week", "last week"),
        ("City", "Fern", "in Fernwick"),
        ("StateOrProvince", "TX", "in the next town"),
        ("ParcelNumber", "129-1023", "Parcel 417-129-10233"),
        ("ParcelNumber", "610118", "Map 61, 2 pages, 0118"),
        ("Roof", ["slate"], "metal roof"),
        ("PropertyType", "Residential", "Wohnung zu vermieten"),
        ("X_Currency", "USD", "489.000 €"),
        ("AssociationYN", False, "HOA dues are $85"),
        ("PoolPrivateYN", True, "community pool and clubhouse"),
        ("PoolPrivateYN", True, "room for a pool"),
        ("PoolPrivateYN", False, "in-ground pool"),
        ("X_RoofYear", 2019, "renovated in 2019"),
        ("X_RoofYear", 1998, "built in 1998 with a metal roof"),
        ("ParkingTotal", 2, "two bedrooms"),
        ("CountyOrParish", "Orange", "in Orange, CA"),
        ("PowerProductionType", ["solar"], "pre-wired for solar"),
        ("PowerProductionType", ["wind"], "wind chimes"),
        ("X_AccessNotes", "non-gated community", "a non-gated community"),
    ],
)
def test_a_value_that_the_quote_does_not_state_is_rejected(field: str, value: Any, quote: str) -> None:
    assert of(field, value, quote) is None


@pytest.mark.parametrize(
    ("value", "quote", "line", "unit"),
    [
        (1410, "1,410 sq ft", "", "Square Feet"),
        (1410, "1.410 m²", "", "Square Meters"),
        (1410, "Living area 1,410", "Living area 1,410 sq ft", "Square Feet"),
        (1410, "Living area (sq ft): 1,410", "", "Square Feet"),
        (115, "115 sq. m.", "1,240 sq. ft. (115 sq. m.)", "Square Meters"),
        (1240, "1,240 sq. ft.", "1,240 sq. ft. (115 sq. m.)", "Square Feet"),
    ],
)
def test_an_area_takes_the_unit_beside_the_number(value: float, quote: str, line: str, unit: str) -> None:
    found = of("LivingArea", value, quote, line)
    assert found == CheckedValue(value, unit)


def test_a_dollar_sign_means_the_currency_of_the_page_s_country() -> None:
    assert of("X_Currency", "AUD", "$1,200,000", country="AU") == CheckedValue("AUD")
    assert of("X_Currency", "USD", "$1,200,000", country="AU") is None
