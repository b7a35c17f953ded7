"""Compute a value's confidence: a logistic score of the features that support or contradict the value.

`make fit` fits the weights on labeled pages and stores them in `weights.toml` (ADR 0052). The features include agreeing
candidates, passed and failed checks, and contradicting values. The confidence computed here does not choose the winner;
`ranking.py` does.
"""

import math
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from app.property.fields.table import FIELDS
from app.property.reading.base import Candidate, Facts, Score
from app.property.reading.crosschecks import crosschecks
from app.property.reading.document import Document
from app.property.reading.plausible import Verdict
from app.property.reading.ranking import Winner
from app.property.record import Method, PageKind

Weights = Mapping[str, float]
WEIGHTS_FILE = Path(__file__).with_name("weights.toml")
#: Features in `RAISES`, and `reader.NAME` of each reader, never lower a score. Features in `LOWERS` never raise a
#: score.
RAISES = frozenset({"strength", "other_methods", "other_places", "strong_checks", "plausible_checks"})
LOWERS = frozenset({"rival", "failed_checks", "derived"})
#: A value's score counts at most this many additional places, and at most this many plausible checks.
_MOST_COUNTED = 2
_LEAST, _MOST = 0.02, 0.99
#: The longest chain of values in which each value is derived from the value before it.
_LONGEST_CHAIN = 3
#: The maximum confidence of a value that only one place gives, if no check applies to it.
_MOST_ALONE = 0.89
#: The maximum confidence of a year that a reader computed from an age.
_MOST_FROM_AGE = 0.7
#: The maximum confidence of a markup value that the page should show but does not (ADR 0028).
MOST_UNSHOWN = 0.45


def with_confidence(winners: Mapping[str, Winner], page: Document, kind: PageKind) -> dict[str, Winner]:
    """Return `winners` with scores. A winner that fails a cross-check, or should be visible but is not, is doubtful."""
    checks = crosschecks(winners, page)
    facts: dict[str, Facts] = {}
    for name, winner in winners.items():
        of_field = checks.get(name, ())
        sources = winner.candidate.locator.split(", ") if winner.candidate.method is Method.DERIVED else ()
        features = _features(name, winner, Counter(of_field), kind)
        facts[name] = Facts(features, *_bounds(winner, of_field), tuple(sources))
    scores = scored(facts, fitted_weights())
    return {
        name: replace(
            winner,
            confidence=scores[name].confidence,
            score=scores[name],
            doubtful=winner.doubtful or _is_unshown(winner) or Verdict.FAILED in checks.get(name, ()),
        )
        for name, winner in winners.items()
    }


def scored(facts: Mapping[str, Facts], weights: Weights) -> dict[str, Score]:
    """Return the score of each value of a page, computed with `weights`."""
    scores = {name: _score(stated, weights) for name, stated in facts.items()}
    for _ in range(_LONGEST_CHAIN):
        scores = {name: _no_surer_than_sources(score, scores) for name, score in scores.items()}
    return scores


@cache
def fitted_weights() -> Weights:
    """Return the weights by feature. A feature without a weight adds nothing."""
    table = tomllib.loads(WEIGHTS_FILE.read_text("utf-8"))["weights"]
    return MappingProxyType({name: float(weight) for name, weight in table.items()})


def _features(name: str, winner: Winner, checks: Counter[Verdict], kind: PageKind) -> dict[str, float]:
    agreeing = winner.agreeing
    places: dict[Method, set[str]] = {}
    for candidate in agreeing:
        places.setdefault(candidate.method, set()).add(_place(candidate))
    counted = {
        "bias": 1.0,
        "strength": max((c.confidence for c in agreeing), default=winner.candidate.confidence),
        "rival": min(1.0, winner.rival),
        "other_methods": max(0, len(places) - 1),
        "other_places": min(_MOST_COUNTED, sum(len(found) - 1 for found in places.values())),
        "strong_checks": checks[Verdict.STRONG],
        "plausible_checks": min(_MOST_COUNTED, checks[Verdict.PLAUSIBLE]),
        "failed_checks": checks[Verdict.FAILED],
        "derived": winner.candidate.method is Method.DERIVED,
        "record_page": kind is PageKind.RECORD,
        f"kind.{FIELDS[name].kind}": 1.0,
        **{f"reader.{candidate.reader}": 1.0 for candidate in agreeing if candidate.reader},
    }
    return {feature: float(value) for feature, value in counted.items() if value}


def _bounds(winner: Winner, checks: tuple[Verdict, ...]) -> tuple[float, str]:
    """Return the maximum confidence of the winner, and the reason if it is lower than usual (else "")."""
    if _is_unshown(winner):
        return MOST_UNSHOWN, "the page does not show it"
    if all(c.method is Method.DERIVED and c.reader for c in winner.agreeing or (winner.candidate,)):
        return _MOST_FROM_AGE, "computed from an age, which the page may have stated earlier"
    if len({_place(c) for c in winner.agreeing}) < 2 and not checks:
        return _MOST_ALONE, "only one place states it, and no check applies to it"
    return _MOST, ""


def _is_unshown(winner: Winner) -> bool:
    return all(candidate.unshown for candidate in winner.agreeing or (winner.candidate,))


def _place(candidate: Candidate) -> str:
    """All values in one script have the same place."""
    return candidate.locator.partition("#")[0] if "#" in candidate.locator else candidate.locator


def _score(facts: Facts, weights: Weights) -> Score:
    adds = {feature: value * weights.get(feature, 0.0) for feature, value in facts.features.items()}
    chance = 1.0 / (1.0 + math.exp(-sum(adds.values())))
    confidence = round(max(_LEAST, min(facts.most, chance)), 3)
    return Score(confidence, facts, adds, facts.bound if chance > facts.most else "")


def _no_surer_than_sources(score: Score, scores: Mapping[str, Score]) -> Score:
    least = min((scores[name].confidence for name in score.facts.sources if name in scores), default=1.0)
    return score if score.confidence <= least else replace(score, confidence=least, bound="no surer than its source")
