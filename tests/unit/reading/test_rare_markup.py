"""Markup and spellings that are not on any page of the corpora."""

import json
from typing import Any

import pytest

from tests.plugins.read_pages import values_of

_HOUSE = "<h1>House for sale</h1>"


def _read(body: str, lang: str = "en", title: str = "", url: str = "https://homes.example/p/900120") -> dict[str, Any]:
    return values_of(f"<html lang='{lang}'><head><title>{title}</title></head><body>{body}</body></html>", url)


def test_rows_that_react_streams_as_strings_are_read_as_state() -> None:
    home = {"id": 900120, "price": 410_000, "bedrooms": 2, "bathrooms": 1, "city": "Santos", "country": "BR"}
    rows = '1:"$Sreact.fragment"\n2:I[33,["/chunk.js"],"default"]\n7:' + json.dumps(["$", "$L2", None, {"home": home}])
    push = f"self.__next_f.push([1,{json.dumps(rows + ' ' * 200)}])"
    values = _read(f"<h1>Apartamento à venda</h1><script>{push}</script>", "pt-BR")
    assert (values["ListPrice"], values["BedroomsTotal"], values["City"]) == (410_000, 2, "Santos")


def test_a_postal_code_that_a_script_states_as_a_decimal_number_is_read() -> None:
    home = {"yearBuilt": 1974, "zip": 50010.0, "city": "Ames", "address": "12 Oak St", "state": "IA"}
    values = _read(f"<h1>12 Oak St</h1><script>var s = {json.dumps({'parcel': home})};</script><p>12 Oak St, 50010</p>")
    assert values["PostalCode"] == "50010"


def test_a_line_that_begins_with_a_postal_code_has_no_street() -> None:
    line = {"street_address": "07690 Sa Rapita, Illes Balears, Spain", "country": "Spain"}
    home = {"id": 900120, "price": 85_000, "bathrooms": 1, "bedrooms": 3, **line}
    values = _read(f"{_HOUSE}<script>var state = {json.dumps({'home': home})}</script>")
    assert "UnparsedAddress" not in values
    assert (values["City"], values["PostalCode"]) == ("Sa Rapita", "07690")


@pytest.mark.parametrize(("town", "is_read"), [("Karaganda", True), ("Актау", False)])
def test_a_town_in_another_script_does_not_contradict_the_shown_town(town: str, is_read: bool) -> None:
    home = {"id": 2045516, "price": 31700000, "rooms": 3, "map": {"lat": 49.8042, "lon": 73.0871}, "city": town}
    facts = "".join(
        f"<div><div>{label}</div><div>{value}</div></div>"
        for label, value in (("Город", "Караганда"), ("Площадь", "71.5 м²"), ("Год постройки", "2016"))
    )
    body = f"<h1>3-комнатная квартира</h1><p>31 700 000 ₸</p>{facts}<script>var data = {json.dumps({'advert': home})}"
    values = _read(f"{body}</script>", "ru", "Продажа квартиры, Караганда", "https://dom.example.kz/show/2045516")
    assert values["City"] == "Караганда"
    assert ("Latitude" in values) is is_read


def test_a_unit_s_name_for_screen_readers_is_not_a_label() -> None:
    unit = "<span><span>m²</span> <span class='sr-only'>square meters</span></span>"
    rows = f"<tr><th>Living area</th><td>164 {unit}</td></tr><tr><th>Bathrooms</th><td>1</td></tr>"
    plot = f"<h2>Exterior</h2><table><tr><th>Surface of the plot</th><td>1210 {unit}</td></tr></table>"
    values = _read(f"{_HOUSE}<p>Price: €310,000</p><table>{rows}</table>{plot}")
    assert (values["LivingArea"], values["LivingAreaUnits"]) == (164, "Square Meters")
    assert (values["BathroomsTotalInteger"], values["LotSizeArea"]) == (1, 1210)
    assert "ConstructionMaterials" not in values


@pytest.mark.parametrize(("written", "agent"), [("<span>楠本</span><span>（くすもと）</span>", "楠本"), ("売主", None)])
def test_a_surname_names_the_agent_and_a_role_does_not(written: str, agent: str | None) -> None:
    rows = f"<tr><th>価格</th><td>3,150万円</td></tr><tr><th>担当者</th><td>{written}</td></tr>"
    assert _read(f"<table>{rows}</table>", "ja", "中古マンション").get("ListAgentFullName") == agent


def test_a_county_card_gives_the_sites_address_and_never_the_owners() -> None:
    body = (
        "<table><tr><td>Parcel ID</td><td>82615002181</td><td>Site Location <label>*Note</label></td>"
        "<td><span>12 ELM DR # 15, ANYTOWN 34108</span></td></tr></table>"
        "<table><tr><td rowspan='2'>Name / Address</td><td colspan='5'>DOE, JANE</td></tr>"
        "<tr><td colspan='5'>2 FAR AWAY DR</td></tr>"
        "<tr><td>City</td><td>ELSEWHERE</td><td>State</td><td>NJ</td><td>Zip</td><td>08033-3861</td></tr></table>"
    )
    values = _read(body, title="Property appraiser")
    assert (values["UnparsedAddress"], values["UnitNumber"]) == ("12 ELM DR # 15", "15")
    assert (values["City"], values["PostalCode"]) == ("ANYTOWN", "34108")
    assert "StateOrProvince" not in values


def test_totals_of_values_are_read_and_their_parts_are_not() -> None:
    cells = (("", "Appraised", "Assessed"), ("Land", "$118,000", "$41,300"), ("Total", "$520,350", "$182,123"))
    rows = (
        "".join(f"<{tag}>{cell}</{tag}>" for cell in row) for tag, row in zip(("th", "td", "td"), cells, strict=True)
    )
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    parcel = "<p>Parcel Number: 12-345-678</p><p>Site Address: 12 Oak St, Ames, IA 50010</p>"
    values = _read(f"{parcel}<h3>Values 2025</h3><table>{table}</table>", title="Property Record Card")
    assert (values["X_MarketValue"], values["TaxAssessedValue"], values["TaxYear"]) == (520350, 182123, 2025)
