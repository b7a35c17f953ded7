"""Choose the requested property from a response that lists several. No I/O."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from app.plurals import counted
from app.property.address import Address
from app.property.merging.identity import PARCEL, plain_parcel_of
from app.property.sources.address_match import Verdict, match_address

#: Maximum number of parcel numbers or fields in a reason.
_NAMED = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """The result of choosing a row. `place` is the row's index, or None if no row is chosen.

    If `is_open`, the property's parcel number from another source would decide.
    """

    place: int | None
    verdict: Verdict
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
    """Choose the row about `wanted`, or none if the choice is unclear.

    `rows` are the candidates' values; the response lists `listed` properties. For the other arguments, see
    `match_address`. If several rows match, prefer those with a parcel number in `parcels`. Rows that still match must
    be of one parcel and must not contradict each other; the one with the most values is chosen.
    """
    judged = [match_address(row, wanted, parcels, place_is_known=place_is_known) for row in rows]
    mine = [place for place, match in enumerate(judged) if match.is_wanted]
    mine = [place for place in mine if plain_parcel_of(rows[place]) in parcels] or mine
    if not mine:
        doubt = next((one.reason for one in judged if one.verdict is Verdict.UNKNOWN), "")
        reason = f"it lists {counted(listed, 'property')}, none of which is surely this one"
        reason += f": {doubt}" if doubt else ""
        return Choice(None, Verdict.UNKNOWN if doubt else Verdict.OTHER, reason)
    numbers = {plain_parcel_of(rows[place]) for place in mine}
    if len(mine) > 1 and (len(numbers) > 1 or None in numbers):
        shown = [str(rows[place].get(PARCEL) or "without number") for place in mine]
        reason = f"it lists {len(mine)} parcels at this address ({_listed(shown)}) and does not say which one is meant"
        return Choice(None, Verdict.UNKNOWN, reason, is_open=True)
    given = [(name, value) for place in mine for name, value in rows[place].items()]
    differing = sorted({n for n, value in given if any(rows[place].get(n, value) != value for place in mine)})
    if differing:
        reason = f"it lists this parcel {len(mine)} times, and they differ in {_listed(differing)}"
        return Choice(None, Verdict.UNKNOWN, reason)
    best = max(mine, key=lambda place: (len(rows[place]), -place))
    return Choice(best, Verdict.WANTED, f"of {counted(listed, 'property')} that it lists: {judged[best].reason}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
