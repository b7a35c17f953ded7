"""How sure a value is: the chance that it is right, from who says so, who contradicts, and what it is checked against.

Evidence adds up as odds do (naive Bayes in log-odds): a source gives a value its first odds, every independent witness
and every cross-check multiplies them, a contradiction divides them. The factors are few and round; ADR 0024 says where
they come from and shows how they did. The strengths that choose a winner (`ranking.py`) are not touched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from app.property.reading.base import Candidate
from app.property.reading.crosschecks import crosschecks
from app.property.reading.document import Document
from app.property.reading.plausible import Verdict
from app.property.reading.ranking import Winner
from app.property.record import Method

#: log-odds of a value that one label of the page names, nothing else being known: 7 to 1
_ONE_LABEL = 1.95
#: the strength of such a candidate, and what a strength above or below it is worth
_LABEL_STRENGTH, _SLOPE = 0.7, 2.5
#: another method that says the same; another place that says it by the same method (at most two are counted)
_OTHER_METHOD, _OTHER_PLACE, _MOST_PLACES = 1.1, 0.6, 2
#: a contradiction as strong as the value itself
_CONTRADICTION = -2.0
_CHECK: Mapping[Verdict, float] = {
    Verdict.STRONG: 1.0,
    Verdict.PLAUSIBLE: 0.3,
    Verdict.FAILED: -2.0,
}
#: of two or more plausible findings on one value, those beyond the second say nothing new
_MOST_PLAUSIBLE = 2
#: what a page shows several of, for different parts: people and firms, ids
_ROLES: Mapping[str, float] = {
    "ListAgentFullName": -1.0,
    "ListOfficeName": -1.0,
    "ListingId": -0.4,
    "SubdivisionName": -0.4,
}
_LEAST, _MOST = 0.02, 0.99
#: nobody is believed to 0.9 and more on one word: it takes another witness or a check that was passed
_MOST_ALONE = 0.89
#: what markup alone says is not trusted where the page should show it (ADR 0028)
_MOST_UNSHOWN = 0.45


def with_confidence(winners: Mapping[str, Winner], page: Document) -> dict[str, Winner]:
    """`winners` with calibrated confidences; one that fails a cross-check becomes doubtful."""
    checks = crosschecks(winners, page)
    surer = {name: _judged(name, winner, checks.get(name, ())) for name, winner in winners.items()}
    return {name: _no_surer_than_its_source(winner, surer) for name, winner in surer.items()}


def _judged(name: str, winner: Winner, checks: tuple[Verdict, ...]) -> Winner:
    plausible = sum(check is Verdict.PLAUSIBLE for check in checks)
    told = [check for check in checks if check is not Verdict.PLAUSIBLE]
    odds = (
        _ONE_LABEL
        + _SLOPE * (_best(winner) - _LABEL_STRENGTH)
        + _agreement(winner.witnesses)
        + _CONTRADICTION * min(1.0, winner.rival)
        + sum(_CHECK[check] for check in told)
        + _CHECK[Verdict.PLAUSIBLE] * min(plausible, _MOST_PLAUSIBLE)
        + _ROLES.get(name, 0.0)
    )
    alone = len({_place(c) for c in winner.witnesses}) < 2 and not checks
    most = _MOST_ALONE if alone else _MOST
    unshown = all(c.unshown for c in winner.witnesses or (winner.candidate,))
    most = min(most, _MOST_UNSHOWN) if unshown else most
    confidence = round(max(_LEAST, min(most, 1.0 / (1.0 + math.exp(-odds)))), 3)
    return replace(winner, confidence=confidence, doubtful=winner.doubtful or unshown or Verdict.FAILED in checks)


def _best(winner: Winner) -> float:
    return max((c.confidence for c in winner.witnesses), default=winner.candidate.confidence)


def _agreement(witnesses: tuple[Candidate, ...]) -> float:
    """Log-odds that independent witnesses beyond the first add: other methods, and other places of one method."""
    places: dict[Method, set[str]] = {}
    for candidate in witnesses:
        places.setdefault(candidate.method, set()).add(_place(candidate))
    methods = len(places)
    repeated = sum(len(found) - 1 for found in places.values())
    return _OTHER_METHOD * max(0, methods - 1) + _OTHER_PLACE * min(repeated, _MOST_PLACES)


def _place(candidate: Candidate) -> str:
    """Where a candidate stands: one JSON object of a script is one place, so is one element."""
    return candidate.locator.partition("#")[0] if "#" in candidate.locator else candidate.locator


def _no_surer_than_its_source(winner: Winner, winners: Mapping[str, Winner]) -> Winner:
    """A value that was concluded from others (`derived`, its locator names them) is no surer than the least sure."""
    if winner.candidate.method is not Method.DERIVED:
        return winner
    sources = [winners[name].confidence for name in winner.candidate.locator.split(", ") if name in winners]
    return replace(winner, confidence=min([winner.confidence, *sources]))
