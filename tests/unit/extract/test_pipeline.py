"""Ranking of candidates, and what a model's values may change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from app.property.extract.base import Candidate
from app.property.extract.pipeline import extract, with_model_values
from app.property.extract.ranking import rank
from app.property.page import Page
from app.property.record import Method


def _candidate(field: str, value: object, method: Method, confidence: float, unit: str | None = None) -> Candidate:
    return Candidate(field, value, str(value), method, "/x", str(value), confidence, unit)


def _extraction(html: str):  # type: ignore[no-untyped-def]
    return extract(
        Page(
            "https://s.example/1",
            "https://s.example/1",
            "text/html",
            html,
            html.encode(),
            datetime(2026, 3, 1, tzinfo=UTC),
        )
    )


def test_two_methods_that_agree_beat_one_that_is_surer() -> None:
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
    """131 m² and 1,410 sq ft are one value; the surer spelling is kept and nothing is doubtful."""
    winner = rank(
        [
            _candidate("LivingArea", 131, Method.JSONLD, 0.85, "Square Meters"),
            _candidate("LivingArea", 1410, Method.LABEL, 0.7, "Square Feet"),
        ]
    )["LivingArea"]
    assert (winner.candidate.value, winner.doubtful) == (131, False)


def test_weak_voices_that_contradict_each_other_say_nothing() -> None:
    found = rank([_candidate("BedroomsTotal", n, Method.LABEL, 0.45) for n in (3, 4, 5)])
    assert "BedroomsTotal" not in found


def test_a_model_fills_what_is_missing_and_leaves_the_rest() -> None:
    before = _extraction("<h1>4 Elm Rd</h1><p>Price: $310,000</p><p>Beds: 3</p>")
    assert "YearBuilt" in before.wanted
    after = with_model_values(
        before,
        [
            _candidate("YearBuilt", 1984, Method.LLM, 0.7),
            _candidate("ListPrice", 1, Method.LLM, 0.99),
        ],
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
