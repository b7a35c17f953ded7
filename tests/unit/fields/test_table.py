"""The field table's rows are consistent, and so are the sets derived from them."""

from typing import get_args

import pytest

from app.property.fields.languages import languages
from app.property.fields.table import FIELDS, PEOPLE_FIELDS, FieldKind, FieldSpec, FieldType
from tests.plugins.read_pages import values_of

_STORED = {
    **{key: {"text"} for key in ("address", "choice", "currency", "identifier", "name", "place", "text", "unit")},
    **{key: {"number"} for key in ("area", "coordinate", "money")},
    **{"answer": {"boolean"}, "date": {"date"}, "features": {"texts"}, "rows": {"rows"}, "year": {"integer"}},
    **{"count": {"integer", "number"}, "links": {"text", "texts"}},
}


@pytest.mark.parametrize("spec", FIELDS.values(), ids=FIELDS)
def test_a_row_of_the_table_is_consistent(spec: FieldSpec) -> None:
    assert spec.type in get_args(FieldType)
    assert spec.kind in get_args(FieldKind)
    assert spec.type in _STORED[spec.kind]
    assert spec.meaning
    assert spec.pages
    assert set(spec.pages) <= {"listing", "record"}
    assert {spec.part_of, spec.bound_to, spec.goes_with} <= FIELDS.keys() | {None}
    assert not (spec.bound_to and spec.goes_with)
    assert bool(spec.values) == (spec.kind in ("choice", "unit"))
    assert (spec.years_ahead is not None) == (spec.kind == "year")
    assert not (spec.derived and spec.ask_model)
    for limits in (spec.range, spec.usual):
        assert limits is None or limits[0] < limits[1]
    if spec.range and spec.usual:
        assert spec.range[0] <= spec.usual[0]
        assert spec.usual[1] <= spec.range[1]


def test_every_kind_and_status_in_the_languages_is_one_of_the_fields_values() -> None:
    kinds = {key for sections in languages().values() for key in sections.get("kinds", {})}
    statuses = {key for sections in languages().values() for key in sections.get("status", {})}
    assert kinds - {"House", "Commercial"} == set(FIELDS["PropertySubType"].values)
    assert statuses - {"Sold Subject To Contract", "Off Market"} == set(FIELDS["StandardStatus"].values)


def test_later_export_columns_are_numbered_from_one() -> None:
    numbers = sorted(spec.appended for spec in FIELDS.values() if spec.appended is not None)
    assert numbers == list(range(1, len(numbers) + 1))


def test_only_the_agent_s_name_is_a_person_s_name() -> None:
    assert {"ListAgentFullName"} == PEOPLE_FIELDS


@pytest.mark.parametrize(("stated", "kept"), [("1499", None), ("1500", 1500), ("2032", 2032), ("2033", None)])
def test_a_year_outside_its_range_is_not_read(stated: str, kept: int | None) -> None:
    """The test pages were fetched in 2026. A house may be sold up to six years before it is built."""
    html = f"<html><body><h1>House</h1><dl><dt>Year built</dt><dd>{stated}</dd></dl></body></html>"
    assert values_of(html, "https://homes.example/1").get("YearBuilt") == kept


@pytest.mark.parametrize(("stated", "kept"), [("7 m²", None), ("8 m²", 8), ("60,000 m²", 60_000), ("60,001 m²", None)])
def test_an_area_has_a_range_in_square_meters(stated: str, kept: int | None) -> None:
    html = f"<html><body><h1>House</h1><dl><dt>Living area</dt><dd>{stated}</dd></dl></body></html>"
    assert values_of(html, "https://homes.example/1").get("LivingArea") == kept


def test_a_record_has_no_listing_fields() -> None:
    html = (
        "<html><head><title>Property Record Card</title></head><body><table>"
        "<tr><td>Parcel Number</td><td>12-345-678</td></tr><tr><td>Total Assessed Value</td><td>$210,000</td></tr>"
        "<tr><td>Site Address</td><td>12 Oak St, Ames, IA 50010</td></tr>"
        "<tr><td>Listing Agent</td><td>Dana Holloway</td></tr></table></body></html>"
    )
    assert (
        values_of(html, "https://county.example/card").keys()
        & {name for name, spec in FIELDS.items() if "record" not in spec.pages}
        == set()
    )
