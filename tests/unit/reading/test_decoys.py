"""Texts near a value that are not the value: owners, offices, other homes, estimates, parts, and past prices.

The corpora (`test_corpus.py`) show what is read. The minimal pages in this file show what must not be read.
"""

import json
from typing import Any

import pytest

from app.property.values import texts
from tests.plugins.read_pages import values_of


def _rows(*rows: str) -> str:
    """Return an HTML table. `|` separates cells, and `!` marks a heading."""
    made = (
        "".join(f"<th>{c[1:]}</th>" if c.startswith("!") else f"<td>{c}</td>" for c in map(str.strip, row.split("|")))
        for row in rows
    )
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in made)}</table>"


def _page(body: str, title: str, lang: str = "en", url: str = "https://site.example/p/900120") -> dict[str, Any]:
    html = f"<html lang='{lang}'><head><title>{title}</title></head><body>{body}</body></html>"
    return values_of(html, url)


def _card(body: str, title: str = "Property Record Card") -> dict[str, Any]:
    return _page(_rows("Parcel Number|12-345-678", "Year Built|1974") + body, title)


def _listing(body: str, title: str = "12 Oak St, Ames, IA 50010") -> dict[str, Any]:
    head = "<h1>12 Oak St, Ames, IA 50010</h1><p>For sale</p><p>List price: $529,000</p><p>Bedrooms: 3</p>"
    return _page(head + body, title)


_COURTESY = "<p>Listing courtesy of <b>Dana Holloway</b>, Piedmont Crest Realty. Call us.</p>"
_SITE = "<p>Site Address: 12 Oak St, Ames, IA 50010</p>"
_LAND = "!#|!Type|!Description|!Acres|!Eff Depth"
_POOLS = "<h2>Extra Features</h2>"
_MARKET = {"listing": {"bedrooms": 3, "listPrice": 529000}, "marketStats": {"yearBuilt": 1988, "livingArea": 1650}}
_PERMITS = "!Type|!Description|!Issued|!Finaled|!Status"


def _permits(*rows: str) -> str:
    return "<h2>Permits</h2>" + _rows(_PERMITS, *rows)


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        # the owner's address, which counts only if the owner lives at the property
        (_rows("Mailing Address|5150 SNYDER TR", "City, State, Zip|AMES, IA 50010"), "City", None),
        (_rows("Site Address|12 OAK ST", "City, State, Zip|AMES, IA 50010"), "City", "AMES"),
        (_rows("Site Address|12 OAK ST|Owner|DOE JANE", "City|AMES|Owner Address|PO BOX 7"), "City", "AMES"),
        (_rows("Location|47 PINE RD") + _rows("Owner|DOE", "Address|9 ELM ST, AMES, IA 50010"), "City", None),
        (_rows("Location|47 PINE RD") + _rows("Owner|DOE", "Address|47 PINE RD<br>AMES, IA 50010"), "City", "AMES"),
        (_rows("Owner|HOW AL", "|344 NW BIRCH RD", "|WHITE SPRINGS, FL 32096", "Site Address|"), "PostalCode", None),
        (_rows("Name / Address|DOE, JANE", "City|ELSEWHERE|State|NJ|Zip|08033-3861"), "PostalCode", None),
        (_rows("Address|PO BOX 318, AMES, IA 50010"), "City", None),
        (_rows("Location|4 miles north on Hwy 12"), "UnparsedAddress", None),
        ("<p>Made by Cards Inc, 451 Court Sq, Dayburg, OH 45422</p>", "StateOrProvince", None),
        # other sales, future sales, work on another roof, and unfinished or rejected work
        (_rows("Sale Date|08/12/2026"), "CloseDate", None),
        ("<h3>Comparable Sales</h3>" + _rows("!Sale Date|!Sale Price", "2/3/2026|$552,000"), "ClosePrice", None),
        (_permits("Re-roof|Tear off|08/19/2018|01/06/2019|Finaled"), "X_RoofYear", 2019),
        (_permits("Roofing|Carport roof|08/19/2018|02/01/2019|Finaled"), "X_RoofYear", None),
        (_permits("Solar|Roof mounted PV|08/19/2018|02/01/2019|Finaled"), "X_RoofYear", None),
        (_permits("Re-roof|Shingles|08/19/2022||Void"), "X_RoofYear", None),
        (_permits("Fence|Wood|02/01/2020|03/01/2020|", "Re-roof|Shingles|08/19/2022||"), "X_RoofYear", None),
        # amounts, areas, and counts of something else
        ("<p>Assessed: 2024 $251,400.00 $310,500.00 $298,410.00</p>", "TaxAssessedValue", None),
        ("<h3>Assessment 2025</h3><ul><li>Improvements – $214,700</li></ul>", "TaxAssessedValue", None),
        ("<p>Gross Tax: $1,877.20</p><p>Net Tax Due: $1,097.20</p>", "TaxAnnualAmount", 1097.2),
        (_SITE + _rows("Basement Living Area|700", "Finished Living Area|1,586"), "LivingArea", 1586),
        (_rows("Room addition, 240 sq ft|05/02/2019"), "LivingArea", None),
        (f"{_SITE}<p><b>Apx SF:</b> 2,068</p>", "LivingArea", None),
        ("<dl><dt>Lot (sq ft)</dt><dd>41 200 $</dd></dl>", "LotSizeArea", None),
        ("<dl><dt>Bedrooms</dt><dd>3rd floor</dd></dl>", "BedroomsTotal", None),
        (_rows("Roof Cover||Exterior Wall|Brick"), "Roof", None),
        (_rows("Market Value|$1l2,400"), "X_MarketValue", None),
        ("<form><label>Stories</label><input value='2'></form>", "StoriesTotal", None),
        ("<h3>Land</h3>" + _rows(_LAND, "1|LAND|Land|0.1653|120.00"), "PropertySubType", None),
        (_rows("Central Heat/Air Cond|CENTRAL HEAT"), "Cooling", None),
        (_rows("Permit|1010", "Description|Single Fam"), "PropertySubType", None),
        (_rows("Applies To|County|School", "Taxable|$400,000|$500,000"), "CountyOrParish", None),
        (_POOLS + _rows("Code|Description", "Inground Pool|2008"), "PoolPrivateYN", True),
        (_POOLS + _rows("Code|Description", "Pool House|2023"), "PoolPrivateYN", None),
        (_POOLS + _rows("Code|Description", "Pool|Removed 2019"), "PoolPrivateYN", None),
    ],
)
def test_a_county_s_card(body: str, field: str, value: Any) -> None:
    assert _card(body).get(field) == value


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        # values of other homes, past values, and estimates
        ("<p>Homes here have a median list price $612,000</p>", "ListPrice", 529_000),
        ("<form><select><option>$50,000</option></select></form>", "ListPrice", 529_000),
        (_rows("!Address|!Sold", "7 Elm St|1/2/2025"), "StandardStatus", "Active"),
        (_rows("!Date|!Event", "Jun 15, 2017|Sold"), "StandardStatus", "Active"),
        ("<div><div>Mar 3, 2025</div><div>Pending</div></div>" * 2, "StandardStatus", "Active"),
        ("<p class='is-hidden'>Pending</p><a href='#'>Read more</a>", "StandardStatus", "Active"),
        ("<h3>Also here</h3>" + _rows("!Lot|!Price|!Status", "6|$184,500|SOLD", "9|$1|Sold"), "ListPrice", 529_000),
        ("<ul><li>The clubhouse was built in 1998 and has 4,200 sq ft.</li></ul>", "YearBuilt", None),
        ("<p>Principal &amp; interest $2,264 · Property taxes $276</p>", "TaxAnnualAmount", None),
        (_rows("Home price|$529,000", "Down payment|$9", "Loan amount|$9", "Taxes|$411"), "TaxAnnualAmount", None),
        ("<p>Property tax: $411/mo</p>", "TaxAnnualAmount", None),
        ("<dl><dt>Average lot</dt><dd>0.31 acres</dd></dl>", "LotSizeArea", None),
        ("<h2>Similar homes</h2>" + "<p class='c'>3 ba</p>" * 2, "BathroomsTotalInteger", None),
        (f"<script>var s = {json.dumps(_MARKET)};</script>", "YearBuilt", None),
        ("<p>HOA: Oak Ridge HOA, 900 Elm Ave, Ames, IA 50014</p>", "AssociationFee", None),
        # other buildings, parts of the home, ranges, and things that the home lacks
        ("<p>There is a barn with a metal roof.</p>", "Roof", None),
        ("<p>Barn with new roof in 2021.</p>", "X_RoofYear", None),
        ("<p>Central Air: No, Attic: Yes</p>", "Cooling", None),
        ("<p>There is room for a 3-car garage.</p>", "ParkingTotal", None),
        ("<p>Backs to a park of 0.75 of an acre.</p>", "LotSizeArea", None),
        ("<dl><dt>Lot size</dt><dd>under 1/2 acre</dd></dl>", "LotSizeArea", None),
        (_rows("Sq Ft|up to 2,400", "Year built|Before 1940"), "LivingArea", None),
        ("<p>1 - 3 bedrooms, 2.5 - 3.5 baths</p>", "BathroomsTotalInteger", None),
        ("<ul><li>Lot size 8,000 sq ft</li></ul>", "LivingArea", None),
        ("<ul><li>Lot size 8,000 sq ft</li></ul>", "LotSizeArea", 8000),
        ("<ul><li>Land: 8,000 sq ft</li></ul>", "LivingArea", None),
        ("<p>The basement has one bath for guests and a second family room.</p>", "BathroomsTotalInteger", None),
        ("<p>Neighbor's solar array is hidden by trees.</p>", "PowerProductionType", None),
        (_rows("$/SqFt:|$175.16"), "LivingArea", None),
        ("<p>Area: 346 - Oak Park</p>", "LivingArea", None),
        ("<p>Floor: 18 of 26</p>", "StoriesTotal", None),
        ("<p>Solar ready conduit (panels not included).</p>", "PowerProductionType", None),
        ("<p>Pool Features: Community, In Ground</p>", "PoolPrivateYN", None),
        ("<ul><li>Non-gated community</li></ul>", "X_AccessNotes", None),
        ("<p>Heat: budget plan $120 a month</p>", "Heating", None),
        ("<p>Occupancy: Vacant</p>", "PropertySubType", None),
        ("<ul><li>Heating</li><li>Ceiling Fans</li></ul>", "Heating", None),
        # names of other people, firms, parcels, and places
        ("<p>HOA managed by <b>Stonepath Residential</b></p>", "ListOfficeName", None),
        (_rows("Office|11 x 10|Main"), "ListOfficeName", None),
        ("<h3>Our agents</h3><p>Royce Batterton</p><p>Calumet Brokers</p>", "ListOfficeName", None),
        (f"{_COURTESY}<p>Your agent: Mary Becker</p>", "ListAgentFullName", "Dana Holloway"),
        ("<p>Gate PIN 12-345-678 is sent to agents.</p>", "ParcelNumber", None),
        ("<p>Adjacent parcel 05-22-331-009 is for sale, too.</p>", "ParcelNumber", None),
        ("<p>Region: Central Ames</p>", "StateOrProvince", "IA"),
        ("<p>Municipality: Ames Township</p>", "City", "Ames"),
        ("<ul><li><a>Story County</a></li></ul>", "CountyOrParish", None),
    ],
)
def test_a_listing(body: str, field: str, value: Any) -> None:
    assert _listing(body).get(field) == value


_POINT = '"lat": 42.03471, "lng": -93.62017'


@pytest.mark.parametrize(
    ("body", "is_read"),
    [
        (f'<script type="application/json">{{"place": {{{_POINT}, "n": "so many"}}}}</script>', True),
        *(
            (f'<script type="application/json">{{"{key}": {{{_POINT}, "n": "so many"}}}}</script>', False)
            for key in ("viewer", "website", "defaultCenter", "office", "agent", "nearby", "pois", "bounds")
        ),
        ("<script>new Map({center: {lat: 42.035, lng: -93.62017}, zoom: 15, tiles: 'streets'});</script>", False),
        ("<div data-map-lat='42.03471' data-map-lng='-93.62017' data-title='12 Oak St'></div>", True),
        ("<div data-map-lat='42.03471' data-map-lng='-93.62017' data-title='Our Office'></div>", False),
    ],
)  # fmt: skip
def test_a_point_is_the_home_s_or_none(body: str, is_read: bool) -> None:
    assert ("Latitude" in _listing(body)) is is_read


def test_another_home_in_markup_is_ignored() -> None:
    homes = [
        {"@type": "House", "address": "12 Oak St, Ames, IA 50010", "yearBuilt": 1974},
        {"@type": "House", "address": {"streetAddress": "99 Elm St"}, "numberOfBathroomsTotal": 5},
    ]
    values = _listing(f'<script type="application/ld+json">{json.dumps(homes)}</script>')
    assert values["YearBuilt"] == 1974
    assert "BathroomsTotalInteger" not in values


@pytest.mark.parametrize("kind", ["HomeAndConstructionBusiness", ["RealEstateAgent", "Place"], "ProductReview"])
def test_a_business_or_a_review_in_markup_is_not_the_home(kind: Any) -> None:
    other = {"@type": kind, "name": "Piedmont Crest", "sku": "PCR-1", "yearBuilt": 1988}
    other["geo"] = {"latitude": 42.0597, "longitude": -93.8802}
    assert _listing(f'<script type="application/ld+json">{json.dumps(other)}</script>') == _listing("")


def test_similar_listings_and_estimates_in_markup_are_ignored() -> None:
    state = {"listing": {"id": 900120, "price": 310000, "bedrooms": 3, "bathrooms": 1, "city": "Salem"}}
    state["nearbyListings"] = [{"id": 1, "latitude": 44.1, "longitude": -123.1, "price": 1, "bedrooms": 9}]  # type: ignore[assignment]
    values = _page(f"<h1>4 Elm Rd</h1><script>window.__S__ = {json.dumps(state)};</script>", "4 Elm Rd")
    assert values["BedroomsTotal"] == 3
    assert "Latitude" not in values
    offer = (
        "<div itemscope itemtype='http://schema.org/Offer'><span itemprop='price'>1,208,000</span> <i>Est.</i></div>"
    )
    assert "ListPrice" not in _page(f"{offer}<h1>7 Elm Rd</h1><p>Beds: 3</p>", "7 Elm Rd")


def test_a_sold_home_s_price_asked_comes_from_its_label() -> None:
    facts = "<p>Bedrooms: 3</p><p>Year Built: 1954</p><p>Lot Size: 6,250 sq ft</p>"
    body = f"<div>SOLD MAR 28, 2025</div><h1>12 Oak St, Ames, IA 50010</h1><p>$548,000</p><p>Sold Price</p>{facts}"
    closed = "<li>Closed Price: $548,000</li><li>Closed Date: 03/28/2025</li>"
    labeled = _page(f"{body}<ul><li>List Price: $539,950</li>{closed}</ul>", "12 Oak St")
    assert (labeled["ListPrice"], labeled["ClosePrice"]) == (539950, 548000)
    assert (labeled["StandardStatus"], labeled["CloseDate"]) == ("Closed", "2025-03-28")
    assert "ListPrice" not in _page(f"{body}<ul>{closed}</ul>", "12 Oak St")


@pytest.mark.parametrize("event", ["Returned to Lender (REO)", "Lis Pendens / Judgment", "Notice of trustee sale"])
def test_a_lender_s_or_court_s_action_is_not_a_sale(event: str) -> None:
    sales = _rows("!Date|!Event|!Amount", f"02/21/2025|{event}|$51,230", "11/30/2006|Sold|$68,000")
    assert _card(f"<h3>Foreclosure / Sale History</h3>{sales}")["CloseDate"] == "2006-11-30"


def test_swapped_coordinates_are_corrected_and_foreign_ones_dropped() -> None:
    tags = (
        "<meta property='place:location:latitude' content='%s'><meta property='place:location:longitude' content='%s'>"
    )
    body, url = "<h1>Mieszkanie</h1><p>Cena: 500 000 zł</p>", "https://domy.example.pl/oferta/900120"
    values = _page(tags % ("21.0117", "52.2298") + body, "Mieszkanie", "pl", url)
    assert (values["Latitude"], values["Longitude"]) == (52.2298, 21.0117)
    assert "Latitude" not in _page(tags % ("21.0117", "-101.5") + body, "Mieszkanie", "pl", url)


def test_an_address_below_an_advertiser_or_a_lawyer_is_theirs() -> None:
    lawyer = "<h3>Maître Anne Dune, Avocat</h3><p>7, rue du Quai - 69002 Lyon</p>"
    offer = "<h1>Vente aux enchères : une maison</h1><h3>Mise à prix : 131 000 €</h3>"
    assert not {"City", "PostalCode"} & _page(f"{offer}{lawyer}", "Vente", "fr-FR").keys()
    office = {"name": "Dune & Fils", "location": {"street": "4 Rue Haute", "latitude": 50.61, "longitude": 4.31}}
    home = {"id": 900120, "price": 310_000, "bedrooms": 3, "bathrooms": 2, "yearBuilt": 1990, "customers": [office]}
    values = _page(f"<h1>House for sale</h1><script>var state = {json.dumps({'home': home})}</script>", "House")
    assert not {"UnparsedAddress", "Latitude", "Longitude"} & values.keys()


def test_a_range_of_areas_is_not_an_area() -> None:
    """Ranges are typical of pages about several homes."""
    plans = (
        "<ul><li><p>Square Feet</p><p>702 - 1,346 sq ft</p></li><li><p>Monthly Rent</p><p>$1,389 - $2,215</p></li></ul>"
    )
    assert "LivingArea" not in _page(f"<h1>The Larkmoor</h1>{plans}", "The Larkmoor - Apartments for rent")


@pytest.mark.parametrize("key", ["Abaya_18", "PUBLISHED"])
def test_a_key_of_a_script_is_neither_a_street_nor_a_region(key: str) -> None:
    home = {"id": 900120, "state": key, "street": key, "price": 310000, "bedrooms": 3, "yearBuilt": 1990}
    values = _page(f"<script>window.__S__ = {json.dumps(home)};</script>", "Home")
    assert values["YearBuilt"] == 1990
    assert not {"StateOrProvince", "StreetNumber"} & values.keys()


def test_texts_that_are_no_names() -> None:
    assert not any(map(texts.is_place_name, ("UNINCORPORATED", "² Angers")))
    assert not any(map(texts.looks_like_street, ("Range 30 / Township 22 / Section 27", "NEIGHBORHOOD - 6")))
    no_firms = ("Walk Score Inc.", "Senior Broker", "417 Mill Lane", "Your privacy choices", "Listings", "11 x 10")
    assert not any(map(texts.is_office, no_firms))
    assert all(
        map(texts.is_office, ("Walker & Sons Realty", "Senior Broker Realty", "12 Oaks Realty", "8z Real Estate"))
    )
