"""Choose between the values of a field by source, method, age, agreement, and fit (how usual the value is).

A source's accuracy A is the chance that its value is right: rank × method × confidence × freshness × fit. Its vote is
ln(n·A / (1 − A)), where n = 10 is the number of possible wrong values (the vote count of Dong, Berti-Equille and
Srivastava, "Integrating Conflicting Data: The Role of Source Dependence", VLDB 2009). A value gets the votes of all
sources that agree. All sites of one owner share one vote, or have one vote per known kind of source (`Voter`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.plurals import counted
from app.property.merging.number_errors import anomalies, number_error
from app.property.merging.weights import METHOD_FACTORS, freshness, rank
from app.property.record import Evidence, Method
from app.property.source_record import SourceRecord, Voter, independent

_WRONG_VALUES = 10
_LEAST, _MOST = 0.02, 0.97
#: A confidence counts up to this one. A higher confidence only shows that the page repeats the value, which is no
#: second source.
_READ_RIGHT = 0.9
_LEAST_VOTE = 0.05
#: The fit of a number error is multiplied by `_ERROR`. Of two values with equally many sources, one may be the error if
#: its fit is below `_FITS_LESS` times the other's fit.
_ERROR = 0.1
_FITS_LESS = 0.9
#: A value outside the usual range by a factor of e loses `_ODD_BY_E` in ln(A). The maximum loss is `_MOST_ODD`.
_ODD_BY_E, _MOST_ODD = 2.0, 2.0
_SECONDS_A_DAY = 86_400.0
_METHOD_PLACE = {method: -place for place, method in enumerate(Method)}
Same = Callable[[SourceRecord, SourceRecord], bool]


class Verdict(StrEnum):
    """`older` means that the value was right at an earlier time."""

    WON = "won"
    AGREES = "agrees"
    OLDER = "older"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about the property: uncontested values by field with their sources, and when its newest page was
    read.
    """

    values: Mapping[str, Any]
    newest: datetime
    voters: Mapping[str, Collection[Voter]] = field(default_factory=dict)

    def without(self, source: SourceRecord) -> Mapping[str, Any]:
        """Return the values that are not only from `source`, or all if its kind is known."""
        if not source.is_stranger:
            return self.values
        return {name: value for name, value in self.values.items() if set(self.voters.get(name, ())) - {source.voter}}


@dataclass(frozen=True, slots=True)
class Weight:
    """The factors of a source's accuracy, each from 0 to 1. `odd` lists what is unusual about the source's value.

    `is_error` is true if the value is a number error.
    """

    rank: float
    method: float
    confidence: float
    freshness: float
    fit: float
    odd: tuple[str, ...] = ()
    is_error: bool = False

    @property
    def accuracy(self) -> float:
        whole = self.rank * self.method * self.confidence * self.freshness * self.fit
        return max(_LEAST, min(_MOST, whole))

    @property
    def vote(self) -> float:
        accuracy = self.accuracy
        return max(_LEAST_VOTE, math.log(_WRONG_VALUES * accuracy / (1 - accuracy)))

    def as_error(self, words: str) -> Weight:
        return replace(self, fit=self.fit * _ERROR, odd=(*self.odd, words), is_error=True)


@dataclass(slots=True)
class SourceValue:
    """`votes` is the sum of the votes of all sources that agree, and `source_count` is the number of these sources.

    `is_senior` is true for a winner that is shown although another one has more votes (`seniority.py`).
    """

    source: SourceRecord
    proof: Evidence
    weight: Weight
    votes: float = 0.0
    source_count: int = 1
    is_senior: bool = False
    verdict: Verdict = Verdict.WON
    reason: str = field(default="the only source")


def source_value(name: str, record: SourceRecord, known: Known, *, contested: bool = True) -> SourceValue:
    """Weigh the record's value of the field `name`, without other sources' votes. The fit counts only if sources
    disagree (`contested`).
    """
    proof = record.evidence[name]
    age_days = (known.newest - record.as_of).total_seconds() / _SECONDS_A_DAY
    fit, words = _fit(name, record, known.values, known) if contested else (1.0, ())
    kind_rank, read = rank(record.source_kind, name), METHOD_FACTORS[proof.method]
    confidence, fresh = min(proof.confidence, _READ_RIGHT), freshness(name, age_days)
    return SourceValue(record, proof, Weight(kind_rank, read, confidence, fresh, fit, words))


def _fit(name: str, record: SourceRecord, values: Mapping[str, Any], known: Known) -> tuple[float, tuple[str, ...]]:
    """Return how usual the record's value is beside `values`, from 0 to 1, and what is unusual about it."""
    odd = anomalies(name, record.values, values, known.newest.year)
    fit = math.exp(-min(_MOST_ODD, _ODD_BY_E * sum(distance for distance, _ in odd)))
    return fit, tuple(text for _, text in odd)


def weigh(name: str, records: Sequence[SourceRecord], known: Known, same: Same) -> list[SourceValue]:
    """Return the values of the field `name` in `records`, sorted by votes, the winner first.

    All records must have the field.
    """
    if len(records) == 1:
        (only,) = records
        alone = source_value(name, only, known, contested=False)
        alone.votes = alone.weight.vote
        return [alone]
    agree = [[one is other or same(one, other) for other in records] for one in records]
    contested = not all(map(all, agree))
    given = [source_value(name, record, known, contested=contested) for record in records]
    if contested:
        _find_errors(name, given, agree, known)
    for one, row in zip(given, agree, strict=True):
        _count(one, [other for other, yes in zip(given, row, strict=True) if yes])
    return sorted(given, key=_order, reverse=True)


def _find_errors(name: str, given: list[SourceValue], agree: list[list[bool]], known: Known) -> None:
    """Find number errors: values that differ from another value by a power of ten or by a unit.

    If one of the two values has a single source and the other has more, the value with the single source is the error.
    If both have equally many sources, the value that fits less is the error. What only the other source states does not
    count then, if its kind is unknown.
    """
    counts = [len(independent(given[m].source.voter for m, yes in enumerate(row) if yes)) for row in agree]
    for n, one in enumerate(given):
        for m, other in enumerate(given):
            outnumbered = counts[n] < 2 <= counts[m]
            if agree[n][m] or not (outnumbered or counts[n] == counts[m]):
                continue
            error = number_error(name, one.source.values, other.source.values)
            if error and (outnumbered or _fits_less(name, one.source, other.source, known)):
                against = f"{error}, against {counted(counts[m], 'source')}" if outnumbered else error
                one.weight = one.weight.as_error(against)
                break


def _fits_less(name: str, one: SourceRecord, other: SourceRecord, known: Known) -> bool:
    values = known.without(other)
    fits = [_fit(name, record, values, known)[0] for record in (one, other)]
    return fits[0] < _FITS_LESS * fits[1]


def _count(one: SourceValue, agreeing: list[SourceValue]) -> None:
    """Count one vote per source: the strongest vote of its pages."""
    best: dict[Voter, float] = {}
    for other in agreeing:
        voter = other.source.voter
        best[voter] = max(best.get(voter, 0.0), other.weight.vote)
    counted = independent(best)
    one.votes, one.source_count = math.fsum(best[voter] for voter in counted), len(counted)


def _order(one: SourceValue) -> tuple[Any, ...]:
    """Of sources that agree, the one that was read most surely comes first. The URL makes the order deterministic."""
    place, sure = _METHOD_PLACE[one.proof.method], one.proof.confidence
    return round(one.votes, 9), round(one.weight.accuracy, 9), sure, one.source.as_of, place, one.source.url


def why_won(winner: SourceValue, *, contested: bool) -> str:
    if winner.source_count == 1:
        ranked = "the earlier of single sources" if winner.is_senior else "ranked first"
        alone = ranked if contested else "no other source has it"
    else:
        alone = f"{winner.source_count} sources agree"
    return f"{alone}, {winner.votes:.2f} votes" if contested else alone


def why_lost(one: SourceValue, winner: SourceValue) -> str:
    """Return the reasons, in words, why the value lost, the strongest first."""
    mine, theirs = one.weight, winner.weight
    is_own = one.source.voter == winner.source.voter
    parts = [
        (10.0 * winner.is_senior, "an older page of the same source" if is_own else "stated later"),
        (9.0 * bool(mine.odd), "; ".join(mine.odd)),
        (
            1.0 * (winner.source_count > one.source_count),
            counted(winner.source_count, "source disagrees", "sources disagree"),
        ),
        (_drop(mine.rank, theirs.rank), f"{_kind(one)} ranks below {_kind(winner)} here"),
        (_drop(mine.freshness, theirs.freshness), "an older page"),
        (
            _drop(mine.confidence, theirs.confidence),
            f"lower confidence ({mine.confidence:.2f} to {theirs.confidence:.2f})",
        ),
        (_drop(mine.method, theirs.method), f"read by {one.proof.method}, not {winner.proof.method}"),
    ]
    words = [text for weight, text in sorted(parts, key=lambda part: -part[0]) if weight > 0.02]
    return "; ".join(words) or f"fewer votes ({one.votes:.2f} to {winner.votes:.2f})"


def _drop(mine: float, theirs: float) -> float:
    return math.log(theirs / mine) if 0 < mine < theirs else 0.0


def _kind(one: SourceValue) -> str:
    return str(one.source.source_kind or "other").replace("_", " ")
