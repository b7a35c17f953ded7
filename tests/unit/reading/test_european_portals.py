"""Conventions of portals and agencies in Spain, France, Belgium, and Brazil, each on the smallest page."""

from __future__ import annotations

import json
from typing import Any

from app.property.reading.base import Extraction
from app.property.reading.pipeline import extract
from benchmarks.extraction.proof import faults
from tests.plugins.read_pages import page_of

_URL = "https://homes.example/p/900120"


def _extracted(body: str, lang: str = "en", head: str = "") -> Extraction:
    html = f'<html lang="{lang}"><head>{head}</head><body>{body}</body></html>'
    found = extract(page_of(html, _URL))
    assert list(faults("p", found)) == []
    return found


def _read(body: str, lang: str = "en", head: str = "") -> dict[str, Any]:
    return dict(_extracted(body, lang, head).record.values)


def _state(lang: str = "en", body: str = "<h1>House for sale</h1>", **values: Any) -> dict[str, Any]:
    return _read(f"{body}<script>var state = {json.dumps({'home': values})}</script>", lang)


def test_a_description_in_markup_is_quoted_from_its_first_word() -> None:
    style = "<div style='font-size: 18px; font-weight: 700; line-height: 22px; color: rgb(60, 60, 60)'>"
    text = "The house lies on two floors and has a wide view over the bay and the old harbour of the town."
    home = {"price": 310_000, "bedrooms": 3, "bathrooms": 2, "description": f"{style * 3}{text}</div>"}
    found = _extracted(f"<h1>House for sale</h1><script>var state = {json.dumps({'home': home})}</script>")
    assert found.record.evidence["PublicRemarks"].quote.startswith("The house lies")


def test_an_advertiser_s_address_is_not_the_property_s() -> None:
    office = {"name": "Dune & Fils", "location": {"street": "4 Rue Haute", "latitude": 50.61, "longitude": 4.31}}
    home = {"id": 900120, "price": 310_000, "bedrooms": 3, "bathrooms": 2, "yearBuilt": 1990, "customers": [office]}
    values = _state(**home)
    assert not {"UnparsedAddress", "Latitude", "Longitude"} & values.keys()
    assert values["ListOfficeName"] == "Dune & Fils"


def test_a_unit_s_name_for_screen_readers_is_not_a_label() -> None:
    unit = "<span><span>m²</span> <span class='sr-only'>square meters</span></span>"
    rows = f"<tr><th>Living area</th><td>164 {unit}</td></tr><tr><th>Bathrooms</th><td>1</td></tr>"
    plot = f"<h2>Exterior</h2><table><tr><th>Surface of the plot</th><td>1210 {unit}</td></tr></table>"
    values = _read(f"<h1>House for sale</h1><p>Price: €310,000</p><table>{rows}</table>{plot}")
    assert (values["LivingArea"], values["LivingAreaUnits"]) == (164, "Square Meters")
    assert (values["BathroomsTotalInteger"], values["LotSizeArea"]) == (1, 1210)
    assert "ConstructionMaterials" not in values


def test_a_building_s_age_is_not_a_material() -> None:
    home = {"id": 900120, "price": 85_000, "bathrooms": 1, "bedrooms": 3, "surface": 88}
    assert "ConstructionMaterials" not in _state(constructionType="secondHand", **home)
    assert _state(constructionType="Brick", **home)["ConstructionMaterials"] == ["Brick"]


def test_a_title_that_parsers_move_into_the_body_is_read() -> None:
    title = "<title>House for sale in Tubize</title>"
    values = _read(f"{title}<h1>House in Tubize</h1><p>Price: €310,000</p>", head="<p>x</p>")
    assert values["StandardStatus"] == "Active"


def test_two_articles_of_different_classes_are_not_cards() -> None:
    links = "<article class='Around'><a href='/south'>South</a></article>"
    own = "<article class='Own'><p>Price: €310,000</p><p>Bedrooms: 3</p><a href='/print/900120'>Print</a></article>"
    assert _read(f"<h1>House for sale</h1><div>{links}{own}</div>")["ListPrice"] == 310_000
    cards = own.replace("'Own'", "'Around'")
    assert "BedroomsTotal" not in _read(f"<h1>House for sale</h1><div>{links}{cards}</div>")


def test_an_address_below_a_lawyer_s_name_is_the_lawyer_s() -> None:
    lawyer = "<h3>Maître Anne Dune, Avocat</h3><p>7, rue du Quai - 69002 Lyon</p>"
    offer = "<h1>Vente aux enchères : une maison</h1><h3>Mise à prix : 131 000 €</h3>"
    assert not {"City", "PostalCode"} & _read(f"{offer}{lawyer}", "fr-FR").keys()


def test_a_number_behind_a_comma_is_the_house_number() -> None:
    home = {"id": 900120, "price": 85_000, "bathrooms": 1, "bedrooms": 3, "surface": 88}
    assert _state("es-ES", location="Avenida del Mar, 21", **home)["UnparsedAddress"] == "Avenida del Mar, 21"


def test_a_line_that_begins_with_a_postal_code_has_no_street() -> None:
    home = {"id": 900120, "price": 85_000, "bathrooms": 1, "bedrooms": 3, "country": "Spain"}
    values = _state(street_address="07690 Sa Rapita, Illes Balears, Spain", **home)
    assert "UnparsedAddress" not in values
    assert (values["City"], values["PostalCode"]) == ("Sa Rapita", "07690")


def test_keys_of_spanish_databases_are_known_on_english_pages() -> None:
    home = {"num_habitaciones": 2, "num_banos": 1, "m_construidos": 82, "ano_constr": 1910, "city": "Madrid"}
    values = _state(country="Spain", **home)
    assert (values["BedroomsTotal"], values["BathroomsTotalInteger"]) == (2, 1)
    assert (values["LivingArea"], values["YearBuilt"]) == (82, 1910)
    counted = _state(count_bedrooms=3, count_bathrooms=2.0, constructed_area=210.0, country="Spain", city="Palma")
    assert (counted["BedroomsTotal"], counted["BathroomsTotalInteger"], counted["LivingArea"]) == (3, 2, 210)


def test_a_monthly_price_is_a_rent() -> None:
    rows = "<tr><td>Monthly Price:</td><td>€1,450</td></tr>"
    values = _read(f"<h1>Flat for rent</h1><table>{rows}</table>")
    assert (values["ListPrice"], values["X_PricePeriod"]) == (1450, "month")


def test_a_building_s_fee_for_owners_is_the_association_fee() -> None:
    brazil = "<h1>Apartamento à venda</h1><div><p>Venda</p><p>R$ 410.000</p></div>"
    values = _read(f"{brazil}<div><p>Condomínio</p><p>R$ 520/mês</p></div>", "pt-BR")
    assert (values["ListPrice"], values["AssociationFee"], values["AssociationYN"]) == (410_000, 520, True)
    spain = "<h1>Piso en venta</h1><p>Precio: 185.000 €</p>"
    values = _read(f"{spain}<p>Gastos de comunidad: 60 €/mes</p>", "es-ES")
    assert (values["ListPrice"], values["AssociationFee"]) == (185_000, 60)


def test_rows_that_react_streams_as_strings_are_read_as_state() -> None:
    home = {"id": 900120, "price": 410_000, "bedrooms": 2, "bathrooms": 1, "city": "Santos", "country": "BR"}
    rows = '1:"$Sreact.fragment"\n2:I[33,["/chunk.js"],"default"]\n7:' + json.dumps(["$", "$L2", None, {"home": home}])
    push = f"self.__next_f.push([1,{json.dumps(rows + ' ' * 200)}])"
    values = _read(f"<h1>Apartamento à venda</h1><script>{push}</script>", "pt-BR")
    assert (values["ListPrice"], values["BedroomsTotal"], values["City"]) == (410_000, 2, "Santos")


def test_a_duplex_is_a_flat_on_two_floors_in_europe() -> None:
    offer = "<h1>Duplex for sale in Calle del Mar</h1><p>Price: 310,000 €</p>"
    assert _read(offer, "en-ES")["PropertySubType"] == "Apartment"
    assert _read("<h1>Duplex for sale</h1><p>Price: $310,000</p>", "en-US")["PropertySubType"] == "Duplex"


def test_a_professional_advertiser_is_the_listing_office() -> None:
    advertiser = "<div><div>Professional advertiser</div><span>Casa Clara Costa</span></div>"
    assert _read(f"<h1>Flat for sale</h1><p>Price: €310,000</p>{advertiser}")["ListOfficeName"] == "Casa Clara Costa"


def test_a_separate_house_number_is_placed_as_the_country_writes_it() -> None:
    home = {"price": 310_000, "bedrooms": 3, "bathrooms": 2, "street_address": "Calle Clara", "street_number": "21"}
    assert _state(country="Spain", city="Toledo", **home)["UnparsedAddress"] == "Calle Clara 21"
    assert _state(country="United Kingdom", city="Leeds", **home)["UnparsedAddress"] == "21 Calle Clara"


def test_a_province_is_preferred_to_a_region() -> None:
    home = {"price": 310_000, "bedrooms": 3, "bathrooms": 2, "city": "Namur", "country": "Belgium"}
    place = {"region": "Wallonia", "province": "Namur"}
    assert _state(**home, **place)["StateOrProvince"] == "Namur"
    assert _state(**home, location=place)["StateOrProvince"] == "Namur"
    assert _state(**home, region="Wallonia")["StateOrProvince"] == "Wallonia"
