"""Choose the winning candidate of each field.

Candidates with the same value form a group. Each method that found the value makes its group stronger. The strongest
group wins. A field is doubtful if its winner is weak, or if another value is nearly as strong.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from app.property.fields.table import ADDRESS_FIELDS, AXES, PROSE, UNIT_OF
from app.property.reading.base import Candidate, Score
from app.property.record import Method
from app.property.values.areas import IN_SQUARE_METERS
from app.property.values.texts import has_street_word

#: A winner is doubtful below `LEAST_SURE` confidence, or if another value has at least `RIVAL_SHARE` of the winner's
#: strength.
LEAST_SURE = 0.5
RIVAL_SHARE = 0.85
_MOST_SURE = 0.98
#: If no candidate for the best value exceeds this confidence and another value is almost as strong, no value wins.
_LEAST_ALONE = 0.5
#: In `_EXTENDED` fields, a text and its beginning count as the same value: `9 Elm St Unit 5` and `9 Elm St`.
_STREET = ADDRESS_FIELDS["street"]
_EXTENDED = PROSE | {_STREET}


@dataclass(frozen=True, slots=True)
class Winner:
    """The winning candidate of a field, its confidence, and whether it is doubtful.

    `agreeing` are the candidates with the same value, including this one. `rival` is the strength of the strongest
    other value as a share of the winner's strength, or 0 if there is no other value. `confidence` is at first the
    strength, reduced by `rival`. `scorer.py` replaces this confidence, and explains the result in `score`.
    """

    candidate: Candidate
    confidence: float
    doubtful: bool
    agreeing: tuple[Candidate, ...] = ()
    rival: float = 0.0
    score: Score | None = None


def rank(candidates: Iterable[Candidate]) -> dict[str, Winner]:
    """Return the winner of each field. Fields without a clear best value are left out."""
    by_field: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_field[candidate.field].append(candidate)
    winners = {field: _winner(found) for field, found in by_field.items()}
    return {field: winner for field, winner in winners.items() if winner is not None}


def _winner(found: list[Candidate]) -> Winner | None:
    groups: list[list[Candidate]] = []
    for candidate in found:
        group = next((g for g in groups if same(g[0], candidate)), None)
        if group is None:
            groups.append([candidate])
        else:
            group.append(candidate)
    strengths = [_strength(g) for g in groups]
    order = sorted(range(len(groups)), key=lambda i: -strengths[i])
    best = groups[order[0]]
    strength = strengths[order[0]]
    rival = strengths[order[1]] if len(order) > 1 else 0.0
    confidence = min(_MOST_SURE, strength) * (1.0 - 0.25 * (rival / strength if strength else 0.0))
    if max(c.confidence for c in best) <= _LEAST_ALONE and rival >= 0.95 * strength:
        return None
    chosen = max(best, key=lambda c: (_has_unit_number(c), round(c.confidence, 1), bool(c.unit), len(str(c.value))))
    chosen = _without_district(chosen, best)
    doubtful = confidence < LEAST_SURE or rival >= RIVAL_SHARE * strength
    share = rival / strength if strength else 0.0
    return Winner(replace(chosen, confidence=round(confidence, 3)), round(confidence, 3), doubtful, tuple(best), share)


def _without_district(chosen: Candidate, group: list[Candidate]) -> Candidate:
    """Return a candidate without the district, if any: `52 Shrewsbury` instead of `52 Shrewsbury, Ballsbridge`."""
    if chosen.field != _STREET:
        return chosen
    head, mark, tail = str(chosen.value).partition(", ")
    if not mark or any(c.isdigit() for c in tail) or has_street_word(tail):
        return chosen
    return next((c for c in group if _key(c) == _key(replace(c, value=head))), chosen)


def _has_unit_number(candidate: Candidate) -> bool:
    return (
        candidate.field == _STREET
        and re.search(r"\b(?:unit|apt|flat|suite)\b|#", str(candidate.value), re.I) is not None
    )


def _strength(group: list[Candidate]) -> float:
    """Return 1 - product(1 - c) over each method's best confidence c (at most 0.97), as if methods were independent."""
    best: dict[Method, float] = {}
    for candidate in group:
        best[candidate.method] = max(best.get(candidate.method, 0.0), candidate.confidence)
    doubt = 1.0
    for confidence in best.values():
        doubt *= 1.0 - min(confidence, 0.97)
    return 1.0 - doubt


def same(one: Candidate, other: Candidate) -> bool:
    """Return whether two candidates of a field give the same value, apart from spelling and unit."""
    if one.field == "X_AccessNotes":
        return True  # notes on a gate never contradict each other: `Gated`, `Gated entry and a guard`
    a, b = _key(one), _key(other)
    if one.field in _EXTENDED and isinstance(a, str) and isinstance(b, str) and min(len(a), len(b)) >= 5:
        return a.startswith(b) or b.startswith(a)
    return bool(a == b) or _numbers_agree(one, other)


def _key(candidate: Candidate) -> Any:
    value = candidate.value
    if isinstance(value, str):
        return re.sub(r"[^\w]+", "", value.casefold())
    return repr(value)


def _numbers_agree(one: Candidate, other: Candidate) -> bool:
    a, b = one.value, other.value
    if isinstance(a, bool) or isinstance(b, bool) or not (isinstance(a, int | float) and isinstance(b, int | float)):
        return False
    if one.field in AXES:
        return abs(a - b) <= 0.0005
    if one.unit in IN_SQUARE_METERS and other.unit in IN_SQUARE_METERS:
        a, b = a * IN_SQUARE_METERS[one.unit], b * IN_SQUARE_METERS[other.unit]
    if one.field in UNIT_OF:
        return bool(abs(a - b) <= 0.02 * max(abs(a), abs(b)))
    return bool(a == b)
