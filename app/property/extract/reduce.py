"""Which lines of a page are sent to a model: those that speak of the wanted fields, within a budget of tokens.

The words that speak of a field are known in some languages only. On pages in others, and on short ones, the lines that
look most like facts are sent as well, and missing core fields are asked for whether or not a word names them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from app.property.extract.cues import CUES, LANGUAGES, Cue
from app.property.extract.document import Document
from app.property.extract.lines import lines_of
from app.property.extract.terms import meaning

#: a line this short without a value may be the label of the lines behind it
_LABEL_LENGTH, _LABEL_REACH = 40, 2
#: between the cells of a row
_BAR = " | "
#: what most users come for
CORE = frozenset(
    {
        *("StandardStatus", "PropertySubType", "PropertyType", "ListPrice", "UnparsedAddress", "City", "PostalCode"),
        *("BedroomsTotal", "BathroomsTotalInteger", "LivingArea", "LotSizeArea", "YearBuilt"),
        *("ListAgentFullName", "ListOfficeName"),
    }
)
#: what a model is asked for beside other fields, and is worth no call of its own
_BESIDE_OTHERS = frozenset({"CountyOrParish", "ParkingTotal"})
#: a text of fewer tokens is filled up
FLOOR = 300
#: places that are shown for a field
_PER_FIELD = 4
_FACT_LENGTH = 90
#: characters of a page that is sent whole, whatever its language
_SHORT_PAGE = 1_600


@dataclass(frozen=True, slots=True)
class Reduced:
    """`text`: the chosen lines in page order; `fields`: the wanted ones of which they speak, in the order asked."""

    text: str
    fields: tuple[str, ...]


def reduce(document: Document, wanted: Sequence[str], *, budget: int, count: Callable[[str], int]) -> Reduced:
    """The lines for `wanted` within `budget` tokens as `count` counts them; at most `_PER_FIELD` places a field."""
    lines = lines_of(document)
    ranked = {field: _ranked(field, lines)[:_PER_FIELD] for field in wanted if field in CUES}
    chosen: set[int] = set()
    answered: set[str] = set()
    spent = 0
    for turn in range(_PER_FIELD):
        for field, places in ranked.items():
            fresh = [p for p in places[turn] if p not in chosen] if turn < len(places) else []
            cost = sum(count(lines[p]) + 1 for p in fresh)
            if turn < len(places) and spent + cost <= budget:
                chosen.update(fresh)
                answered.add(field)
                spent += cost
    if answered <= _BESIDE_OTHERS:
        chosen, answered, spent = set(), set(), 0
    core = {field for field in wanted if field in CORE}
    if not core <= answered and document.json is None:
        fluent, short = document.locale.lang in LANGUAGES, sum(map(len, lines)) <= _SHORT_PAGE
        if not fluent or short:
            room = min(FLOOR, budget) - spent
            facts = _fitting(_facts(lines), chosen, lines, count, room=room)
            asks = bool(facts) or (bool(chosen) and not fluent)
            answered |= core if asks else set()
            chosen |= facts
            if short and asks:
                room -= sum(count(lines[place]) + 1 for place in facts)
                chosen |= _fitting(range(len(lines)), chosen, lines, count, room=room)
    return Reduced("\n".join(lines[p] for p in sorted(chosen)), tuple(f for f in wanted if f in answered))


def _fitting(
    places: Sequence[int], chosen: Set[int], lines: Sequence[str], count: Callable[[str], int], *, room: int
) -> set[int]:
    """Those of `places` that are not chosen yet and fit into `room` tokens, the first ones first."""
    found: set[int] = set()
    for place in places:
        cost = count(lines[place]) + 1
        if place not in chosen and cost <= room:
            found.add(place)
            room -= cost
    return found


def _facts(lines: Sequence[str]) -> list[int]:
    """Places of lines that look like facts, best first: a label with a value, then a short line with a number."""

    def rank(place: int) -> int:
        label, colon, value = lines[place].partition(": ")
        short = len(lines[place]) <= _FACT_LENGTH
        if short and colon and value.strip() and len(label) <= _LABEL_LENGTH:
            return 0
        return 1 if short and any(c.isdigit() for c in lines[place]) else 2

    return sorted((place for place in range(len(lines)) if rank(place) < 2), key=lambda place: (rank(place), place))


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
    if _BAR in lines[place]:  # the head of a table, and its first row
        row = place + 1
        is_row = row < len(lines) and _BAR in lines[row] and cue.shape.search(lines[row])
        return (place, row) if is_row else ()
    if len(lines[place]) > _LABEL_LENGTH:
        return ()
    reach = range(place + 1, min(place + 1 + _LABEL_REACH, len(lines)))
    return next(((place, p) for p in reach if len(lines[p]) <= 80 and cue.shape.search(lines[p])), ())


def _means(label: str, field: str) -> bool:
    found = meaning(label, None)
    address = field in ("UnparsedAddress", "City", "StateOrProvince", "PostalCode")
    return found is not None and (found.field == field or (address and found.field == "_Address"))
