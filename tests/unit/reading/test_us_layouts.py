"""Layouts of US records and listings: one mechanism per case, each with a decoy that must be ignored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.read_pages import values_of


def _read(body: str, title: str = "Property Record Card") -> dict[str, Any]:
    html = f"<html lang='en'><head><title>{title}</title></head><body>{body}</body></html>"
    url = "https://county.example/card"
    return values_of(html, url)


_PARCEL = "<p>Parcel Number: 12-345-678</p><p>Site Address: 12 Oak St, Ames, IA 50010</p>"
_OFFER = "<h1>12 Oak St, Ames, IA 50010</h1><p>List Price: $310,000</p><p>Bedrooms: 3</p>"


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        # labels separated from their values by a dash
        (f"{_PARCEL}<ul><li>Year Built – 1968</li><li>Roof Cover – Metal</li></ul>", "YearBuilt", 1968),
        (f"{_PARCEL}<ul><li>Year Built – 1968</li><li>Roof Cover - Metal</li></ul>", "Roof", ["Metal"]),
        (f"{_OFFER}<p>Kitchen – open to the den</p>", "SubdivisionName", None),
        # the sum of a section is not the first line of the section
        (f"{_PARCEL}<h3>Assessment 2025</h3><ul><li>Improvements – $214,700</li></ul>", "TaxAssessedValue", None),
        # a county is not a town
        (f"<h2>Hatcher County, Georgia</h2>{_PARCEL.replace(', Ames, IA 50010', '')}", "City", None),
        # columns of a database
        (f"{_PARCEL}<p>char_beds: 2</p>", "BedroomsTotal", 2),
        # two full bathrooms and a half one, in the notation of some listing services; a three-quarter bathroom is not a
        # half one
        (f"{_OFFER}<ul><li>2.1 Baths</li></ul>", "BathroomsHalf", 1),
        (f"{_OFFER}<ul><li>1.75 Baths</li></ul>", "BathroomsHalf", None),
        # a flat's floor is not the number of stories
        (f"{_OFFER}<p>Floor: 18 of 26</p>", "StoriesTotal", None),
        (f"{_OFFER}<p>Stories: 2</p>", "StoriesTotal", 2),
        # buildings beside the house
        (f"{_OFFER}<ul><li>The clubhouse was built in 1998 and has 4,200 sq ft.</li></ul>", "YearBuilt", None),
        (f"{_OFFER}<ul><li>The house was built in 1998 by its owner.</li></ul>", "YearBuilt", 1998),
        (f"{_PARCEL}<table><tr><td>Room addition, 240 sq ft</td><td>05/02/2019</td></tr></table>", "LivingArea", None),
        # the occupant is not the kind of building
        (f"{_OFFER}<p>Occupancy: Vacant</p>", "PropertySubType", None),
        # a tax before credits is not the tax due
        (f"{_PARCEL}<p>Gross Tax: $1,877.20</p><p>Net Tax Due: $1,097.20</p>", "TaxAnnualAmount", 1097.2),
        # directions are not a street
        ("<p>Parcel Number: 12-345-678</p><p>Location: 4 miles north on Hwy 12</p>", "UnparsedAddress", None),
        # an association's manager is not the listing office
        (f"{_OFFER}<p>Managed by Meadowlark Management, 8 Park Rd, Elsewhere, ST 00044</p>", "ListOfficeName", None),
        # a price per unit is not an area, nor is the name of a map area
        (f"{_OFFER}<table><tr><td>$/SqFt:</td><td>$175.16</td></tr></table>", "LivingArea", None),
        (f"{_OFFER}<p>Area: 346 - Oak Park</p>", "LivingArea", None),
        (f"{_OFFER}<p>Area: 346 - Sq Ft</p>", "LivingArea", 346),
        # abbreviated words in a long label
        (f"{_OFFER}<table><tr><td>Abv Grd SqFt:</td><td>1,912</td></tr></table>", "LivingArea", 1912),
        (f"{_OFFER}<p>Tot Lvg Area: 1,912 / County Recs</p>", "LivingArea", 1912),
        (f"{_OFFER}<p>Taxes Pd: $4,482</p>", "TaxAnnualAmount", 4482),
        # all bathrooms, and how many are full and half
        (f"{_OFFER}<table><tr><td>Baths (F/H):</td><td>3 (2/1)</td></tr></table>", "BathroomsTotalInteger", 3),
        (f"{_OFFER}<table><tr><td>Baths (F/H):</td><td>3 (2/1)</td></tr></table>", "BathroomsHalf", 1),
        (f"{_OFFER}<table><tr><td>Baths:</td><td>2.5 (2 1)</td></tr></table>", "BathroomsTotalInteger", 3),
        (f"{_OFFER}<table><tr><td>Baths:</td><td>5 (2/1)</td></tr></table>", "BathroomsTotalInteger", None),
        # the town of the address, not the town that collects the tax
        (f"{_OFFER}<p>Municipality: Ames Township</p>", "City", "Ames"),
        # counts with a fraction, and counts of parking spaces
        (f"{_OFFER}<p>Bathrooms: 1.75</p>", "BathroomsTotalInteger", 2),
        (f"{_OFFER}<p>Bathrooms: 2.25</p>", "BathroomsTotalInteger", None),
        (f"{_OFFER}<ul><li># of Garage Spaces: 1</li><li># of Total Parking Spaces: 2</li></ul>", "ParkingTotal", 2),
        # a label answered with none, and statements about a pool
        (f"{_OFFER}<p>HOA Dues: None</p>", "AssociationYN", False),
        (f"{_OFFER}<p>HOA Dues: N/A</p>", "AssociationYN", None),
        (f"{_OFFER}<p>Roof: None</p>", "Roof", None),
        (f"{_OFFER}<p>Pool Features: None</p>", "PoolPrivateYN", False),
        (f"{_OFFER}<p>Pool Features: In Ground, Heated</p>", "PoolPrivateYN", True),
        (f"{_OFFER}<p>Pool Features: Community, In Ground</p>", "PoolPrivateYN", None),
        # prices of other homes or other times
        (_OFFER.replace("List Price: $310,000", "Homes here have a median list price $612,000"), "ListPrice", None),
    ],
)  # fmt: skip
def test_layouts_of_records_and_listings(body: str, field: str, value: Any) -> None:
    assert _read(body).get(field) == value


def test_an_account_number_is_not_an_irish_postal_code() -> None:
    """`R021873` resembles an Eircode except for its letters, and `Account` is not a town."""
    values = _read(f"<h1>Account: R021873</h1>{_PARCEL}", "Account R021873 - Treasurer")
    assert (values["City"], values["PostalCode"]) == ("Ames", "50010")


def test_a_heading_with_its_town_below_is_the_property_s_address() -> None:
    owner = "<h3>Ownership</h3><p>Owner</p><p>9 Elm St</p><p>Ames, IA 50010</p>"
    body = f"<h1>31 Tannery Lane</h1><p>Marrow, NH 03299</p>{owner}"
    values = _read(f"{body}<p>Assessed Value: $9,000</p>", "Town of Marrow")
    assert (values["UnparsedAddress"], values["City"]) == ("31 Tannery Lane", "Marrow")


def test_a_sale_in_a_dated_row_is_not_today_s_status() -> None:
    history = "<table><tr><th>Date</th><th>Event</th></tr><tr><td>Jun 15, 2017</td><td>Sold</td></tr></table>"
    assert _read(f"{_OFFER}<p class='status'>For sale</p>{history}", "12 Oak St")["StandardStatus"] == "Active"
    assert _read(f"{_OFFER}<p class='status'>Sold</p>", "12 Oak St")["StandardStatus"] == "Closed"


@pytest.mark.parametrize(("heading", "office"), [("Listing Agent", "Calumet Brokers"), ("Our agents", None)])
def test_the_office_is_below_the_agent_s_name(heading: str, office: str | None) -> None:
    body = f"{_OFFER}<h3>{heading}</h3><p>Royce Batterton</p><p>Calumet Brokers</p>"
    assert _read(body, "House for sale").get("ListOfficeName") == office


def _pairs(*pairs: str) -> str:
    rows = ("".join(f"<span>{text}</span>" for text in pair.split("|")) for pair in pairs)
    return _OFFER + "<div>" + "".join(f"<div>{row}</div>" for row in rows) + "</div>"


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        (_pairs("Property Type|Townhouse", "Year Built|1954", "Heating|Radiant"), "Heating", ["Radiant"]),
        (_pairs("Townhouse|Property Type", "Radiant|Heating"), "Heating", None),
    ],
)
def test_rows_of_a_label_and_its_value(body: str, field: str, value: Any) -> None:
    assert _read(body).get(field) == value
