"""A model's answer is parsed field by field, in several formats."""

import json
import time
from typing import Any

import pytest

from app.errors.models import ModelAnswerInvalidError
from app.property.reading.base import Extraction
from app.property.reading.model.answers import take_apart
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.llm import read_answer
from app.property.reading.model.prompt import Prompt, build_prompt
from app.property.record import PageKind, PropertyRecord
from tests.plugins.read_pages import page_of

TEXT = (
    "<p>The house was built in 1998. It has 1,250 sq ft of living area and 3 bedrooms.</p>"
    "<p>Asking price $450,000. The roof is cedar shake. Attached to Oak Park School District. Private pool.</p>"
    "<p>Postal code 62701, on an acre: the lot is 1.25 acres.</p>"
)
YEAR, AREA, PRICE = "The house was built in 1998", "1,250 sq ft of living area", "Asking price $450,000"
FLAT = {"YearBuilt": 1998, "YearBuilt_quote": YEAR, "Roof": None, "Roof_quote": None}
YEAR_SAID = {"YearBuilt": (1998, YEAR)}


def prompt() -> Prompt:
    page = page_of(f"<html lang=en><body><h1>4 Elm Rd</h1>{TEXT}</body></html>", "https://homes.example/1")
    return build_prompt(Extraction(page, PageKind.LISTING, "a test", PropertyRecord()))


def parsed(content: str) -> dict[str, tuple[Any, str]]:
    return dict(read_answer(content, prompt(), model="m"))


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(FLAT),
        json.dumps({**FLAT, "Remark": "a fine house", "X_Unheard": 3}),
        f"```json\n{json.dumps(FLAT, indent=2)}\n```",
        f"Here you are {{as you asked}}:\n{json.dumps(FLAT)}\nI hope that helps [1].",
        f"<think>Maybe {{it}} is an old house, don't you think?</think>{json.dumps(FLAT)}",
        json.dumps(FLAT)[:-1] + ",}",
        json.dumps(FLAT)[:-1],
        "{'YearBuilt': 1998, 'YearBuilt_quote': '" + YEAR + "'}",
        json.dumps({"YearBuilt": {"value": 1998, "quote": YEAR}}),
        json.dumps({"YearBuilt": {"value": 1998}, "YearBuilt_quote": YEAR}),
        json.dumps({"facts": [{"field": "YearBuilt", "value": 1998, "quote": YEAR}, {"field": "Ghosts", "value": 2}]}),
        json.dumps([{"field": "YearBuilt", "value": 1998, "quote": YEAR}]),
        json.dumps({"YearBuilt": 1790, "YearBuilt_quote": "x"}) + "\nNo, I was wrong:\n" + json.dumps(FLAT),
    ],
)
def test_an_answer_is_parsed_in_any_form(content: str) -> None:
    assert parsed(content) == YEAR_SAID


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("YearBuilt", 1998.0, 1998),
        ("LivingArea", "1,250 m2", 1250),
        ("LotSizeArea", "1.25 acres", 1.25),
        ("ListPrice", "$450k", 450_000),
        ("ListPrice", [450_000], 450_000),
        ("Roof", "cedar shake", ["cedar shake"]),
        ("PostalCode", 62701, "62701"),
        ("PoolPrivateYN", "Yes", True),
    ],
)
def test_a_value_is_converted_to_the_field_s_type(field: str, value: Any, read: Any) -> None:
    found = parsed(json.dumps({field: value, f"{field}_quote": "q"}))[field]
    assert (found, type(found[0])) == ((read, "q"), type(read))


def test_an_invalid_value_is_dropped_and_reported_and_the_rest_is_kept() -> None:
    answer = {
        **FLAT,
        **{"LivingArea": "about as large as two flats", "LivingArea_quote": AREA, "BedroomsTotal": "3 or 4"},
        **{"BedroomsTotal_quote": "3 bedrooms", "ListPrice": {"low": 1, "high": 2}, "ListPrice_quote": PRICE},
        **{"LotSizeArea": 10**400, "LotSizeArea_quote": "the lot is 1.25 acres", "PoolPrivateYN": 1},
        **{"PostalCode": ["62701", "62702"], "PostalCode_quote": "Postal code 62701"},
        "PoolPrivateYN_quote": "Private pool",
    }
    candidates, dropped = check_claims(parsed(json.dumps(answer)), prompt())
    assert {c.field: c.value for c in candidates} == {"YearBuilt": 1998}
    assert {one.field: one.flaw for one in dropped} == {
        **dict.fromkeys(("LivingArea", "BedroomsTotal", "ListPrice", "LotSizeArea", "PoolPrivateYN"), "not_read"),
        "PostalCode": "not_stated",
    }


@pytest.mark.parametrize("content", ["{}", '{"facts": []}', json.dumps({"YearBuilt": None, "Roof": "N/A"})])
def test_an_empty_answer_is_valid(content: str) -> None:
    assert parsed(content) == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("I could not find anything.", "no JSON"),
        ("{'YearBuilt' = 19", "no JSON"),
        ('{"answer": 42}', "no JSON that names a field"),
        ('{"YearBuilt": "long ago", "YearBuilt_quote": "long ago"}', "such as YearBuilt"),
        ('{"LivingArea": -1e999, "LivingArea_quote": "x"}', "such as LivingArea"),
        ("[" * 100_000, "no JSON"),
        ('{"a":' * 100_000, "no JSON"),
    ],
    ids=["prose", "rubbish", "other names", "no value makes sense", "infinity", "brackets", "nested"],
)
def test_an_answer_without_a_valid_field_is_invalid(content: str, problem: str) -> None:
    with pytest.raises(ModelAnswerInvalidError, match=problem):
        parsed(content)


@pytest.mark.parametrize("form", ["flat", "facts"])
def test_only_complete_values_of_a_truncated_answer_are_used(form: str) -> None:
    values = {"YearBuilt": (1998, YEAR), "LivingArea": (1250, 'a "quote", {cut}'), "Roof": (["cedar", "slate"], "r")}
    fields = tuple(values)
    if form == "flat":
        answer: Any = {k: v for name, (value, q) in values.items() for k, v in ((name, value), (f"{name}_quote", q))}
    else:
        answer = {"facts": [{"field": name, "value": value, "quote": q} for name, (value, q) in values.items()]}
    whole = json.dumps(answer)
    seen = set()
    for end in range(len(whole) + 1):
        found = take_apart(whole[:end], fields, cut=True)
        taken = found.values if found else {}
        assert taken == dict(list(values.items())[: len(taken)]), whole[:end]
        seen.add(len(taken))
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "unit",
    ['{"', "[", "{", '"', "{'a':", '[{"field":"YearBuilt","value":1998},', "```", '{"YearBuilt":"', "\\", "}{", '",{"'],
)
@pytest.mark.parametrize("cut", [True, False])
def test_parsing_time_is_linear_in_the_answer(unit: str, cut: bool) -> None:
    times = []
    for length in (10_000, 80_000):
        began = time.process_time()
        take_apart(unit * (length // len(unit)), ("YearBuilt", "Roof"), cut=cut)
        times.append(time.process_time() - began)
    assert times[1] < 24 * max(times[0], 0.005)
