"""The benchmark counts which right answers of a real model are not stored, and why."""

import json
from typing import Any

import pytest

from app.property.reading.pipeline import extract
from benchmarks.extraction.figures import at_least, at_most
from benchmarks.extraction.played import Played, check_played
from benchmarks.extraction.run import Run
from tests.plugins.read_pages import page_of

_LISTING = """<html><body><h1>House for sale</h1><p>Price: $310,000</p><p>Beds: 3</p><p>Baths: 2</p>
<p>Zorble: 1987</p><p>Heating: Gas furnace</p></body></html>"""


def _played(facts: list[tuple[str, Any, str]], page: str = _LISTING, **labels: Any) -> Played:
    extraction = extract(page_of(page, "https://homes.example/1"))
    row = {"file": "a", "kind": "listing", "url": None, "note": "", **labels}
    answer = [{"field": name, "value": value, "quote": quote} for name, value, quote in facts]
    return check_played(Run([row], {"a": extraction}, {"a": 0.0}), {"a": json.dumps({"facts": answer})})


def test_a_stored_right_answer_is_counted_as_right_only() -> None:
    found = _played([("BedroomsTotal", 3, "Beds: 3")], bedrooms=3)
    assert (found.right, found.not_stored) == (1, [])


def test_a_refused_answer_has_the_flaw_and_a_wrong_answer_is_no_loss() -> None:
    found = _played([("StoriesTotal", 2, "Baths: 2"), ("TaxYear", 1987, "Zorble: 1987")], stories=2, tax_year=2020)
    assert found.right == 1
    assert [(one.field, one.why) for one in found.refused] == [("StoriesTotal", "other_label")]
    assert found.unquoted == found.lost == []


def test_a_quote_that_the_prompt_lacks_is_counted_apart() -> None:
    found = _played([("YearBuilt", 1987, "Built in 1987 by hand")], year_built=1987)
    assert [(one.field, one.why) for one in found.unquoted] == [("YearBuilt", "not_in_text")]
    assert found.refused == []


def test_answers_to_a_page_of_another_kind_are_lost() -> None:
    gone = "<html><body><h1>404</h1><p>Page not found</p></body></html>"
    found = _played([("BedroomsTotal", 3, "Beds: 3")], gone, bedrooms=3)
    assert [one.why.split()[:2] for one in found.lost] == [["page", "kind"]]


def test_simulated_and_recorded_quotes_are_compared_by_line() -> None:
    found = _played([("BedroomsTotal", 3, "Beds: 3"), ("YearBuilt", 1987, "Baths: 2")], bedrooms=3, year_built=1987)
    assert dict(found.quoted) == {"BedroomsTotal": 1, "YearBuilt": 1}
    assert +found.same_lines == {"BedroomsTotal": 1}


@pytest.mark.parametrize(("value", "met", "fails"), [(1.0, True, False), (4.0, False, False), (6.0, False, True)])
def test_a_missed_target_fails_only_beyond_its_limit_for_now(value: float, met: bool, fails: bool) -> None:
    figure = at_most("share", value, 2.0, for_now=5.0)
    assert (figure.met, figure.fails) == (met, fails)
    assert at_most("share", value, 2.0).fails is not met
    figure = at_least("share", -value, -2.0, for_now=-5.0)
    assert (figure.met, figure.fails) == (met, fails)
