"""Of several sources that say something of one field, the one to believe: who says it, how it was read, how old it is,
who agrees, and whether it fits what else is known. Pure.

A source's accuracy A is the chance that it is right: rank × method × confidence × freshness × fit. Its vote is
ln(n·A / (1 − A)) with n = 10 wrong values that it could have said instead (the vote count of Dong, Berti-Equille and
Srivastava, "Integrating Conflicting Data: The Role of Source Dependence", VLDB 2009); a value has the votes of all who
say the same, one for each source: an owner's domain, or each of its offices that is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.property.merging.number_errors import oddities, slip_between
from app.property.merging.weights import METHOD_FACTORS, freshness, rank
from app.property.record import Evidence, Method
from app.property.source_record import SourceRecord, Voice, independent

_WRONG_VALUES = 10
_LEAST, _MOST = 0.02, 0.97
#: A page's confidence is the chance that it was read right. From 0.9 on it was: how often one site says a thing, in its
#: markup and in its text, makes no better witness of it. A tenth of what is beyond counts: it tells equals apart, and
#: does not outvote whose page it is
_READ_RIGHT, _BEYOND = 0.9, 0.1
#: the vote of a source that is nearly always wrong still counts for its value, since somebody says it
_LEAST_VOTE = 0.05
#: what is left of the accuracy of a slip: of a value on which two sources agree, or of one that fits better
_SLIP = 0.1
_FITS_LESS = 0.9
#: a value that lies outside of what is usual by a factor of e loses this much in ln(A), and never more than the second
_ODD_BY_E, _MOST_ODD = 2.0, 2.0
_SECONDS_A_DAY = 86_400.0
_METHOD_PLACE = {method: -place for place, method in enumerate(Method)}
Same = Callable[[SourceRecord, SourceRecord], bool]


class Verdict(StrEnum):
    """What became of what a source says: `older` is right of an earlier time, `conflict` is not right beside it."""

    WON = "won"
    AGREES = "agrees"
    OLDER = "older"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the property apart from the field that is judged: values nobody contradicts, the newest page."""

    values: Mapping[str, Any]
    newest: datetime


@dataclass(frozen=True, slots=True)
class Weight:
    """Why a source is believed on a field, each factor 0 to 1. `odd`: in which ways its value fits nothing else."""

    rank: float
    method: float
    confidence: float
    freshness: float
    fit: float
    odd: tuple[str, ...] = ()

    @property
    def accuracy(self) -> float:
        """The chance that it is right."""
        whole = self.rank * self.method * self.confidence * self.freshness * self.fit
        return max(_LEAST, min(_MOST, whole))

    @property
    def vote(self) -> float:
        accuracy = self.accuracy
        return max(_LEAST_VOTE, math.log(_WRONG_VALUES * accuracy / (1 - accuracy)))

    def as_slip(self, words: str) -> Weight:
        odd = (*self.odd, words)
        return Weight(self.rank, self.method, self.confidence, self.freshness, self.fit * _SLIP, odd)


@dataclass(slots=True)
class Say:
    """What one source says of a field. `votes` are those of all who say the same, `voices` how many these are."""

    source: SourceRecord
    proof: Evidence
    weight: Weight
    votes: float = 0.0
    voices: int = 1
    verdict: Verdict = Verdict.WON
    reason: str = field(default="the only source")


def say_of(name: str, record: SourceRecord, known: Known, *, contested: bool = True) -> Say:
    """What `record` says of `name`, by itself. Whether it fits is only asked where somebody says otherwise."""
    proof = record.evidence[name]
    age_days = (known.newest - record.as_of).total_seconds() / _SECONDS_A_DAY
    odd = oddities(name, record.values, known.values, known.newest.year) if contested else []
    fit = math.exp(-min(_MOST_ODD, _ODD_BY_E * sum(distance for distance, _ in odd)))
    words = tuple(text for _, text in odd)
    kind_rank, read = rank(record.source_kind, name), METHOD_FACTORS[proof.method]
    beyond = max(0.0, proof.confidence - _READ_RIGHT)
    confidence, fresh = proof.confidence - (1 - _BEYOND) * beyond, freshness(name, age_days)
    return Say(record, proof, Weight(kind_rank, read, confidence, fresh, fit, words))


def weigh(name: str, records: Sequence[SourceRecord], known: Known, same: Same) -> list[Say]:
    """All that `records` (each of which has the field) say of `name`: the winner first, then by their votes.

    `same` tells whether two of them say the same. Independent of the order of `records`.
    """
    if len(records) == 1:
        (only,) = records
        alone = say_of(name, only, known, contested=False)
        alone.votes = alone.weight.vote
        return [alone]
    agree = [[one is other or same(one, other) for other in records] for one in records]
    contested = not all(map(all, agree))
    says = [say_of(name, record, known, contested=contested) for record in records]
    if contested:
        _find_slips(name, says, agree)
    for say, row in zip(says, agree, strict=True):
        _count(say, [other for other, yes in zip(says, row, strict=True) if yes])
    return sorted(says, key=_order, reverse=True)


def _find_slips(name: str, says: list[Say], agree: list[list[bool]]) -> None:
    """Of two values that differ by a power of ten or by a unit, the one is the slip that fewer say where two agree on
    the other, else the one that fits less."""
    voices = [len(independent(says[m].source.voice for m, yes in enumerate(row) if yes)) for row in agree]
    fits = [say.weight.fit for say in says]
    for n, say in enumerate(says):
        for m, other in enumerate(says):
            outvoiced = voices[n] < 2 <= voices[m]
            if not agree[n][m] and (outvoiced or (voices[n] == voices[m] and fits[n] < _FITS_LESS * fits[m])):
                slip = slip_between(name, say.source.values, other.source.values)
                if slip:
                    say.weight = say.weight.as_slip(f"{slip}, against {voices[m]} sources" if outvoiced else slip)
                    break


def _count(say: Say, agreeing: list[Say]) -> None:
    """Pages of one source have one vote, that of the surest of them."""
    best: dict[Voice, float] = {}
    for other in agreeing:
        voice = other.source.voice
        best[voice] = max(best.get(voice, 0.0), other.weight.vote)
    counted = independent(best)
    say.votes, say.voices = math.fsum(best[voice] for voice in counted), len(counted)


def _order(say: Say) -> tuple[Any, ...]:
    """Votes, then the surest of those who agree, the younger page, the method, and a name so that chance has no say."""
    place = _METHOD_PLACE[say.proof.method]
    return round(say.votes, 9), round(say.weight.accuracy, 9), say.source.as_of, place, say.source.url


def why_won(winner: Say, *, contested: bool) -> str:
    """In words, why this value is shown."""
    if winner.voices == 1:
        alone = "no other source has it" if not contested else "ranked first"
    else:
        alone = f"{winner.voices} sources agree"
    return f"{alone}, {winner.votes:.2f} votes" if contested else alone


def why_lost(say: Say, winner: Say) -> str:
    """What told against the value, the weightiest first."""
    mine, theirs = say.weight, winner.weight
    parts = [
        (9.0 * bool(mine.odd), "; ".join(mine.odd)),
        (1.0 * (winner.voices > say.voices), f"{winner.voices} sources say otherwise"),
        (_drop(mine.rank, theirs.rank), f"{_kind(say)} ranks below {_kind(winner)} here"),
        (_drop(mine.freshness, theirs.freshness), "an older page"),
        (_drop(mine.confidence, theirs.confidence), f"less sure ({mine.confidence:.2f} to {theirs.confidence:.2f})"),
        (_drop(mine.method, theirs.method), f"read by {say.proof.method}, not {winner.proof.method}"),
    ]
    words = [text for weight, text in sorted(parts, key=lambda part: -part[0]) if weight > 0.02]
    return "; ".join(words) or f"fewer votes ({say.votes:.2f} to {winner.votes:.2f})"


def _drop(mine: float, theirs: float) -> float:
    return math.log(theirs / mine) if 0 < mine < theirs else 0.0


def _kind(say: Say) -> str:
    return str(say.source.source_kind or "other").replace("_", " ")
