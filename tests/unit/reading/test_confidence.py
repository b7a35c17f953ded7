"""The confidence of a value depends on features that raise or lower it, and stays within bounds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.property.page import Page
from app.property.reading.base import Candidate, Facts
from app.property.reading.crosschecks import crosschecks
from app.property.reading.document import Document
from app.property.reading.pipeline import READERS, extract, with_model_values
from app.property.reading.plausible import Verdict
from app.property.reading.ranking import Winner, rank
from app.property.reading.scorer import LOWERS, RAISES, fitted_weights, scored, with_confidence
from app.property.record import Method, PageKind
from tests.plugins.read_pages import page_of

_URL = "https://homes.example/for-sale/4410078"


def _page(html: str = "<p>nothing</p>") -> Page:
    return page_of(html, _URL)


def _candidate(
    field: str, value: Any, method: Method = Method.LABEL, locator: str = "/html/body/p[1]", strength: float = 0.7
) -> Candidate:
    return Candidate(field, value, str(value), method, locator, str(value), strength)


def _scores(*candidates: Candidate, page: Page | None = None, kind: PageKind = PageKind.LISTING) -> dict[str, Winner]:
    return with_confidence(rank(candidates), Document(page or _page()), kind)


def _confidence(*candidates: Candidate) -> float:
    return _scores(*candidates)[candidates[0].field].confidence


_RATING = _candidate("X_EnergyRating", "B")  # no cross-check applies to this field


def _score(**features: float) -> float:
    return scored({"": Facts(features, 1.0)}, fitted_weights())[""].confidence


def test_a_single_place_without_a_check_stays_below_confidence_0_9() -> None:
    surest = replace(_RATING, confidence=1.0, reader="jsonbody")
    found = _scores(surest)["X_EnergyRating"]
    assert found.confidence == 0.89
    assert found.score is not None
    assert found.score.bound == "only one place states it, and no check applies to it"
    assert _confidence(surest, replace(surest, locator="/html/body/p[2]")) >= 0.9


def test_a_contradiction_costs_in_proportion_to_its_strength() -> None:
    weak = replace(_RATING, value="C", confidence=0.35, locator="/html/body/p[3]")
    strong = replace(weak, confidence=0.68)
    assert _confidence(_RATING) > _confidence(_RATING, weak) > _confidence(_RATING, strong)


def test_agreement_counts_methods_and_places() -> None:
    def features(*candidates: Candidate) -> Mapping[str, float]:
        score = _scores(*candidates)["X_EnergyRating"].score
        assert score is not None
        return score.facts.features

    assert not {"other_methods", "other_places"} & set(features(_RATING, _RATING))
    assert features(_RATING, replace(_RATING, locator="/html/body/p[2]"))["other_places"] == 1
    assert (
        features(_RATING, replace(_RATING, method=Method.JSONLD, locator="/html/head/script#/a"))["other_methods"] == 1
    )
    state = replace(_RATING, method=Method.STATE, locator="/html/body/script[1]#/a/b")
    assert "other_places" not in features(state, replace(state, locator="/html/body/script[1]#/a/c"))
    assert features(state, replace(state, locator="/html/body/script[2]#/a/c"))["other_places"] == 1


_READERS = [*READERS, "model"]
_counts = st.integers(min_value=0, max_value=3).map(float)
_shares = st.floats(min_value=0, max_value=1)


@given(
    features=st.fixed_dictionaries(
        {
            "strength": _shares,
            "rival": _shares,
            **{name: _counts for name in sorted(RAISES | LOWERS) if name[-1] == "s"},
        }
    ),
    readers=st.sets(st.sampled_from(_READERS)),
    changed=st.sampled_from([*sorted(RAISES | LOWERS), *_READERS]),
)
def test_agreement_never_lowers_a_confidence_and_contradiction_never_raises_it(
    features: dict[str, float], readers: set[str], changed: str
) -> None:
    current = features | {"bias": 1.0} | {f"reader.{name}": 1.0 for name in readers}
    name = f"reader.{changed}" if changed in _READERS else changed
    more = current | {name: current.get(name, 0.0) + 1.0}
    less_sure, surer = (more, current) if changed in LOWERS else (current, more)
    assert _score(**less_sure) <= _score(**surer)


def test_the_weights_name_the_current_readers() -> None:
    """If a reader was added or removed, run `make fit` to update the weights."""
    fitted = {name.partition(".")[2] for name in fitted_weights() if name.startswith("reader.")}
    assert fitted <= set(_READERS)
    assert fitted >= {"jsonld", "labels", "tables", "state", "model"}


def test_a_failed_check_costs_and_makes_the_value_doubtful() -> None:
    """The ZIP code is in California, but the page states Texas."""
    state = _candidate("StateOrProvince", "TX", locator="/html/body/p[2]")
    wrong, right = (
        _scores(_candidate("PostalCode", code), state, page=_page("<html lang='en-US'><p>x</p>"))
        for code in ("94115", "75201")
    )
    assert wrong["PostalCode"].confidence < right["PostalCode"].confidence
    assert wrong["PostalCode"].doubtful
    assert wrong["StateOrProvince"].doubtful
    assert not right["PostalCode"].doubtful


def test_a_value_that_the_page_does_not_show_is_limited_and_doubtful() -> None:
    hidden = replace(_candidate("YearBuilt", 1988, Method.JSONLD), confidence=0.95, unshown=True)
    found = _scores(hidden, replace(hidden, method=Method.STATE, locator="/html/body/script#/y"))["YearBuilt"]
    assert (found.confidence, found.doubtful) == (0.45, True)
    assert found.score is not None
    assert found.score.bound == "the page does not show it"


def test_an_inferred_value_has_at_most_its_sources_confidence() -> None:
    price = _candidate("ListPrice", 300_000, strength=0.4)
    status = replace(_candidate("StandardStatus", "Active", Method.DERIVED, "ListPrice"), confidence=0.97)
    winners = with_confidence(
        {"ListPrice": Winner(price, 0.4, False, (price,), rival=1.0), "StandardStatus": Winner(status, 0.97, False)},
        Document(_page()),
        PageKind.LISTING,
    )
    assert winners["StandardStatus"].confidence == winners["ListPrice"].confidence
    assert winners["StandardStatus"].score is not None
    assert winners["StandardStatus"].score.bound == "no surer than its source"


def test_each_candidate_names_its_reader() -> None:
    label = "<h1>Home</h1><dl><dt>Price</dt><dd>$310,000</dd><dt>Year built</dt><dd>1988</dd></dl>"
    read = extract(_page(label))
    assert read.candidates
    assert {c.reader for c in read.candidates} <= set(_READERS) - {"model"}
    answer = replace(_candidate("Roof", ["cedar"], Method.LLM, "chars:3-8"), reader="")
    both = with_model_values(read, [answer], 0)
    assert [c.reader for c in both.candidates if c.field == "Roof"] == ["model"]
    assert "reader.model" in both.scores["Roof"].facts.features


@pytest.mark.parametrize(
    ("values", "field", "verdict"),
    [
        ({"City": "Salem"}, "City", Verdict.STRONG),
        ({"ListingKey": "4410078"}, "ListingKey", Verdict.STRONG),
        ({"PostalCode": "97301", "StateOrProvince": "OR"}, "StateOrProvince", Verdict.STRONG),
        ({"Latitude": 44.9429, "Longitude": -123.0351, "Country": "US"}, "Latitude", Verdict.STRONG),
        ({"Latitude": 44.9, "Longitude": -123.0351, "Country": "US"}, "Latitude", None),
        ({"Latitude": 52.5163, "Longitude": 13.3777, "Country": "US"}, "Latitude", None),
        ({"X_Currency": "USD", "Country": "US"}, "X_Currency", Verdict.STRONG),
        ({"BedroomsTotal": 5, "RoomsTotal": 3}, "BedroomsTotal", Verdict.FAILED),
        ({"LivingArea": 1500, "LivingAreaUnits": "Square Meters", "BedroomsTotal": 1}, "LivingArea", Verdict.FAILED),
        ({"YearBuilt": 1990}, "YearBuilt", Verdict.PLAUSIBLE),
        ({"CloseDate": "2031-01-01"}, "CloseDate", Verdict.FAILED),
        ({"TaxAssessedValue": 190_000, "X_MarketValue": 100_000}, "X_MarketValue", Verdict.FAILED),
        ({"TaxAnnualAmount": 99_000, "TaxAssessedValue": 100_000}, "TaxAnnualAmount", Verdict.FAILED),
        ({"Roof": ["Asphalt Shingles"]}, "Roof", Verdict.PLAUSIBLE),
        ({"Roof": ["0190 SF"]}, "Roof", None),
    ],
)
def test_each_cross_check(values: dict[str, Any], field: str, verdict: Verdict | None) -> None:
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
