"""The benchmark's simulated model quotes as a person does, and errs exactly as often as it should."""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.property.reading.model.prompt import SCHEMA, Prompt
from benchmarks.extraction import mistakes, passages, reader_words, simulated
from benchmarks.extraction.mistakes import AnsweredPage, make_mistakes
from benchmarks.extraction.simulated import Claimed, answers, planted

_FIELDS = (
    "StandardStatus", "PropertyType", "PropertySubType", "ListPrice", "UnparsedAddress", "City", "PostalCode",
    "BedroomsTotal", "BathroomsTotalInteger", "LivingArea", "YearBuilt", "Heating", "ListAgentFullName",
    "ListOfficeName", "TaxAssessedValue", "X_MarketValue", "TaxYear", "TaxAnnualAmount", "ParkingTotal",
)  # fmt: skip


def _prompt(text: str, fields: Sequence[str] = _FIELDS, shown: int | None = None) -> Prompt:
    return Prompt([], SCHEMA, text, tuple(fields), 1_000, 0, 0, "en", "US", shown)


def _quotes(text: str, *, shown: int | None = None, **labels: Any) -> dict[str, tuple[Any, str]]:
    row: Mapping[str, Any] = {"kind": "listing", "url": None, **labels}
    return {one.field: (one.value, one.quote) for one in answers(_prompt(text, shown=shown), row)}


@pytest.mark.parametrize("module", [simulated, passages, reader_words, mistakes])
def test_the_simulated_model_knows_of_the_product_only_what_a_prompt_contains(module: ModuleType) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    checking = {name for name in imported if name.startswith(("app.property.reading", "app.property.fields"))}
    assert checking <= {"app.property.reading.model.prompt"}


@pytest.mark.parametrize(
    ("line", "labels", "field", "value"),
    [
        ("Vintage: 1987", {"year_built": 1987}, "YearBuilt", 1987),
        ("Sleeping quarters: 3", {"bedrooms": 3}, "BedroomsTotal", 3),
        ("Ask: 415,000", {"price": 415000}, "ListPrice", 415000),
        ("Statutory sum: 96,100", {"assessed_value": 96100}, "TaxAssessedValue", 96100),
    ],
)
def test_a_value_under_an_unknown_label_is_quoted_with_the_label(
    line: str, labels: dict[str, Any], field: str, value: Any
) -> None:
    text = f"Welcome\n{line}\nLot 9 of the plan"
    assert _quotes(text, **labels) == {field: (value, line)}


def test_a_count_under_two_unknown_labels_is_not_answered() -> None:
    assert _quotes("Sleeping quarters: 3\nLifts: 3", bedrooms=3) == {}


def test_bedrooms_are_never_the_house_number() -> None:
    address = "Home at 4 Elm Street, Salem 97301"
    labels = {"street": "4 Elm Street", "bedrooms": 4}
    assert "BedroomsTotal" not in _quotes(f"{address}\nOpen plan", **labels)
    assert _quotes(f"{address}\nBeds: 4", **labels)["BedroomsTotal"] == (4, "Beds: 4")


@pytest.mark.parametrize("line", ["Viewing on 4/4/2025", "Call 404-444-4444", "4th bedroom upstairs", "Baths: 4"])
def test_bedrooms_are_no_part_of_another_thing(line: str) -> None:
    assert _quotes(line, bedrooms=4) == {}


def test_a_number_of_two_fields_is_told_apart_by_words() -> None:
    text = "Market value: $510,000\nAssessed value: $510,000"
    found = _quotes(text, assessed_value=510000, market_value=510000)
    assert found["TaxAssessedValue"][1] == "Assessed value: $510,000"
    assert found["X_MarketValue"][1] == "Market value: $510,000"
    assert _quotes("Figure A: $510,000", assessed_value=510000, market_value=510000) == {}


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Year built\n1987", "Year built\n1987"),
        ("Style: | Ranch | Year built: | 1987", "Year built: | 1987"),
        ("Sold | Year built | Acres\n2019 | 1987 | 3", "Sold | Year built | Acres\n2019 | 1987"),
    ],
)
def test_a_label_beside_or_above_its_value_is_in_the_quote(text: str, quote: str) -> None:
    assert _quotes(text, year_built=1987) == {"YearBuilt": (1987, quote)}


def test_a_quote_has_at_most_three_lines() -> None:
    text = "Plan | Year built\nA | 2001\nB | 2002\nC | 1987"
    assert all(quote.count("\n") < 3 for _, quote in _quotes(text, year_built=1987).values())


def test_what_a_reader_sees_is_preferred_to_the_data() -> None:
    seen = "Year built: 1987"
    assert _quotes(f"{seen}\nbuilt: 1987", shown=len(seen), year_built=1987)["YearBuilt"][1] == seen


def test_half_a_bathroom_is_counted_as_one() -> None:
    assert _quotes("Baths: 2.5", bathrooms=2.5)["BathroomsTotalInteger"] == (3, "Baths: 2.5")


def test_a_planted_claim_has_the_value_of_a_similar_field() -> None:
    row = {"kind": "listing", "url": None, "bedrooms": 3, "bathrooms": 2}
    prompt = _prompt("Beds: 3\nBaths: 2")
    wrong = {(one.field, one.value, one.quote) for one in planted(list(answers(prompt, row)), prompt, row)}
    assert {("BathroomsTotalInteger", 3, "Beds: 3"), ("BedroomsTotal", 2, "Baths: 2")} <= wrong
    assert ("BedroomsTotal", 3, "Beds: 3") not in wrong


def _page(number: int) -> AnsweredPage:
    beds, year = number % 4 + 2, 1950 + number
    row = {"kind": "listing", "url": None, "bedrooms": beds, "year_built": year, "price": 300_000 + number}
    row["agent"] = "Mo Doe"
    text = (
        f"Beds: {beds}\nLevels: 1\nBuilt: {year}\nRenovated: 2009\nPrice: ${300_000 + number:,}\nTaxes: $410,000\n"
        f"Agent: Mo Doe\nSchool: Oak Elementary"
    )
    prompt = _prompt(text)
    return AnsweredPage(prompt, row, list(answers(prompt, row)))


def _right(pages: Mapping[str, AnsweredPage]) -> dict[tuple[str, str], Claimed]:
    return {(file, one.field): one for file, page in pages.items() for one in page.claims}


@pytest.mark.parametrize(("pages", "share", "count"), [(50, 0.03, 6), (25, 0.03, 3), (25, 0.1, 10), (5, 0.0, 0)])
def test_the_share_of_mistakes_is_exact(pages: int, share: float, count: int) -> None:
    answered = {f"{number}.html": _page(number) for number in range(pages)}
    right = _right(answered)
    assert len(right) == 4 * pages
    wrong = {(file, one.field): one for file, found in make_mistakes(answered, share).items() for one in found.values()}
    assert len(wrong) == count
    assert wrong.keys() <= right.keys()
    assert all(one.value != right[key].value for key, one in wrong.items())


def test_half_of_the_mistakes_quote_another_pair_and_half_misstate_their_own() -> None:
    answered = {f"{number}.html": _page(number) for number in range(50)}
    right = _right(answered)
    others = [(file, one) for file, found in make_mistakes(answered).items() for one in found.values()]
    misstated = [one for file, one in others if one.quote == right[file, one.field].quote]
    assert len(misstated) == 3
    for file, one in others:
        assert one.quote in answered[file].prompt.text
        written = str(one.value) if isinstance(one.value, str) else f"{one.value:,}"
        states = written in one.quote or str(one.value) in one.quote
        assert states is (one not in misstated)


def test_the_same_pages_have_the_same_mistakes_in_any_order() -> None:
    answered = {f"{number}.html": _page(number) for number in range(30)}
    assert make_mistakes(answered) == make_mistakes(dict(reversed(answered.items())))
