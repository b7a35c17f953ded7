"""Confidence is the odds of being right: what raises it, what lowers it, and its bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.property.page import Page
from app.property.reading.base import Candidate
from app.property.reading.confidence import with_confidence
from app.property.reading.crosschecks import crosschecks
from app.property.reading.document import Document
from app.property.reading.pipeline import extract
from app.property.reading.plausible import Verdict
from app.property.reading.ranking import Winner, rank
from app.property.record import Method

_URL = "https://homes.example/for-sale/4410078"


def _page(html: str = "<p>nothing</p>", url: str = _URL) -> Page:
    return Page(url, url, "text/html", html, html.encode(), datetime(2026, 3, 1, tzinfo=UTC))


def _candidate(
    field: str,
    value: Any,
    method: Method = Method.LABEL,
    locator: str = "/html/body/p[1]",
    strength: float = 0.7,
) -> Candidate:
    return Candidate(field, value, str(value), method, locator, str(value), strength)


def _confidence(*candidates: Candidate, page: Page | None = None) -> float:
    """The confidence of the first candidate's field."""
    return with_confidence(rank(candidates), Document(page or _page()))[candidates[0].field].confidence


_RATING = _candidate("X_EnergyRating", "B")  # a field that no cross-check knows


def test_one_label_alone_is_not_believed_to_nine_in_ten() -> None:
    assert 0.85 <= _confidence(_RATING) < 0.9


def test_the_best_source_alone_is_not_either() -> None:
    assert _confidence(replace(_RATING, confidence=0.97, method=Method.JSONLD)) == 0.89


def test_a_second_method_says_more_than_a_second_place_and_that_more_than_the_same_place() -> None:
    other_method = _confidence(_RATING, replace(_RATING, method=Method.JSONLD, locator="/html/head/script#/a"))
    other_place = _confidence(_RATING, replace(_RATING, locator="/html/body/p[2]"))
    same_place = _confidence(_RATING, _RATING)
    assert other_method > other_place > same_place == _confidence(_RATING)
    assert other_place >= 0.9


def test_one_script_is_one_place_however_often_it_says_it() -> None:
    state = replace(_RATING, method=Method.STATE, locator="/html/body/script[1]#/a/b")
    assert _confidence(state, replace(state, locator="/html/body/script[1]#/a/c")) == _confidence(state)
    assert _confidence(state, replace(state, locator="/html/body/script[2]#/a/c")) > _confidence(state)


def test_a_contradiction_costs_in_proportion_to_its_strength() -> None:
    weak = replace(_RATING, value="C", confidence=0.35, locator="/html/body/p[3]")
    strong = replace(weak, confidence=0.68)
    assert _confidence(_RATING) > _confidence(_RATING, weak) > _confidence(_RATING, strong)


def test_names_of_people_are_believed_less_than_facts() -> None:
    assert _confidence(_candidate("ListAgentFullName", "Kajsa Lindqvist")) < _confidence(_RATING) - 0.1


def test_a_failed_check_costs_much_and_makes_the_value_doubtful() -> None:
    """A Californian ZIP code in Texas."""
    code = _candidate("PostalCode", "94115")
    state = _candidate("StateOrProvince", "TX", locator="/html/body/p[2]")
    told = with_confidence(rank([code, state]), Document(_page("<html lang='en-US'><p>x</p>")))
    assert told["PostalCode"].confidence < 0.6
    assert told["PostalCode"].doubtful
    assert told["StateOrProvince"].doubtful


def test_a_concluded_value_is_no_surer_than_what_it_follows_from() -> None:
    price = _candidate("ListPrice", 300_000, strength=0.4)
    status = replace(_candidate("StandardStatus", "Active", Method.DERIVED, "ListPrice"), confidence=0.97)
    told = with_confidence(
        {"ListPrice": Winner(price, 0.4, False, (price,)), "StandardStatus": Winner(status, 0.97, False)},
        Document(_page()),
    )
    assert told["StandardStatus"].confidence == told["ListPrice"].confidence


@pytest.mark.parametrize(
    ("values", "field", "verdict"),
    [
        ({"City": "Salem"}, "City", Verdict.STRONG),
        ({"City": "Boise"}, "City", None),
        ({"ListPrice": 310_000}, "ListPrice", Verdict.STRONG),
        ({"ListingKey": "4410078"}, "ListingKey", Verdict.STRONG),
        ({"PostalCode": "97301", "StateOrProvince": "OR"}, "StateOrProvince", Verdict.STRONG),
        ({"PostalCode": "97301", "StateOrProvince": "WA"}, "StateOrProvince", Verdict.FAILED),
        ({"Latitude": 44.9429, "Longitude": -123.0351, "Country": "US"}, "Latitude", Verdict.STRONG),
        ({"Latitude": 44.9, "Longitude": -123.0351, "Country": "US"}, "Latitude", None),
        ({"Latitude": 52.5163, "Longitude": 13.3777, "Country": "US"}, "Latitude", None),
        ({"X_Currency": "USD", "Country": "US"}, "X_Currency", Verdict.STRONG),
        ({"X_Currency": "EUR", "Country": "US"}, "X_Currency", None),
        ({"BedroomsTotal": 3, "RoomsTotal": 5}, "BedroomsTotal", Verdict.PLAUSIBLE),
        ({"BedroomsTotal": 5, "RoomsTotal": 3}, "BedroomsTotal", Verdict.FAILED),
        (
            {"LivingArea": 1500, "LivingAreaUnits": "Square Feet", "BedroomsTotal": 3},
            "BedroomsTotal",
            Verdict.PLAUSIBLE,
        ),
        (
            {"LivingArea": 1500, "LivingAreaUnits": "Square Meters", "BedroomsTotal": 1},
            "LivingArea",
            Verdict.FAILED,
        ),
        (
            {"ListPrice": 250, "X_Currency": "USD", "LivingArea": 150, "LivingAreaUnits": "Square Meters"},
            "ListPrice",
            Verdict.FAILED,
        ),
        ({"YearBuilt": 1990}, "YearBuilt", Verdict.PLAUSIBLE),
        ({"CloseDate": "2031-01-01"}, "CloseDate", Verdict.FAILED),
        ({"TaxAssessedValue": 90_000, "X_MarketValue": 100_000}, "X_MarketValue", Verdict.PLAUSIBLE),
        ({"TaxAssessedValue": 190_000, "X_MarketValue": 100_000}, "X_MarketValue", Verdict.FAILED),
        ({"TaxAnnualAmount": 1_200, "TaxAssessedValue": 100_000}, "TaxAnnualAmount", Verdict.PLAUSIBLE),
        ({"TaxAnnualAmount": 99_000, "TaxAssessedValue": 100_000}, "TaxAnnualAmount", Verdict.FAILED),
        ({"Roof": ["Asphalt Shingles"]}, "Roof", Verdict.PLAUSIBLE),
        ({"Roof": ["0190 SF"]}, "Roof", None),
    ],
)
def test_each_cross_check(values: dict[str, Any], field: str, verdict: Verdict | None) -> None:
    """What is said of `field`; None: nothing."""
    html = "<html lang='en-US'><title>4 Elm Rd, Salem - $310,000</title><h1>4 Elm Rd</h1></html>"
    winners = {
        n: Winner(_candidate(n, v, locator=f"/html/body/p[{i}]"), 0.7, False) for i, (n, v) in enumerate(values.items())
    }
    found = crosschecks(winners, Document(_page(html))).get(field, ())
    assert (verdict in found) if verdict else found == ()


def test_parts_of_one_line_make_an_address() -> None:
    line = [
        _candidate(n, v) for n, v in (("UnparsedAddress", "9 Oak St"), ("City", "Boise"), ("StateOrProvince", "ID"))
    ]
    assert crosschecks(rank(line), Document(_page()))["City"] == (Verdict.PLAUSIBLE,)
    apart = [replace(c, locator=f"/html/body/p[{i}]") for i, c in enumerate(line)]
    assert "City" not in crosschecks(rank(apart), Document(_page()))


def test_a_page_that_says_it_twice_ends_in_a_surer_record() -> None:
    """The whole way: the same year in a label, and in a label and JSON-LD."""
    label = "<h1>Home</h1><dl><dt>Price</dt><dd>$310,000</dd><dt>Year built</dt><dd>1988</dd></dl>"
    markup = '<script type="application/ld+json">{"@type": "House", "yearBuilt": 1988}</script>'
    once, twice = (extract(_page(html)).record.evidence["YearBuilt"].confidence for html in (label, label + markup))
    assert once < twice <= 0.99
