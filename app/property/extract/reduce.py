"""Which lines of a page are sent to a model: those that speak of the wanted fields, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.property.extract.cues import CUES, Cue
from app.property.extract.document import Document
from app.property.extract.lines import lines_of
from app.property.extract.terms import meaning

#: a line this short without a value may be the label of the lines behind it
_LABEL_LENGTH, _LABEL_REACH = 40, 2


@dataclass(frozen=True, slots=True)
class Reduced:
    """`text`: the chosen lines in page order; `fields`: the wanted ones of which they speak, in the order asked."""

    text: str
    fields: tuple[str, ...]


def reduce(
    document: Document, wanted: Sequence[str], *, budget: int, count: Callable[[str], int], per_field: int = 4
) -> Reduced:
    """The lines for `wanted` within `budget` tokens as `count` counts them; at most `per_field` places a field."""
    lines = lines_of(document)
    ranked = {field: _ranked(field, lines)[:per_field] for field in wanted if field in CUES}
    chosen: set[int] = set()
    answered: set[str] = set()
    spent = 0
    for turn in range(per_field):
        for field, places in ranked.items():
            fresh = [p for p in places[turn] if p not in chosen] if turn < len(places) else []
            cost = sum(count(lines[p]) + 1 for p in fresh)
            if turn < len(places) and spent + cost <= budget:
                chosen.update(fresh)
                answered.add(field)
                spent += cost
    return Reduced("\n".join(lines[p] for p in sorted(chosen)), tuple(f for f in ranked if f in answered))


def _ranked(field: str, lines: Sequence[str]) -> list[tuple[int, ...]]:
    """Where the page speaks of `field`, best first: its own label with a value, words with a value, a label alone.

    A label alone brings the first of the next lines that has the shape of a value.
    """
    cue = CUES[field]
    scored: list[tuple[float, tuple[int, ...]]] = []
    for place, line in enumerate(lines):
        strength = cue.strength(line)
        where: tuple[int, ...] = (place,)
        if strength == 1:
            where = _label_and_value(cue, lines, place)
        if strength == 0 or not where:
            continue
        label, colon, value = line.partition(":")
        own = bool(colon) and value.strip() != "" and _means(label, field)
        scored.append((-(strength + 3 * own) + place / 10_000 + len(line) / 2_000, where))
    return [where for _, where in sorted(scored)]


def _label_and_value(cue: Cue, lines: Sequence[str], place: int) -> tuple[int, ...]:
    if len(lines[place]) > _LABEL_LENGTH:
        return ()
    reach = range(place + 1, min(place + 1 + _LABEL_REACH, len(lines)))
    return next(((place, p) for p in reach if len(lines[p]) <= 80 and cue.shape.search(lines[p])), ())


def _means(label: str, field: str) -> bool:
    found = meaning(label, None)
    address = field in ("UnparsedAddress", "City", "StateOrProvince", "PostalCode")
    return found is not None and (found.field == field or (address and found.field == "_Address"))
