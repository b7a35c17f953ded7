"""Which of several properties in one answer is the wanted one. Pure; prefers none over a neighbour's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from app.property.address import Address
from app.property.merging.identity import PARCEL, plain_parcel_of
from app.property.sources.belonging import Whose, belonging

#: parcel numbers and fields that a reason names
_NAMED = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """The place of the wanted one, else None, and why; `is_open`: another source may tell by naming the parcel."""

    place: int | None
    whose: Whose
    reason: str
    is_open: bool = False


def choose(
    rows: Sequence[Mapping[str, Any]],
    listed: int,
    wanted: Address,
    parcels: Set[str] = frozenset(),
    *,
    place_is_known: bool = False,
) -> Choice:
    """Which of `rows` (the values of each that may be it, of `listed` in all) is `wanted`; `parcels` and
    `place_is_known` as for `belonging`.

    Of several that are, the one whose parcel number another page of the address named; else all must be of one parcel
    and contradict each other in nothing, and the fullest is taken. Values of two rows are never put together.
    """
    judged = [belonging(row, wanted, parcels, place_is_known=place_is_known) for row in rows]
    mine = [place for place, whose in enumerate(judged) if whose.is_wanted]
    mine = [place for place in mine if plain_parcel_of(rows[place]) in parcels] or mine
    if not mine:
        doubt = next((one.reason for one in judged if one.whose is Whose.UNKNOWN), "")
        reason = f"it lists {listed} properties, none of which is surely this one{f': {doubt}' if doubt else ''}"
        return Choice(None, Whose.UNKNOWN if doubt else Whose.OTHER, reason)
    numbers = {plain_parcel_of(rows[place]) for place in mine}
    if len(mine) > 1 and (len(numbers) > 1 or None in numbers):
        shown = [str(rows[place].get(PARCEL) or "without number") for place in mine]
        reason = f"it lists {len(mine)} parcels at this address ({_listed(shown)}), and which is meant it does not say"
        return Choice(None, Whose.UNKNOWN, reason, is_open=True)
    differing = sorted(
        {name for place in mine for name, value in rows[place].items() if _differs(name, value, rows, mine)}
    )
    if differing:
        reason = f"it lists this parcel {len(mine)} times, and they differ in {_listed(differing)}"
        return Choice(None, Whose.UNKNOWN, reason)
    best = max(mine, key=lambda place: (len(rows[place]), -place))
    return Choice(best, Whose.WANTED, f"of {listed} properties that it lists: {judged[best].reason}")


def _differs(name: str, value: Any, rows: Sequence[Mapping[str, Any]], mine: Sequence[int]) -> bool:
    return any(name in rows[place] and rows[place][name] != value for place in mine)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
