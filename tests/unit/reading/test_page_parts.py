"""Parts of a page are not cards of other homes, words beside a value are not part of it, and a county's card gives the
property's address, not the owner's.
"""

from __future__ import annotations

from typing import Any

import pytest

from app.property.values import address_lines, texts
from tests.plugins.read_pages import values_of

_URL = "https://homes.example/properties/71940288"


def _read(body: str, title: str = "3 bedroom house for sale in Elm Road, Anytown") -> dict[str, Any]:
    html = f"<html lang='en-GB'><head><title>{title}</title></head><body>{body}</body></html>"
    return values_of(html, _URL)


_HEAD = "<div><h1>Elm Road, Anytown, AB1 2CD</h1></div>"


def test_a_page_in_articles_with_links_to_a_glossary_is_read() -> None:
    """Price, facts, and description are each in an `article`, and no article is about another home."""
    parts = (
        "<article class='price'><div><span>£695,000</span></div><a href='/guide/price'>Read more</a></article>"
        "<article><dl><dt>Size</dt><dd>1,631 sq ft</dd><dt>Tenure <a href='/guide/tenure'>What is it?</a></dt>"
        "<dd>Freehold</dd></dl></article>"
        f"<article><h2>Description</h2><p>{'A house with a garden near the park. ' * 60}</p>"
        "<a href='/map'>Map</a></article>"
    )
    values = _read(f"{_HEAD}<main>{parts}</main>")
    assert (values["ListPrice"], values["X_Currency"]) == (695_000, "GBP")
    assert (values["LivingArea"], values["LivingAreaUnits"]) == (1631, "Square Feet")


def test_similar_articles_with_links_are_cards() -> None:
    cards = "".join(
        f"<article class='card'><a href='/properties/{n}'>Oak Road {n}</a><p>{n} bedrooms</p>"
        f"<p>Year built: 19{n}0</p></article>"
        for n in range(5, 8)
    )
    values = _read(f"{_HEAD}<p>Guide price £695,000</p><section>{cards}</section>")
    assert "YearBuilt" not in values
    assert values["ListPrice"] == 695_000


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("12 Elm St (view map)", "12 Elm St"),
        ("12 Elm St, Anytown | View on a larger map", "12 Elm St, Anytown"),
        ("12 Elm St [ Google Maps ]", "12 Elm St"),
        ("東京都北区 王子3丁目 周辺地図を見る", "東京都北区 王子3丁目"),
        ("東京都足立区 中央本町３丁目 Googleマップ", "東京都足立区 中央本町３丁目"),
        ("Астана, Нура р-н показать на карте", "Астана, Нура р-н"),
        ("Hauptstraße 5 auf Karte anzeigen", "Hauptstraße 5"),
        ("Map data ©2026 Terms", ""),
        ("12 Maple Dr", "12 Maple Dr"),
        ("5 Mapledale Ct", "5 Mapledale Ct"),
    ],
)
def test_words_of_a_map_link_are_not_part_of_an_address(written: str, kept: str) -> None:
    assert texts.before_map(written) == kept


@pytest.mark.parametrize(("written", "town"), [("Астана, Нура р-н", "Астана"), ("Dahlem, Berlin", "Berlin")])
def test_a_town_is_not_its_district(written: str, town: str) -> None:
    assert texts.town(written) == town


@pytest.mark.parametrize(("name", "is_office"), [("Walk Score Inc.", False), ("Walker & Sons Realty", True)])
def test_a_widget_provider_is_not_the_listing_office(name: str, is_office: bool) -> None:
    assert texts.is_office(name) is is_office


_PARCEL = "<table><tr><td>Parcel ID</td><td>82615002181</td></tr></table>"
_SITED = (
    "<table><tr><td>Parcel ID</td><td>82615002181</td><td>Site Location <label>*Note</label></td>"
    "<td><span>12 ELM DR # 15, ANYTOWN 34108</span></td></tr></table>"
)
_OWNED = (
    "<table><tr><td rowspan='2'>Name / Address</td><td colspan='5'>DOE, JANE</td></tr>"
    "<tr><td colspan='5'>2 FAR AWAY DR</td></tr><tr><td colspan='5'></td></tr>"
    "<tr><td>City</td><td>ELSEWHERE</td><td>State</td><td>NJ</td><td>Zip</td><td>08033-3861</td></tr></table>"
)
_ROLL = (
    "<table><tr><td>Applies To</td><td>County</td><td>School</td></tr>"
    "<tr><td>Taxable</td><td>$400,000</td><td>$500,000</td></tr></table>"
)


def _record(body: str) -> dict[str, Any]:
    url = "https://county.example/parcel?id=82615002181"
    html = f"<html lang='en'><head><title>Property appraiser</title></head><body>{body}</body></html>"
    return values_of(html, url)


def test_a_county_card_gives_the_sites_address_and_never_the_owners() -> None:
    """The site's label has a footnote, and its line has no state.

    The owner's town, state, and code have their own row.
    """
    values = _record(_SITED + _OWNED)
    assert (values["UnparsedAddress"], values["UnitNumber"]) == ("12 ELM DR # 15", "15")
    assert (values["City"], values["PostalCode"]) == ("ANYTOWN", "34108")
    assert "StateOrProvince" not in values


def test_without_a_site_address_the_owner_s_is_not_used() -> None:
    assert not {"City", "StateOrProvince", "PostalCode", "UnparsedAddress"} & _record(_PARCEL + _OWNED).keys()


def test_a_parcel_id_is_not_in_idaho_and_a_school_is_not_a_county() -> None:
    values = _record(_PARCEL + _ROLL)
    assert not {"City", "StateOrProvince", "CountyOrParish"} & values.keys()
    assert values["ParcelNumber"] == "82615002181"


def test_a_remark_below_a_sales_table_s_title_does_not_hide_its_subject() -> None:
    rows = (
        "<tr><td>03/28/12</td><td>4781-2905</td><td>$305,000</td></tr>"
        "<tr><td>02/04/98</td><td>2385-2349</td><td>$9,500</td></tr>"
    )
    head = "<tr><td colspan='3'>Latest sales</td></tr><tr><td colspan='3'>(Not all are listed)</td></tr>"
    columns = "<tr><td>Date</td><td>Book-Page</td><td>Amount</td></tr>"
    values = _record(f"{_PARCEL}<table><tbody>{head}{columns}</tbody><tfoot>{rows}</tfoot></table>")
    assert (values["CloseDate"], values["ClosePrice"]) == ("2012-03-28", 305_000)


def test_an_unincorporated_place_is_not_a_town() -> None:
    assert not texts.is_place_name("UNINCORPORATED")


def test_the_year_before_a_row_of_amounts_is_not_an_amount() -> None:
    values = _record(f"{_PARCEL}<div><p>Assessed: 2024 $251,400.00 $310,500.00 $298,410.00</p></div>")
    assert "TaxAssessedValue" not in values
    assert _record(f"{_PARCEL}<p>Assessed value: $298,410.00</p>")["TaxAssessedValue"] == 298_410


def test_a_canadian_postal_code_means_canadian_dollars() -> None:
    listed = "<h1>87 Elm Cres, Hamilton, ON L8T 3K6</h1><p>For sale</p><div>$749,900</div><p>3 bedrooms</p>"
    html = f"<html lang='en'><head><title>87 Elm Cres, Hamilton, ON L8T 3K6</title></head><body>{listed}</body></html>"
    values = values_of(html, _URL)
    assert (values["ListPrice"], values["X_Currency"]) == (749_900, "CAD")


@pytest.mark.parametrize(("text", "cools"), [("Oil forced air", False), ("Central air, oil furnace", True)])
def test_oil_heating_is_not_cooling(text: str, cools: bool) -> None:
    assert ("Cooling" in _record(f"{_PARCEL}<p>Cooling Type: {text}</p>")) is cools


@pytest.mark.parametrize("name", ["Your privacy choices", "Listings", "Agents in Anytown"])
def test_texts_of_footers_and_menus_are_not_offices(name: str) -> None:
    assert not texts.is_office(name)


def test_texts_that_are_not_places_streets_or_materials() -> None:
    assert not texts.is_place_name("² Angers")
    assert not texts.looks_like_street("NEIGHBORHOOD - 6")
    assert texts.features("jpg, Brick") == ["Brick"]


def test_a_markup_town_with_its_quarter_is_the_shown_town() -> None:
    """A town that the page contradicts would discredit its block."""
    card = (
        '<script type="application/ld+json">{"@type": "House", "address": {"@type": "PostalAddress", "streetAddress": '
        '"12 Elm Road", "addressLocality": "%s", "postalCode": "AB1 2CD"}, "numberOfRooms": 7}</script>'
    )
    shown = "<h1>12 Elm Road, Anytown, AB1 2CD</h1>"
    assert _read(card % "Anytown (Old Mill)" + shown)["RoomsTotal"] == 7
    assert "RoomsTotal" not in _read(card % "Othertown" + shown)


def test_the_halves_of_a_british_postal_code_are_joined() -> None:
    """The page shows only the first half of the code. The second half of the agency's own code is not used."""
    facts = '"bedrooms": 3, "bathrooms": 2, "price": 695000'
    state = f'<script>window.MODEL = {{{facts}, "address": {{"town": "Anytown", %s}}}};</script>'
    shown = "<h1>Elm Road, Anytown, AB1</h1><p>Guide price £695,000</p>"
    agency = "<footer>417 Mill Lane, Anytown, AB1 6QR</footer>"
    values = _read(state % '"outcode": "AB1", "incode": "2CD"' + shown + agency, title="House in Elm Road, AB1")
    assert values["PostalCode"] == "AB1 2CD"
    assert _read(state % '"outcode": "AB1"' + shown + agency, title="House in Elm Road, AB1")["PostalCode"] == "AB1"


def test_other_lots_for_sale_are_ignored() -> None:
    lots = "<table><tr><th>Lot</th><th>Price</th><th>Status</th></tr><tr><td>6</td><td>£184,500</td><td>%s</td></tr>"
    lots += "<tr><td>9</td><td>£225,000</td><td>Available</td></tr></table>"
    values = _read(f"{_HEAD}<p>Guide price £695,000</p><h3>Also in Elm Road</h3>{lots % 'SOLD'}")
    assert (values["StandardStatus"], values["ListPrice"]) == ("Active", 695_000)


@pytest.mark.parametrize(
    ("name", "is_office"),
    [
        ("Senior Broker", False),
        ("Real estate agent", False),
        ("12 avenue Jean Jaures", False),
        ("417 Mill Lane", False),
        ("Senior Broker Realty", True),
        ("12 Oaks Realty", True),
        ("8z Real Estate", True),
        ("Avenue Homes", True),
    ],
)
def test_a_title_or_a_street_is_not_a_firm(name: str, is_office: bool) -> None:
    assert texts.is_office(name) is is_office


def test_a_town_does_not_begin_with_a_unit_sign() -> None:
    line = address_lines.read("Vente maison 124 m² Angers (49000)", "FR")
    assert line is not None
    assert (line.city, line.postal_code) == ("Angers", "49000")


def test_a_person_with_a_title_is_not_a_firm() -> None:
    html = "<html lang='de'><body><h1>Haus kaufen</h1><dl><dt>Anbieter</dt><dd>Frau %s</dd></dl></body></html>"
    values = values_of(html % "Henrike Wandt", "https://heime.example/objekt/4711")
    assert (values.get("ListAgentFullName"), values.get("ListOfficeName")) == ("Henrike Wandt", None)
