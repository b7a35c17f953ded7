"""What a store counts for metrics and reports, by the names of `lua/names.lua`.

Counts of a process that was alone for a while need only be added to the fleet's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

from app.keypool.figures import (
    WAIT_BOUNDS_S,
    CallFigures,
    KeyTransitions,
    ModelFigures,
    PoolFigures,
    Room,
    Scope,
    Transition,
    Unit,
)
from app.keypool.outcomes import Outcome
from app.keypool.spending import NOTHING, Spent

#: Between model and what is counted, in a field of `c:<key>`; no kind of count holds it, so the last one separates.
_OF = "\x1f"
_SATURATED = "s:"

#: name of a hash -> field -> count
Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Alone:
    """What a process did without the fleet's store: to be added to what that holds, once.

    `spent` is by the name of the budget, `counts` by the name of the hash (`c:<key>`, `k:<key>`, `w:<model>`),
    `used_us` when each key was last used.
    """

    spent: Mapping[str, Spent] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)
    used_us: Mapping[str, int] = field(default_factory=dict)

    def since(self, before: Alone) -> Alone:
        """What is new since `before`, an earlier state of the same process."""
        spent = {name: of.minus(before.spent.get(name, NOTHING)) for name, of in self.spent.items()}
        counts = {
            name: {f: more for f, count in of.items() if (more := count - before.counts.get(name, {}).get(f, 0))}
            for name, of in self.counts.items()
        }
        return Alone(
            {name: more for name, more in spent.items() if more != NOTHING},
            {name: of for name, of in counts.items() if of},
            {key_id: at for key_id, at in self.used_us.items() if at != before.used_us.get(key_id)},
        )


def read_figures(
    scope: Scope, groups: Mapping[str, str], counts: Counts, rooms: Iterable[Room], stopped: Mapping[str, int]
) -> PoolFigures:
    """The figures of these keys, and of all models; `scope`, `groups` and `stopped` as in `PoolFigures`."""
    return PoolFigures(
        scope=scope,
        groups=dict(groups),
        calls=tuple(call for key_id in groups for call in _calls(key_id, counts.get(f"c:{key_id}", {}))),
        transitions=tuple(
            KeyTransitions(key_id, befell)
            for key_id in groups
            if (befell := _transitions(counts.get(f"c:{key_id}", {})))
        ),
        models=tuple(_model(name[2:], counts[name]) for name in sorted(counts) if name.startswith("w:")),
        rooms=tuple(sorted(rooms, key=lambda room: (room.group, room.model, room.unit))),
        stopped=dict(stopped),
    )


def _calls(key_id: str, counts: Mapping[str, int]) -> Iterable[CallFigures]:
    by_model: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for name, count in counts.items():
        model, separator, what = name.rpartition(_OF)
        if separator and count:  # a stream that used nothing makes no entry
            by_model[model][what] = count
    for model, of in sorted(by_model.items()):
        outcomes = {outcome: of[outcome] for outcome in Outcome if of.get(outcome)}
        yield CallFigures(key_id, model, outcomes, of.get("i", 0), of.get("o", 0), of.get("u", 0))


def _transitions(counts: Mapping[str, int]) -> dict[Transition, int]:
    return {what: counts[what] for what in get_args(Transition) if counts.get(what)}


def _model(model: str, counts: Mapping[str, int]) -> ModelFigures:
    def above_0(prefix: str) -> dict[str, int]:
        return {field[2:]: counts[field] for field in sorted(counts) if field.startswith(prefix) and counts[field]}

    return ModelFigures(
        model=model,
        refusals=above_0("r:"),
        waits=tuple(counts.get(f"b{n}", 0) for n in range(len(WAIT_BOUNDS_S) + 1)),
        waited_us=counts.get("us", 0),
        saturated_us=cast("dict[Unit, int]", above_0(_SATURATED)),
    )
