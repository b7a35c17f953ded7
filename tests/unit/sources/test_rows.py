"""In a response with several properties, each property is read separately, and only the requested one is chosen."""

import json
from typing import Any

import pytest

from app.property.address import Address
from app.property.page import Page
from app.property.reading.pipeline import extract, extract_rows
from app.property.reading.pointers import pointed
from app.property.record import Method, PageKind
from app.property.sources.address_match import Verdict
from app.property.sources.rows import choose
from app.property.urls.rows import answer_of, is_row, row_url
from app.property.urls.targets import address_of_target, normalize_target
from tests.plugins.read_pages import page_of

URL = "https://gis.example/query?street=300"
WANTED = "300 Example Blvd Unit 2, Anytown, ST 00000"
ROWS: list[dict[str, Any]] = [
    {"parcel_id": f"0300-000{n}", "situs_address": "300 EXAMPLE BLVD", "unit": str(n), "city": "ANYTOWN", "state": "ST",
     "zip": "00000", "year_built": 1980 + n, "living_area_sqft": 900 + n, "assessed_value": 100_000 + n}
    for n in (1, 2, 3)
]  # fmt: skip
ARCGIS = {
    "spatialReference": {"wkid": 4326},
    "fields": [{"name": "YRB", "alias": "Year Built"}, {"name": "PIN_1", "alias": "Parcel ID"}],
    "features": [
        {"attributes": {"PIN_1": f"0300-000{n}", "YRB": 1980 + n, "SITUS_ADDR": f"{300 + n} EXAMPLE BLVD"},
         "centroid": {"x": -98.0 - n / 100, "y": 39.4 + n / 100}}
        for n in (1, 2, 3)
    ],
}  # fmt: skip
#: Layouts of a response with several properties, each with a JSON pointer to its second property.
SHAPES = [
    (ROWS, "/1"),
    ({"results": ROWS}, "/results/1"),
    ({"count": 3, "next": None, "parcels": ROWS}, "/parcels/1"),
    ({"status": "ok", "data": {"total": 3, "items": ROWS}}, "/data/items/1"),
    ({"type": "FeatureCollection", "features": [{"type": "Feature", "properties": row} for row in ROWS]},
     "/features/1/properties"),
    ({"features": [{"attributes": row} for row in ROWS]}, "/features/1/attributes"),
]  # fmt: skip


def page(body: Any) -> Page:
    return page_of(json.dumps(body), URL, "application/json")


@pytest.mark.parametrize(("body", "pointer"), SHAPES, ids=[where for _, where in SHAPES])
def test_each_object_of_a_list_is_read_separately_with_its_own_evidence(body: Any, pointer: str) -> None:
    found = page(body)
    assert extract(found).kind is PageKind.SEARCH
    rows = extract_rows(found, lambda _: True)
    assert [row.kind for row in rows] == [PageKind.RECORD] * 3
    for number, row in enumerate(rows, start=1):
        stated = row.record.values
        assert (stated["ParcelNumber"], stated["UnitNumber"]) == (f"0300-000{number}", str(number))
        assert (stated["YearBuilt"], stated["LivingArea"]) == (1980 + number, 900 + number)
        assert (stated["TaxAssessedValue"], stated["PostalCode"]) == (100_000 + number, "00000")
        for proof in row.record.evidence.values():
            assert proof.method is Method.DERIVED or proof.locator.startswith(f"{row.row}/")
    assert rows[1].row == pointer
    assert pointed(body, rows[1].record.evidence["YearBuilt"].locator.rpartition("#")[2]) == 1982


def test_the_columns_and_the_place_of_an_arcgis_feature_are_its_own() -> None:
    rows = extract_rows(page(ARCGIS), lambda _: True)
    assert [row.record.values["YearBuilt"] for row in rows] == [1981, 1982, 1983]
    assert [row.record.values["Latitude"] for row in rows] == [39.41, 39.42, 39.43]
    assert [row.record.values["Longitude"] for row in rows] == [-98.01, -98.02, -98.03]
    assert rows[2].record.evidence["Latitude"].locator == "/features/2/centroid/y"


def test_only_relevant_objects_are_read_and_other_bodies_have_no_rows() -> None:
    (row,) = extract_rows(page(ROWS), lambda text: "0300-0002" in text)
    assert row.record.values["ParcelNumber"] == "0300-0002"
    assert len(extract_rows(page(ROWS), lambda _: True, most=2)) == 2
    for body in (ROWS[0], [ROWS[0]], {"results": []}, {"error": {"code": 404}}, [1, 2]):
        assert extract_rows(page(body), lambda _: True) == []


# --- choosing a row


def wanted(text: str = WANTED) -> Address:
    return address_of_target(normalize_target(text))


def row(number: int = 2, unit: str | None = "2", **more: Any) -> dict[str, Any]:
    values = {"StreetNumber": "300", "StreetName": "Example Blvd", "UnitNumber": unit, "City": "Anytown",
              "PostalCode": "00000", "ParcelNumber": f"0300-000{number}", **more}  # fmt: skip
    return {name: value for name, value in values.items() if value is not None}


def test_the_requested_unit_is_chosen() -> None:
    found = choose([row(1, "1"), row(2, "2"), row(3, "3")], 3, wanted())
    assert (found.place, found.verdict) == (1, Verdict.WANTED)
    assert "of 3 properties that it lists" in found.reason


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([row(1, "1"), row(3, "3")], Verdict.OTHER),  # only other units
        ([row(1, None), row(2, None)], Verdict.UNKNOWN),  # no row names a unit
        ([row(1, "2", StreetNumber="301"), row(2, "2", StreetNumber="302")], Verdict.OTHER),  # neighboring houses
        ([row(1, "2", City="Otherville", PostalCode="11111"), row(2, "1")], Verdict.OTHER),  # a row of another town
        ([], Verdict.OTHER),
    ],
)
def test_a_neighbor_is_never_chosen_instead(rows: list[dict[str, Any]], verdict: Verdict) -> None:
    found = choose(rows, 9, wanted())
    assert (found.place, found.verdict, found.is_open) == (None, verdict, False)
    assert "it lists 9 properties" in found.reason


def test_of_two_parcels_at_one_address_only_a_parcel_named_by_another_source_is_chosen() -> None:
    """A lot may have two parcels: one with the house, and a strip of grass."""
    rows = [row(1, None, YearBuilt=1987), row(2, None, LotSizeArea=0.1)]
    house = wanted("300 Example Blvd, Anytown, ST 00000")
    doubt = choose(rows, 2, house)
    assert (doubt.place, doubt.verdict, doubt.is_open) == (None, Verdict.UNKNOWN, True)
    assert "0300-0001, 0300-0002" in doubt.reason
    assert choose(rows, 2, house, {"03000001"}).place == 0
    assert choose(rows, 2, house, {"03000002"}).place == 1
    assert choose(rows, 2, house, {"99990000"}).place is None


def test_of_one_parcel_listed_twice_the_fullest_row_is_chosen_unless_they_differ() -> None:
    house = wanted("300 Example Blvd, Anytown, ST 00000")
    bare, full = row(1, None, YearBuilt=1987), row(1, None, YearBuilt=1987, LivingArea=900)
    assert choose([bare, full], 2, house).place == 1
    cards = choose([full, row(1, None, YearBuilt=1999, LivingArea=120)], 2, house)
    assert (cards.place, cards.verdict) == (None, Verdict.UNKNOWN)
    assert "differ in LivingArea, YearBuilt" in cards.reason


def test_the_url_of_a_row_does_not_depend_on_its_position() -> None:
    assert row_url(URL, row(2)) == f"{URL}#parcel=3000002"
    assert row_url(URL, row(2, "2B", ParcelNumber=None)) == f"{URL}#address=300%20example%20blvd%202b"
    assert row_url(URL, {"YearBuilt": 1987}) is None
    assert answer_of(f"{URL}#parcel=3000002") == URL
    assert (is_row(f"{URL}#parcel=3000002"), is_row(URL)) == (True, False)
