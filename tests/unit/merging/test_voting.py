"""The winning source is chosen by rank, method, freshness, agreement, and consistency with the other values."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.property.merging.merge import Merged, merge
from app.property.merging.weights import freshness, rank
from app.property.record import FIELDS, Method, SourceKind
from app.property.source_record import SourceRecord
from tests.plugins.page_records import page_record

T0 = datetime(2026, 6, 1, tzinfo=UTC)
SALE = {"CloseDate": "2021-06-01", "ClosePrice": 310_000}
TAX = {"TaxYear": 2025, "TaxAssessedValue": 210_000}
FEET = {"LivingAreaUnits": "Square Feet"}
HOUSE = {"LivingArea": 1410, **FEET, "BedroomsTotal": 3, "ListPrice": 349_900, "X_Currency": "USD"}


def source_of(
    name: str, values: Mapping[str, Any], kind: SourceKind | None = None, *, confidence: float = 0.9,
    days_old: float = 0, method: Method = Method.LABEL,
) -> SourceRecord:  # fmt: skip
    at = T0 - timedelta(days=days_old)
    url = f"https://{name}" if "/" in name else f"https://{name}.example/"
    return page_record(url, values, at, source_kind=kind, method=method, confidence=confidence)


def merged(*sources: SourceRecord) -> Merged:
    """Merge the sources in every order and check that the result is the same."""
    found = [merge(order) for order in itertools.permutations(sources)]
    assert all(other == found[0] for other in found)
    return found[0]


@pytest.mark.parametrize(
    ("field", "right", "kind", "wrong", "other"),
    [
        ("TaxAssessedValue", 210_000, SourceKind.ASSESSOR, 230_000, SourceKind.PORTAL),
        ("ParcelNumber", "31-22-0012", SourceKind.TAX_ROLL, "31-22-0099", SourceKind.PORTAL),
        ("YearBuilt", 1987, SourceKind.ASSESSOR, 1990, SourceKind.PORTAL),
        ("ListPrice", 350_000, SourceKind.PORTAL, 300_000, SourceKind.ASSESSOR),
        ("StandardStatus", "Active", SourceKind.PORTAL, "Closed", SourceKind.ASSESSOR),
        ("X_RoofYear", 2019, SourceKind.PERMITS, 2004, SourceKind.PORTAL),
        ("AssociationFee", 85, SourceKind.ASSOCIATION, 120, SourceKind.PORTAL),
        ("LotSizeArea", 9000, SourceKind.GIS, 9900, SourceKind.PORTAL),
        ("Latitude", 39.8, SourceKind.GIS, 39.9, SourceKind.PORTAL),
    ],
)
def test_each_source_wins_on_the_fields_it_is_responsible_for(
    field: str, right: Any, kind: SourceKind, wrong: Any, other: SourceKind
) -> None:
    found = merged(source_of("a", {field: right}, kind), source_of("b", {field: wrong}, other))
    assert found.values[field] == right
    (loser,) = [say for say in found.conflicts[field] if say.verdict == "conflict"]
    assert "ranks below" in loser.reason


def test_two_sources_that_agree_outvote_one_better_source() -> None:
    found = merged(
        source_of("county", {"YearBuilt": 1978}, SourceKind.ASSESSOR),
        source_of("a", {"YearBuilt": 1987}, SourceKind.PORTAL),
        source_of("b", {"YearBuilt": 1987}, SourceKind.PORTAL),
    )
    assert found.values["YearBuilt"] == 1987
    assert [one.verdict for one in found.source_values["YearBuilt"]] == ["won", "agrees", "conflict"]


def test_pages_of_one_site_have_one_vote() -> None:
    one, two = (source_of(f"a.example/{n}", {"YearBuilt": 1987}, SourceKind.PORTAL) for n in range(2))
    found = merged(source_of("county", {"YearBuilt": 1978}, SourceKind.ASSESSOR), one, two)
    assert found.values["YearBuilt"] == 1978


def test_a_model_s_value_loses_to_markup_of_the_same_confidence() -> None:
    found = merged(
        source_of("a", {"YearBuilt": 1987}, method=Method.LLM),
        source_of("b", {"YearBuilt": 1990}, method=Method.JSONLD),
    )
    assert found.values["YearBuilt"] == 1990


@pytest.mark.parametrize("factor", [0.01, 10, 1000])
@pytest.mark.parametrize("field", ["ListPrice", "LivingArea", "TaxAssessedValue"])
def test_a_moved_decimal_point_loses_to_two_sources_at_any_confidence(field: str, factor: float) -> None:
    values = {"ListPrice": 350_000, "TaxAssessedValue": 210_000, "LivingArea": 1410, **FEET}
    good = {name: values[name] for name in {field} | (set(FEET) if field == "LivingArea" else set())}
    found = merged(
        source_of("a", {**good, field: values[field] * factor}, SourceKind.ASSESSOR, confidence=0.99),
        source_of("b", good, confidence=0.4),
        source_of("c", good, confidence=0.4),
    )
    assert found.values[field] == values[field]
    (slip,) = [say for say in found.conflicts[field] if say.verdict == "conflict"]
    assert "decimal point" in slip.reason


def test_a_wrong_unit_loses_to_two_sources() -> None:
    good = {"LivingArea": 1410, **FEET}
    found = merged(
        source_of("a", {"LivingArea": 1410, "LivingAreaUnits": "Square Meters"}, SourceKind.ASSESSOR, confidence=0.99),
        source_of("b", good, confidence=0.4),
        source_of("c", {"LivingArea": 131, "LivingAreaUnits": "Square Meters"}, confidence=0.5),
    )
    square_meters = {"Square Feet": 0.0929, "Square Meters": 1}[found.values["LivingAreaUnits"]]
    assert found.values["LivingArea"] * square_meters == pytest.approx(131, rel=0.01)
    assert ["mixed up" in one.reason for one in found.conflicts["LivingArea"]] == [False, False, True]


@pytest.mark.parametrize(
    ("good", "slip"),
    [
        ({}, {"LivingArea": 14_100}),
        ({}, {"LivingAreaUnits": "Square Meters"}),
        ({}, {"ListPrice": 3_499_000}),
        ({"TaxAssessedValue": 210_000}, {"TaxAssessedValue": 2_100_000}),
        ({"TaxAssessedValue": 210_000, "TaxAnnualAmount": 3900}, {"TaxAnnualAmount": 39_000}),
        ({"LotSizeArea": 0.25, "LotSizeUnits": "Acres"}, {"LotSizeArea": 25.0}),
        ({"LotSizeArea": 9000, "LotSizeUnits": "Square Feet"}, {"LotSizeUnits": "Acres"}),
        ({}, {"BedroomsTotal": 30}),
        ({"StoriesTotal": 2}, {"StoriesTotal": 20}),
        ({"YearBuilt": 1987}, {"YearBuilt": 2987}),
        (TAX, {"TaxYear": 2052}),
    ],
)
@pytest.mark.parametrize("kinds", [(SourceKind.ASSESSOR, SourceKind.PORTAL), (SourceKind.PORTAL, SourceKind.ASSESSOR)])
def test_a_value_that_fits_no_other_value_loses(
    good: dict[str, Any], slip: dict[str, Any], kinds: tuple[SourceKind, SourceKind]
) -> None:
    house = {**HOUSE, **good}
    found = merged(source_of("a", house, kinds[0]), source_of("b", {**house, **slip}, kinds[1]))
    assert {name: found.values[name] for name in house} == house
    (field,) = [name for name in found.conflicts if name in {*slip, "LivingArea", "LotSizeArea"}]
    (loser,) = [say for say in found.conflicts[field] if say.verdict == "conflict"]
    assert loser.source.url == "https://b.example/"


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("StreetName", "North Maple Street", "N Maple St"),
        ("StreetName", "Maple St", "Mapel St"),
        ("UnparsedAddress", "12 Main St., Springfield, IL 62701", "12 MAIN STREET"),
        ("City", "Saint Louis", "St. Louis"),
        ("City", "City of Springfield", "Springfield"),
        ("CountyOrParish", "Sangamon County", "SANGAMON"),
        ("PostalCode", "62701-1234", "62701"),
        ("ParcelNumber", "031-22.0012", "31220012"),
        ("SubdivisionName", "Oak Hills Subdivision", "OAK HILLS SUB"),
        ("ListAgentFullName", "Jane Q. Doe", "DOE, JANE"),
        ("ListOfficeName", "Fictional Homes, LLC", "Fictional Homes"),
        ("Roof", ["Composition Shingle"], ["Shingle"]),
        ("X_PriceHistory", [{"date": "2020-01-01", "price": 1}], [{"date": "2021-01-01", "price": 2}]),
        ("LivingArea", 1410, 1410.4),
    ],
)
def test_spelling_abbreviations_rounding_and_detail_are_not_conflicts(field: str, one: Any, other: Any) -> None:
    assert merged(source_of("a", {field: one}), source_of("b", {field: other})).conflicts == {}


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("StreetName", "1st Street", "2nd Street"),
        ("StreetName", "Oak Street", "Oak Court"),
        ("UnparsedAddress", "12 Main St Unit 2", "12 Main St Unit 3"),
        ("SubdivisionName", "Oak Hills Unit 2", "Oak Hills Unit 3"),
        ("City", "Springfield", "Shelbyville"),
        ("Roof", ["Tile"], ["Shingle"]),
        ("ListAgentFullName", "Jane Doe", "John Roe"),
        ("ListPrice", 349_900, 359_900),
        ("PoolPrivateYN", True, False),
        ("YearBuilt", 1987, 1988),
        ("X_PriceHistory", [{"date": "2020-01-01", "price": 1}], [{"date": "2020-01-01", "price": 2}]),
    ],
)
def test_a_real_difference_is_a_conflict_with_a_reason_for_each_source(field: str, one: Any, other: Any) -> None:
    found = merged(source_of("a", {field: one}, SourceKind.PORTAL), source_of("b", {field: other}, days_old=1))
    assert list(found.conflicts) == [field]
    assert [one.verdict for one in found.conflicts[field]] == ["won", "conflict"]
    assert all(one.reason for one in found.conflicts[field])


def test_an_abbreviated_price_is_the_same_price() -> None:
    short = source_of("a", {"ListPrice": 350_000})
    proof = short.evidence["ListPrice"].model_copy(update={"raw": "$350K"})
    short = replace(short, evidence={"ListPrice": proof})
    assert merged(short, source_of("b", {"ListPrice": 349_900})).conflicts == {}


@pytest.mark.parametrize(
    ("newer", "older", "days"),
    [
        ({"ListPrice": 340_000}, {"ListPrice": 350_000}, 31),
        ({"StandardStatus": "Closed"}, {"StandardStatus": "Active"}, 45),
        ({"ListPrice": 340_000, "OriginalListPrice": 350_000}, {"ListPrice": 350_000}, 2),
        (
            {"ListPrice": 340_000, "X_PriceHistory": [{"date": "2026-05-01", "price": 350_000}]},
            {"ListPrice": 350_000},
            2,
        ),
        (SALE, {"CloseDate": "2015-03-01", "ClosePrice": 200_000}, 0),
        (TAX, {"TaxYear": 2024, "TaxAssessedValue": 199_000}, 0),
    ],
)  # fmt: skip
def test_an_older_dated_value_is_not_a_conflict(newer: dict[str, Any], older: dict[str, Any], days: int) -> None:
    found = merged(source_of("a", newer), source_of("b", older, SourceKind.PORTAL, confidence=0.95, days_old=days))
    assert found.conflicts == {}
    assert {name: found.values[name] for name in newer} == newer
    assert all(found.source_values[name][1].verdict == "older" for name in older)


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("CloseDate", SALE, {"CloseDate": "2012-06-01", "ClosePrice": 310_000}),
        ("CloseDate", {"CloseDate": "2021-06-01"}, {"CloseDate": "2021-06-21"}),
        ("ClosePrice", SALE, {"CloseDate": "2021-06-01", "ClosePrice": 301_000}),
        ("ClosePrice", SALE, {"ClosePrice": 301_000}),
        ("TaxAssessedValue", TAX, {"TaxYear": 2025, "TaxAssessedValue": 201_000}),
        ("TaxAssessedValue", TAX, {"TaxAssessedValue": 201_000}),
        ("Longitude", {"Latitude": 39.8, "Longitude": -89.6}, {"Latitude": 39.8, "Longitude": -98.6}),
    ],
)  # fmt: skip
def test_one_sale_year_or_place_has_one_value(field: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    found = merged(source_of("a", one, SourceKind.ASSESSOR), source_of("b", other, SourceKind.PORTAL))
    assert list(found.conflicts) == [field]
    assert found.values[field] == one[field]


def test_a_sale_after_the_page_was_read_is_ignored() -> None:
    found = merged(
        source_of("a", {"CloseDate": "2021-06-01", "ClosePrice": 310_000}),
        source_of("b", {"CloseDate": "2120-06-01", "ClosePrice": 200_000}, SourceKind.ASSESSOR),
    )
    assert (found.values["CloseDate"], found.values["ClosePrice"]) == ("2021-06-01", 310_000)
    assert "CloseDate" in found.conflicts


def test_price_per_area_and_age_are_computed_with_their_inputs_as_evidence() -> None:
    found = merged(source_of("a", {**HOUSE, "YearBuilt": 1987}))
    assert found.values["X_PricePerArea"] == 248.16  # 349,900 / 1,410 = 248.156...
    proof = found.evidence["X_PricePerArea"]
    assert (proof.unit, proof.method) == ("USD per Square Foot", Method.DERIVED)
    assert "349900" in proof.quote
    assert "1410" in proof.quote
    assert found.values["X_AgeYears"] == 2026 - 1987
    assert found.evidence["X_AgeYears"].quote == "1987"


def test_figures_that_cannot_be_computed_are_missing() -> None:
    for values in ({**HOUSE, "X_PricePeriod": "month"}, {"LivingArea": 1410, "ListPrice": 1}, {"YearBuilt": 2027}):
        assert not {"X_PricePerArea", "X_AgeYears"} & set(merged(source_of("a", values)).values)


def test_every_field_has_a_rank_for_every_kind() -> None:
    for name in FIELDS:
        assert all(0 < rank(kind, name) < 1 for kind in (None, *SourceKind))
        assert freshness(name, 0) == 1
        assert 0 < freshness(name, 365) < 1


@pytest.mark.parametrize("name", ["BedroomsTotal", "LivingArea", "TaxAssessedValue", "X_MarketValue"])
def test_a_value_of_zero_is_weighed(name: str) -> None:
    """A zero has no ratio to related values, but must still lose to the value of two other sources."""
    known = {**HOUSE, **TAX, "TaxAnnualAmount": 3_000, "X_MarketValue": 300_000}
    merged = merge([source_of("one", {**known, name: 0}), source_of("two", known), source_of("three", known)])
    assert merged.values[name] == known[name]
