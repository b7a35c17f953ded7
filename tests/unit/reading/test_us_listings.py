"""Conventions of US listing sites: one mechanism per case, each with a decoy that must be ignored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.property.values import texts
from tests.plugins.read_pages import values_of

_URL = "https://homes.example/homedetails/12-Oak-St/71940288_id/"
_HEAD = "<h1>12 Oak St, Ames, IA 50010</h1><p>For sale</p><p>List price: $529,000</p><p>Bedrooms: 3</p>"


def _read(body: str, head: str = _HEAD, title: str = "12 Oak St, Ames, IA 50010", url: str = _URL) -> dict[str, Any]:
    html = f"<html lang='en'><head><title>{title}</title></head><body>{head}{body}</body></html>"
    return values_of(html, url)


def test_a_cache_key_holds_the_query_of_its_answer() -> None:
    """`...Query{"id":...}` describes the property, while a plain `query` is a visitor's search."""
    home = {"id": 71940288, "bedrooms": 3, "bathrooms": 2, "price": 529000, "latitude": 42.03471, "longitude": -93.62}
    place = {"county": "Story County", "country": "USA"}
    cached = {'HomeQuery{"id":71940288}': {"property": home | place}, "query": home | {"latitude": 42.9}}
    state = json.dumps({"props": {"cache": json.dumps(cached)}})
    values = _read(f'<script id="__NEXT_DATA__" type="application/json">{state}</script>')
    assert (values["Latitude"], values["Longitude"]) == (42.03471, -93.62)
    assert (values["CountyOrParish"], values["Country"]) == ("Story", "US")


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        # a listing service's region is not a state; a state is
        ("<p>Region: Central Ames</p>", "StateOrProvince", "IA"),
        ("<p>Appraised value: $607,300</p>", "X_MarketValue", 607300),
        # the second cell of a row is the value of the first cell, not the label of the next row
        (
            "<table><tr><td>Outdoor</td><td>Deck</td></tr><tr><td>A/C</td><td>Heating &amp; Cooling</td></tr>"
            "<tr><td>HOA</td><td>$412/Monthly</td></tr><tr><td>Listed</td><td>12 Days Ago</td></tr></table>",
            "Heating",
            None,
        ),
        # a feature in a list is not a label for the next one
        ("<ul><li>Heating</li><li>Ceiling Fans</li></ul>", "Heating", None),
        ("<ul><li>Heating:</li><li>Gas, forced air</li></ul>", "Heating", ["Gas", "forced air"]),
        # notes on one gate do not contradict each other
        ("<p>Gated entry and trails.</p><ul><li>Gated</li></ul>", "X_AccessNotes", "Gated entry and trails."),
        ("<ul><li>No Private Pool</li></ul>", "PoolPrivateYN", False),
        ("<p>No pool table is included.</p>", "PoolPrivateYN", None),
        # a room's size is not a firm
        ("<table><tr><td>Office</td><td>11 x 10</td><td>Main</td></tr></table>", "ListOfficeName", None),
        ("<p>Office: 8z Real Estate</p>", "ListOfficeName", "8z Real Estate"),
        # a property manager is the listing office, but an association's manager is not
        ("<p>Property managed by <b>Stonepath Residential</b></p>", "ListOfficeName", "Stonepath Residential"),
        ("<p>HOA managed by <b>Stonepath Residential</b></p>", "ListOfficeName", None),
    ],
)
def test_a_listing_is_read(body: str, field: str, value: Any) -> None:
    assert _read(body).get(field) == value


def test_the_office_behind_the_agents_number() -> None:
    """The office in the agent's block is read. The site's own agents are ignored."""
    block = "<ul><li class='agent-name'>Wren Halloway</li><li>864-555-0143</li><li>Blue Notch Properties</li></ul>"
    values = _read(f"<div class='agent-details'>{block}</div>")
    assert (values["ListAgentFullName"], values["ListOfficeName"]) == ("Wren Halloway", "Blue Notch Properties")
    assert "ListAgentFullName" not in _read(f"<div class='agent-details'><p>Find an agent</p>{block}</div>")


@pytest.mark.parametrize(
    ("sentence", "field", "value"),
    [
        ("The architectural shingle roof went on in 2021, and the porch is new.", "Roof", ["architectural shingle"]),
        ("The architectural shingle roof went on in 2021, and the porch is new.", "X_RoofYear", 2021),
        ("There is a barn with a metal roof.", "Roof", None),
        ("Exposed wood roof beams throughout the great room.", "Roof", None),
        ("Cedar shake siding was stained last fall.", "ConstructionMaterials", ["Cedar shake siding"]),
        ("The shed has vinyl siding.", "ConstructionMaterials", None),
        ("Vinyl sided ranch per the broker's opinion.", "ConstructionMaterials", ["Vinyl"]),
        ("Cute 3 bed brick ranch located 2 blocks from the park.", "ConstructionMaterials", ["brick"]),
        ("The brick fireplace warms this ranch.", "ConstructionMaterials", None),
        ("Brick ranch style living.", "ConstructionMaterials", None),
        ("A vinyl sided garage stands behind.", "ConstructionMaterials", None),
        ("Ductless mini-splits (heating and cooling) went in last year.", "Heating", ["Ductless mini-splits"]),
        ("Ductless mini-splits went in last year.", "Cooling", ["Ductless mini-splits"]),
        ("Ductless mini-splits went in last year.", "Heating", None),
        ("The workshop has a mini split.", "Cooling", None),
        ("Gas forced air keeps it warm.", "Heating", ["Gas forced air"]),
        ("Central Air: No, Attic: Yes", "Cooling", None),
        ("A two-car attached garage and a carport.", "ParkingTotal", 2),
        ("There is room for a 3-car garage.", "ParkingTotal", None),
        ("Outside: 0.21 of an acre, fenced.", "LotSizeArea", 0.21),
        ("Backs to a park of 0.75 of an acre.", "LotSizeArea", None),
        ("PIN 9628-71-4402-00000.", "ParcelNumber", "9628-71-4402-00000"),
        ("Gate PIN 828-555-0171 on request.", "ParcelNumber", None),
        ("MLS 4226190, Canopy Ridge MLS.", "ListingId", "4226190"),
        ("2024 county + city taxes ran $3,127. (The 2023 bill was $3,044.)", "TaxAnnualAmount", 3127),
        ("2024 county + city taxes ran $3,127. (The 2023 bill was $3,044.)", "TaxYear", 2024),
        ("City of Ames, Story County.", "CountyOrParish", "Story"),
        ("A classic one-and-a-half-story bungalow.", "StoriesTotal", 1.5),
        ("Two and a half baths across roughly 1,640 square feet, plus a dry basement.", "LivingArea", 1640),
        ("Two and a half baths across roughly 1,640 square feet, plus a dry basement.", "BathroomsTotalInteger", 3),
        ("Two and a half baths across roughly 1,640 square feet, plus a dry basement.", "BathroomsHalf", 1),
        ("The basement adds about 700 unfinished square feet.", "LivingArea", None),
    ],
)
def test_a_sentence_is_read(sentence: str, field: str, value: Any) -> None:
    assert _read(f"<p>{sentence}</p>").get(field) == value


def test_a_town_below_the_street_with_the_price_beside_it() -> None:
    values = _read("", head="<h1>31 Hollyhock Street</h1><h4>Ames, IA 50010 &nbsp;|&nbsp; Offered at $465,000</h4>")
    assert (values["City"], values["StateOrProvince"], values["PostalCode"]) == ("Ames", "IA", "50010")


_MAP = (
    "<script>new Map({el: 'map', center: {lat: 42.03471, lng: -93.62017}, zoom: 15, marker: {title: '%s'}});</script>"
)


def test_a_map_that_names_the_street_shows_the_home() -> None:
    values = _read(_MAP % "12 Oak St")
    assert (values["Latitude"], values["Longitude"]) == (42.03471, -93.62017)
    assert "Latitude" not in _read(_MAP % "Our office")
    several = "points: [{lat: 42.1, lng: -93.7}, {lat: 42.2, lng: -93.8}], title: '12 Oak St', note: 'what is near'"
    assert "Latitude" not in _read(f"<script>new Map({{{several}}});</script>")


_POINT = {"Latitude": 42.03471, "Longitude": -93.62017}


@pytest.mark.parametrize(
    "body",
    [
        '<script type="application/json">{"lot": {"n": 7, "lat": 42.03471, "lng": -93.62017, "sold": false}}</script>',
        "<script>var mapConfig = {latitude: '42.03471', longitude: '-93.62017', zoom: 15, draggable: true};</script>",
        """<div data-props='{"center": {"lat": 42.03471, "lng": -93.62017}, "zoom": 15}'></div>""",
    ],
)
def test_the_only_point_in_scripts_is_the_home_s(body: str) -> None:
    assert {axis: _read(body).get(axis) for axis in _POINT} == _POINT
    elsewhere = "<script>var mapData = {lat: 41.58787, lng: -93.62412, tiles: 'streets', more: 'some more'};</script>"
    assert "Latitude" not in _read(body + elsewhere)


@pytest.mark.parametrize("key", ["viewer", "website", "defaultCenter", "office", "agent", "nearby", "pois", "bounds"])
def test_the_only_point_may_belong_to_something_else(key: str) -> None:
    body = '<script type="application/json">{"%s": {"lat": 42.03471, "lng": -93.62017, "n": "so many"}}</script>'
    assert "Latitude" in _read(body % "place")
    assert "Latitude" not in _read(body % key)


def test_a_point_without_four_decimals_is_a_town_s() -> None:
    assert "Latitude" not in _read(_MAP.replace("42.03471", "42.035") % "here")


def test_a_widgets_marker_is_the_home_and_never_the_office() -> None:
    marker = '<div data-map-lat="42.03471" data-map-lng="-93.62017" data-title="%s"></div>'
    assert {axis: _read(marker % "12 Oak St").get(axis) for axis in _POINT} == _POINT
    assert "Latitude" not in _read(marker % "Our Office")
    point = "<script>Site.map = {markerLat: 42.03471, markerLon: -93.62017, showsAll: true, tiles: 'streets'};</script>"
    assert {axis: _read(point).get(axis) for axis in _POINT} == _POINT


def test_the_address_of_a_business_is_not_the_homes() -> None:
    firm = {
        "@type": "HomeAndConstructionBusiness",
        "address": {"@type": "PostalAddress", "streetAddress": "300 Creek Blvd", "postalCode": "75899"},
        "geo": {"@type": "GeoCoordinates", "latitude": 33.00811, "longitude": -96.41902},
    }
    values = _read(f'<script type="application/ld+json">{json.dumps(firm)}</script>')
    assert (values["UnparsedAddress"], values["PostalCode"]) == ("12 Oak St", "50010")
    assert "Latitude" not in values


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ("<p>Taxes: 2024: $1,618 (assessed $121,300)</p>", "TaxAnnualAmount", 1618),
        ("<p>Principal &amp; interest $2,264 · Property taxes $276</p>", "TaxAnnualAmount", None),
        ("<p>Winter taxes last year were $1,204 and summer taxes $3,377.</p>", "TaxAnnualAmount", None),
        ("<p>Property taxes are $3,311.</p>", "TaxAnnualAmount", 3311),
        ("<table><tr><th>Address</th><th>Sold</th></tr><tr><td>7 Elm St</td><td>1/2/2025</td></tr></table>",
         "StandardStatus", "Active"),
        ("<dl><dt>Lot size</dt><dd>under 1/2 acre</dd></dl>", "LotSizeArea", None),
        ("<dl><dt>Lot size</dt><dd>2 acres</dd></dl>", "LotSizeArea", 2),
    ],
)  # fmt: skip
def test_text_near_a_value_is_not_the_value(body: str, field: str, value: object) -> None:
    assert _read(body).get(field) == value


def test_a_permit_s_address_may_use_a_star_as_separator() -> None:
    """Pages of Accela write addresses this way."""
    permit = _read(
        "<div>2640 MARIGOLD CT * WRENFIELD CA 93099</div>", head="<h1>Permit RES23-04917</h1>", title="Permit"
    )
    found = [permit.get(field) for field in ("UnparsedAddress", "City", "StateOrProvince", "PostalCode")]
    assert found == ["2640 MARIGOLD CT", "WRENFIELD", "CA", "93099"]


def test_a_section_and_a_township_are_not_a_street() -> None:
    assert not texts.looks_like_street("Range 30 / Township 22 / Section 27")
    assert texts.looks_like_street("22 Township Rd")


def test_a_county_in_a_list_of_links_is_not_the_propertys() -> None:
    assert "CountyOrParish" not in _read("<ul><li><a>Story County</a></li></ul>")


_PLANS = """<h1>The Larkmoor</h1><h2>5100 Sable Creek Pkwy, Nashville, TN 37217</h2>
<ul><li><p>Monthly Rent</p><p>$1,389 - $2,215</p></li><li><p>Bedrooms</p><p>1 - 3 bd</p></li>
<li><p>Square Feet</p><p>702 - 1,346 sq ft</p></li></ul>
<div><h3>B1 <span>$1,740</span></h3><h4>2 beds, 2 baths, 1,084 Sq Ft</h4></div>
<div><h3>A1 <span>$1,389 - $1,460</span></h3><h4>1 bed, 1 bath, 702 Sq Ft</h4></div>"""


def test_a_range_of_areas_is_not_an_area() -> None:
    """If the page asks one rent, the building's other homes are ignored as well."""
    ranges = _PLANS.partition("<div>")[0]
    assert "LivingArea" not in _read("", head=ranges, title="The Larkmoor - Apartments for rent")
    one = _PLANS.replace("$1,389 - $2,215", "$1,740").replace("$1,389 - $1,460", "$1,389")
    assert _read("", head=one, title="The Larkmoor - Apartments for rent").get("BedroomsTotal") != 1
