"""For each field the best evidence wins, related fields come from the same source, and conflicts are kept."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.property.merging.merge import Merged, merge
from app.property.record import Method, PropertyRecord, SourceKind
from app.property.source_record import SourceRecord
from tests.plugins.page_records import page_record

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def source(
    name: str,
    values: Mapping[str, Any],
    confidence: float = 0.9,
    *,
    days: int = 0,
    sure: Mapping[str, float] | None = None,
) -> SourceRecord:
    made = page_record(f"https://{name}.example/", values, T0 + timedelta(days=days), confidence=confidence)
    more = {name: made.evidence[name].model_copy(update={"confidence": value}) for name, value in (sure or {}).items()
            if name in values}  # fmt: skip
    return replace(made, evidence={**made.evidence, **more})


def merged_in_any_order(*sources: SourceRecord) -> Merged:
    results = [merge(order) for order in itertools.permutations(sources)]
    assert all(result == results[0] for result in results)
    PropertyRecord(values=results[0].values, evidence=results[0].evidence)
    return results[0]


def test_the_surest_value_wins_and_the_other_is_kept_as_a_conflict() -> None:
    assert merge([]) == Merged()
    found = merged_in_any_order(source("a", {"YearBuilt": 1990}, 0.7), source("b", {"YearBuilt": 1991}, 0.8))
    assert found.values["YearBuilt"] == 1991
    assert [say.proof.value for say in found.conflicts["YearBuilt"]] == [1991, 1990]
    assert found.evidence["YearBuilt"].source_url == "https://b.example/"


def test_of_equally_sure_values_the_most_frequent_wins() -> None:
    found = merged_in_any_order(
        source("a", {"YearBuilt": 1990}), source("b", {"YearBuilt": 1991}, days=5), source("c", {"YearBuilt": 1990})
    )
    assert found.values["YearBuilt"] == 1990
    assert len(found.conflicts["YearBuilt"]) == 3


def test_one_area_in_two_units_is_not_a_conflict_and_keeps_its_own_unit() -> None:
    metric = source("a", {"LivingArea": 131, "LivingAreaUnits": "Square Meters"}, sure={"LivingAreaUnits": 0.5})
    feet = source("b", {"LivingArea": 1410, "LivingAreaUnits": "Square Feet"}, 0.8)
    found = merged_in_any_order(metric, feet)
    assert (found.values["LivingArea"], found.values["LivingAreaUnits"]) == (131, "Square Meters")
    assert found.conflicts == {}


def test_a_value_never_gets_the_unit_or_the_other_coordinate_of_another_page() -> None:
    found = merged_in_any_order(
        source("a", {"LivingArea": 131, "Latitude": 50.0}, 0.9),
        source("b", {"LivingArea": 1600, "LivingAreaUnits": "Square Feet", "Latitude": 51.0, "Longitude": 9.0}, 0.8),
    )
    assert found.values["LivingArea"] == 131
    assert "LivingAreaUnits" not in found.values
    assert found.values["Latitude"] == 50.0
    assert "Longitude" not in found.values


def test_number_and_street_come_from_one_address() -> None:
    found = merged_in_any_order(
        source("a", {"UnparsedAddress": "12 Main St", "StreetNumber": "12", "StreetName": "Main St"}, 0.9),
        source("b", {"UnparsedAddress": "1 Oak Ave", "StreetNumber": "1", "StreetName": "Oak Ave"}, 0.88,
               sure={"StreetName": 0.95, "StreetNumber": 0.95}),
    )  # fmt: skip
    assert found.values == {"UnparsedAddress": "12 Main St", "StreetNumber": "12", "StreetName": "Main St"}


def test_the_second_of_two_sales_within_months_wins() -> None:
    sales = [
        source("a", {"CloseDate": "2025-01-10", "ClosePrice": 200_000}, 0.95),
        source("b", {"CloseDate": "2025-04-20", "ClosePrice": 350_000}, 0.8),
    ]
    assert merged_in_any_order(*sales).values == {"CloseDate": "2025-04-20", "ClosePrice": 350_000}
    assert merged_in_any_order(*sales).conflicts == {}


def test_a_sales_price_never_gets_the_period_of_a_rent() -> None:
    sale = source("a", {"ListPrice": 300000, "X_Currency": "EUR"})
    rent = source("b", {"ListPrice": 900, "X_PricePeriod": "month", "X_RentBasis": "cold"}, 0.8)
    found = merged_in_any_order(sale, rent)
    assert found.values == {"ListPrice": 300000, "X_Currency": "EUR"}


def test_the_newest_sale_never_takes_the_price_of_an_older_sale() -> None:
    found = merged_in_any_order(
        source("a", {"CloseDate": "2019-05-01", "ClosePrice": 200000}), source("b", {"CloseDate": "2023-02-01"})
    )
    assert "ClosePrice" not in found.values


def baths(total: int | None, full: int | None, half: int | None = None) -> dict[str, int]:
    counts = {"BathroomsTotalInteger": total, "BathroomsFull": full, "BathroomsHalf": half}
    return {name: count for name, count in counts.items() if count is not None}


@pytest.mark.parametrize(
    ("others", "shown"),
    [
        ((baths(3, 2, 1),), baths(2, 1, 1)),  # 2 full and 1 half bathrooms do not add up to the total 2
        # 2 and 0 add up to the total 2, so both counts come from this source
        ((baths(2, 2, 0),), baths(2, 2, 0)),
        ((baths(None, 2, 0), baths(None, 3)), baths(2, 1, 1)),
    ],
)
def test_full_and_half_bathrooms_belong_to_the_shown_total(
    others: tuple[dict[str, int], ...], shown: dict[str, int]
) -> None:
    sure = {"BathroomsFull": 0.9, "BathroomsTotalInteger": 0.5, "BathroomsHalf": 0.6}
    assessor = source("a", baths(2, 1, 1), 0.7, sure={"BathroomsTotalInteger": 0.9})
    found = merged_in_any_order(assessor, *(source(f"p{n}", counts, sure=sure) for n, counts in enumerate(others)))
    assert {name: found.values.get(name) for name in shown} == shown


def test_a_portal_that_repeats_a_value_does_not_outvote_the_assessor() -> None:
    """The portal has more confidence, but the assessor ranks first unless the assessor's own value is uncertain."""
    assessor = replace(source("a", baths(3, 2, 1) | {"YearBuilt": 1987}, 0.88), source_kind=SourceKind.ASSESSOR)
    portal = replace(source("p", baths(3, 3, 0) | {"YearBuilt": 1988}, 0.96), source_kind=SourceKind.PORTAL)
    found = merged_in_any_order(assessor, portal)
    assert baths(3, 2, 1) | {"YearBuilt": 1987} == {name: found.values[name] for name in assessor.values}
    assert set(found.conflicts) == {"YearBuilt", "BathroomsFull", "BathroomsHalf"}
    doubtful = replace(source("a", {"YearBuilt": 1987}, 0.6), source_kind=SourceKind.ASSESSOR)
    assert merged_in_any_order(doubtful, portal).values["YearBuilt"] == 1988


def test_bathroom_parts_that_exceed_the_total_are_not_shown() -> None:
    sure = {"BathroomsTotalInteger": 0.5}
    found = merged_in_any_order(source("a", baths(2, None)), source("p", baths(3, 3), sure=sure))
    assert found.values == {"BathroomsTotalInteger": 2}
    found = merged_in_any_order(source("a", baths(2, None)), source("p", baths(None, 3)))
    assert found.values == {"BathroomsTotalInteger": 2}
    found = merged_in_any_order(source("a", baths(2, None)), source("p", baths(None, 2, 1)))
    assert found.values == {"BathroomsTotalInteger": 2, "BathroomsFull": 2}


def test_a_price_without_a_date_is_better_than_none() -> None:
    found = merged_in_any_order(source("a", {"ClosePrice": 200000}), source("b", {"CloseDate": "2023-02-01"}))
    assert found.values["ClosePrice"] == 200000


def test_texts_in_a_site_s_own_words_are_not_conflicts() -> None:
    found = merged_in_any_order(
        source("a", {"ListingId": "A1", "PublicRemarks": "Nice"}),
        source("b", {"ListingId": "77", "PublicRemarks": "Great"}),
    )
    assert found.conflicts == {}


@pytest.mark.parametrize(
    ("address", "other", "conflict"),
    [
        ("77 Placeholder Way Unit A", "77 PLACEHOLDER WAY", False),
        ("77 Placeholder Way Unit A", "77 Placeholder Way Unit B", True),
        ("77 Placeholder Way Unit A", "Placeholder Way", True),
        ("77 Placeholder Way", "77 Placeholder Way Unit A", True),
    ],
)
def test_an_address_that_leaves_out_the_unit_is_not_a_conflict(address: str, other: str, conflict: bool) -> None:
    found = merged_in_any_order(
        source("a", {"UnparsedAddress": address}, 0.95), source("b", {"UnparsedAddress": other}, 0.8)
    )
    assert found.values["UnparsedAddress"] == address
    assert ("UnparsedAddress" in found.conflicts) == conflict


def test_equity_is_computed_from_the_winners_and_may_be_negative() -> None:
    estimate = source("a", {"X_EstimatedValueLow": 280000, "X_EstimatedValueHigh": 340000}, 0.8)
    sale = source("b", {"ClosePrice": 310000, "CloseDate": "2023-02-01"}, 0.6)
    found = merged_in_any_order(estimate, sale)
    assert found.values["X_PotentialEquityLow"] == -30000
    assert found.values["X_PotentialEquityHigh"] == 30000
    proof = found.evidence["X_PotentialEquityLow"]
    assert (proof.method, proof.confidence, proof.source_url) == (Method.DERIVED, 0.6, "https://b.example/")
    assert "280000" in proof.quote
    assert "310000" in proof.quote


@pytest.mark.parametrize(
    ("values", "query"),
    [
        ({"Latitude": 40.5, "Longitude": -3.25, "City": "Madrid"}, "40.5,-3.25"),
        (
            {"UnparsedAddress": "12 Main St", "City": "Springfield", "StateOrProvince": "IL", "PostalCode": "62701"},
            "12%20Main%20St,%20Springfield,%20IL%2062701",
        ),
        ({"StreetNumber": "5", "StreetName": "Hauptstraße", "City": "Köln"}, "5%20Hauptstra%C3%9Fe,%20K%C3%B6ln"),
    ],
)
def test_the_google_earth_link_uses_the_coordinates_or_the_address(values: dict[str, Any], query: str) -> None:
    found = merge([source("a", values)])
    assert found.values["X_GoogleEarthUrl"] == f"https://earth.google.com/web/search/{query}"


@pytest.mark.parametrize("values", [{"City": "Springfield"}, {"UnparsedAddress": "12 Main St"}, {"Latitude": 40.5}])
def test_an_incomplete_address_makes_no_link(values: dict[str, Any]) -> None:
    assert "X_GoogleEarthUrl" not in merge([source("a", values)]).values
