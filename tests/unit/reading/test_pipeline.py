"""Candidates for a field are ranked, and a model's values are added to them."""

from dataclasses import replace

from app.property.reading.base import Candidate, Extraction
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import extract, with_model_values, with_paid_values
from app.property.reading.ranking import rank
from app.property.record import Method
from tests.plugins.read_pages import page_of


def _candidate(field: str, value: object, method: Method, confidence: float, unit: str | None = None) -> Candidate:
    return Candidate(field, value, str(value), method, "/x", str(value), confidence, unit)


def _extraction(html: str) -> Extraction:
    return extract(page_of(html, "https://s.example/1"))


def test_two_agreeing_methods_beat_one_stronger_method() -> None:
    winner = rank(
        [
            _candidate("BedroomsTotal", 4, Method.STATE, 0.8),
            _candidate("BedroomsTotal", 3, Method.JSONLD, 0.7),
            _candidate("BedroomsTotal", 3, Method.LABEL, 0.6),
        ]
    )["BedroomsTotal"]
    assert winner.candidate.value == 3
    assert winner.doubtful


def test_areas_in_two_units_agree() -> None:
    """131 m² and 1,410 sq ft are the same area. The stronger candidate's unit is kept."""
    sizes = ((131, Method.JSONLD, 0.85, "Square Meters"), (1410, Method.LABEL, 0.7, "Square Feet"))
    winner = rank([_candidate("LivingArea", *size) for size in sizes])["LivingArea"]
    assert (winner.candidate.value, winner.rival) == (131, 0)


def test_weak_candidates_that_contradict_each_other_are_dropped() -> None:
    found = rank([_candidate("BedroomsTotal", n, Method.LABEL, 0.45) for n in (3, 4, 5)])
    assert "BedroomsTotal" not in found


def test_a_model_only_fills_missing_values() -> None:
    before = _extraction("<h1>4 Elm Rd</h1><p>Price: $310,000</p><p>Beds: 3</p>")
    assert "YearBuilt" in before.asked()
    after = with_model_values(
        replace(before, only=frozenset({"YearBuilt"})),
        [_candidate("YearBuilt", 1984, Method.LLM, 0.7), _candidate("ListPrice", 1, Method.LLM, 0.99)],
        dropped=2,
    )
    assert after.record.values["YearBuilt"] == 1984
    assert after.record.evidence["YearBuilt"].method is Method.LLM
    assert after.record.values["ListPrice"] == before.record.values["ListPrice"] == 310000
    assert after.dropped == 2


def test_a_model_cannot_put_a_wrong_type_into_the_record() -> None:
    before = _extraction("<h1>4 Elm Rd</h1><p>Price: $310,000</p>")
    after = with_model_values(
        before, [replace(_candidate("YearBuilt", 1984, Method.LLM, 0.7), value="1984")], dropped=0
    )
    assert "YearBuilt" not in after.record.values


FUTURE = """<html lang="en"><head><script type="application/ld+json">
{"@type": "House", "name": "4 Elm Rd", "yearBuilt": 2068}</script></head>
<body><h1>4 Elm Rd, Springfield, IL 62701</h1><p>Price: $310,000</p>
<dl><dt>Beds</dt><dd>3</dd><dt>Year built</dt><dd>2068</dd></dl>
<p>The house was put up in 1998.</p></body></html>"""


def test_a_rejected_value_does_not_displace_an_answer() -> None:
    before = _extraction(FUTURE)
    assert [c.value for c in before.candidates if c.field == "YearBuilt"] == [2068, 2068]
    assert "YearBuilt" not in before.record.values
    after = with_model_values(before, [_candidate("YearBuilt", 1998, Method.LLM, 0.65)], dropped=0)
    assert after.record.values["YearBuilt"] == 1998


DOUBTFUL = """<html lang="en"><body><h1>4 Elm Rd, Springfield, IL 62701</h1><p>Price: $310,000</p>
<dl><dt>Beds</dt><dd>3</dd></dl><table><tr><th>Year built</th><td>1984</td></tr></table>
<p>Constructed by Hollis and Sons, 1998.</p></body></html>"""


def test_a_paid_answer_wins_again_on_the_next_visit_to_the_same_page() -> None:
    before = _extraction(DOUBTFUL)
    assert before.record.values["YearBuilt"] == 1984
    assert "YearBuilt" in before.asked()
    answers, dropped = check_claims({"YearBuilt": (1998, "Constructed by Hollis and Sons, 1998")}, build_prompt(before))
    first = with_model_values(before, answers, len(dropped))
    assert first.record.values["YearBuilt"] == 1998
    again = with_paid_values(before, first.record.evidence)
    assert again.record.evidence["YearBuilt"] == first.record.evidence["YearBuilt"]


def test_a_paid_answer_that_was_not_shown_gains_no_confidence_on_the_next_visit() -> None:
    before = _extraction("<h1>4 Elm Rd, Springfield, IL 62701</h1><p>Price: $310,000</p><p>Beds: 3</p>")
    hidden = replace(_candidate("YearBuilt", 1998, Method.LLM, 0.3), unshown=True)
    first = with_model_values(before, [hidden], 0)
    again = with_paid_values(before, first.record.evidence)
    assert again.record.evidence["YearBuilt"].confidence <= first.record.evidence["YearBuilt"].confidence < 0.5
    assert "YearBuilt" in again.doubtful


def test_a_model_s_value_gets_the_confidence_of_a_checked_label() -> None:
    before = _extraction(
        "<html lang=en><title>4 Elm Rd, 62701</title><h1>4 Elm Rd</h1><p>Price: $310,000</p><p>Beds: 3</p></html>"
    )
    answers = [
        _candidate("PostalCode", "62701", Method.LLM, 0.65),
        _candidate("ListAgentFullName", "Ann Lee", Method.LLM, 0.65),
    ]
    evidence = with_model_values(before, answers, dropped=0).record.evidence
    assert evidence["PostalCode"].confidence >= 0.9
    assert evidence["ListAgentFullName"].confidence < 0.9


RECORD = """<html lang="en"><head><title>Parcel detail</title></head><body><h1>Polk County Property Appraiser</h1>
<table><tr><th>Parcel ID</th><td>24-28-23-000000-011010</td></tr><tr><th>Assessed value</th><td>$182,300</td></tr>
<tr><th>Tax year</th><td>2025</td></tr><tr><th>Situs address</th><td>4 Elm Rd</td></tr>
<tr><th>Land use</th><td>Single family</td></tr></table>
<p>The owners hope for $310,000. Prepared by Ann Lee.</p></body></html>"""


def test_a_record_takes_no_listing_field_from_a_model() -> None:
    answers = [
        _candidate("ListPrice", 310000, Method.LLM, 0.75, "USD"),
        _candidate("ListAgentFullName", "Ann Lee", Method.LLM, 0.75),
    ]
    after = with_model_values(_extraction(RECORD), answers, dropped=0)
    assert not {"ListPrice", "ListAgentFullName", "X_Currency"} & set(after.record.values)
