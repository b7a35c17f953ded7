"""Neither the order of pages nor a repeated page changes the merged property's values."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.property.merging.matching import decide
from app.property.merging.merge import merge
from app.property.record import DERIVED_FIELDS, Method, PropertyRecord, SourceKind
from app.property.source_record import SourceRecord
from tests.plugins.examples import drawn
from tests.plugins.page_records import page_record

T0 = datetime(2026, 6, 1, tzinfo=UTC)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "YearBuilt": st.sampled_from([1987, 1988, 2987]),
    "ListPrice": st.sampled_from([350_000, 35_000, 349_900, 3_500_000]),
    "LivingArea": st.sampled_from([1410, 131, 14_100, 141.0]),
    "LivingAreaUnits": st.sampled_from(["Square Feet", "Square Meters"]),
    "BedroomsTotal": st.sampled_from([3, 4, 30]),
    "CloseDate": st.sampled_from(["2021-06-01", "2021-06-20", "2015-01-01", "2120-01-01", "2021"]),
    "ClosePrice": st.sampled_from([310_000, 301_000, 10]),
    "TaxYear": st.sampled_from([2024, 2025, 2052]),
    "TaxAssessedValue": st.sampled_from([210_000, 21_000, 199_000]),
    "StandardStatus": st.sampled_from(["Active", "Closed"]),
    "Roof": st.lists(st.sampled_from(["Shingle", "Composition Shingle", "Tile"]), min_size=1, max_size=2),
    "StreetNumber": st.sampled_from(["12", "14"]),
    "StreetName": st.sampled_from(["Fernwood Ln", "Fenrwood Lane", "Fern Ln", "N Main St"]),
    "UnitNumber": st.sampled_from(["3", "Apt 4"]),
    "PostalCode": st.sampled_from(["62701", "62701-1234", "62702"]),
    "ParcelNumber": st.sampled_from(["31-2234-0012", "3122340021", "31-2299-0455"]),
    "CountyOrParish": st.sampled_from(["Sangamon County", "Menard"]),
    "Latitude": st.sampled_from([39.8, 39.80005, 39.9]),
    "Longitude": st.sampled_from([-89.6, -98.6]),
    "X_PriceHistory": st.sampled_from([[{"date": "2026-01-01", "price": 350_000}]]),
    "AssociationYN": st.booleans(),
}
PAGE_VALUES = st.fixed_dictionaries({}, optional=_VALUES)


@st.composite
def pages(draw: st.DrawFn) -> list[SourceRecord]:
    return [_page(draw, n) for n in range(draw(st.integers(1, 5)))]


def _page(draw: st.DrawFn, number: int) -> SourceRecord:
    url = f"https://{draw(st.sampled_from('abcd'))}.example/{number}"
    at = T0 - timedelta(days=draw(st.sampled_from([0, 1, 29, 31, 400])))
    confidence, method = draw(st.sampled_from([0.4, 0.8, 0.99])), draw(st.sampled_from(list(Method)[:6]))
    values = draw(PAGE_VALUES)
    kind = draw(st.sampled_from([None, *SourceKind]))
    return page_record(url, values, at, f"{number:064d}", source_kind=kind, method=method, confidence=confidence)


@drawn(300)
@given(pages(), st.randoms(use_true_random=False))
def test_the_order_of_pages_does_not_matter(found: list[SourceRecord], chance: Any) -> None:
    shuffled = found[:]
    chance.shuffle(shuffled)
    assert merge(shuffled) == merge(found)


@drawn(200)
@given(pages())
def test_every_value_comes_from_a_page_and_every_page_value_is_listed(found: list[SourceRecord]) -> None:
    merged = merge(found)
    PropertyRecord(values=merged.values, evidence=merged.evidence)
    for name in set(merged.values) - DERIVED_FIELDS:
        assert merged.values[name] in [page.values[name] for page in found if name in page.values]
        assert merged.source_values[name][0].verdict == "won"
        assert all(one.reason for one in merged.source_values[name])
    assert json.dumps(merged.values)


@drawn(200)
@given(pages())
def test_a_repeated_page_changes_no_value(found: list[SourceRecord]) -> None:
    """A source has one vote, no matter how often its page is read."""
    assert merge([*found, found[0]]).values == merge(found).values


@drawn(500)
@given(PAGE_VALUES, PAGE_VALUES)
def test_matching_is_symmetric(one: dict[str, Any], other: dict[str, Any]) -> None:
    forward, backward = decide(one, other), decide(other, one)
    assert (forward.is_same, forward.differs, forward.key) == (backward.is_same, backward.differs, backward.key)


@drawn(300)
@given(PAGE_VALUES, PAGE_VALUES)
def test_two_units_are_never_one_property(one: dict[str, Any], other: dict[str, Any]) -> None:
    found = decide({**one, "UnitNumber": "3"}, {**other, "UnitNumber": "4"})
    assert found.differs
    assert not found.is_same
