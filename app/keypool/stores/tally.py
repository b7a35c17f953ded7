"""Parse the counts of a key store for metrics and reports. `lua/names.lua` lists their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from app.keypool.figures import WAIT_BOUNDS_S, CallFigures, Capacity, ModelFigures, PoolFigures, Scope, Transition, Unit
from app.keypool.limits import MINUTE_US
from app.keypool.outcomes import Outcome
from app.keypool.spending import NOTHING, Spent

#: Separates the model from the kind of count in the field names of the hash `c:<key>`.
_SEPARATOR = "\x1f"
_SATURATED = "s:"
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_UNITS: tuple[Unit, Unit] = ("requests", "tokens")

Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class OfflineActivity:
    """The usage and counts of a process while Redis was lost, to be added to Redis once.

    `spent` maps a budget's name to its usage. `counts` has the hashes `c:<key>`, `k:<key>`, and `w:<model>`. `used_us`
    maps a key to the time of its last use.
    """

    spent: Mapping[str, Spent] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)
    used_us: Mapping[str, int] = field(default_factory=dict)

    def since(self, before: OfflineActivity) -> OfflineActivity:
        spent = {name: of - before.spent.get(name, NOTHING) for name, of in self.spent.items()}
        counts = {
            name: {f: more for f, count in of.items() if (more := count - before.counts.get(name, {}).get(f, 0))}
            for name, of in self.counts.items()
        }
        return OfflineActivity(
            {name: more for name, more in spent.items() if more != NOTHING},
            {name: of for name, of in counts.items() if of},
            {key_id: at for key_id, at in self.used_us.items() if at != before.used_us.get(key_id)},
        )


def read_figures(scope: Scope, groups: Mapping[str, str], found: Mapping[str, Any], now: int) -> PoolFigures:
    """Parse the reply of `figures.lua`. `groups` maps each configured key to its limit group."""
    former = {key_id: (group, counts) for key_id, group, counts in sorted(found["former"])}
    of_keys = dict(zip(groups, map(_counts, found["counts"]), strict=True))
    of_keys |= {key_id: _counts(counts) for key_id, (_, counts) in former.items()}
    return PoolFigures(
        scope=scope,
        groups={**groups, **{key_id: group for key_id, (group, _) in former.items()}},
        calls=tuple(call for key_id, counts in of_keys.items() for call in _calls(key_id, counts)),
        transitions={key_id: what for key_id, counts in of_keys.items() if (what := _transitions(counts))},
        models=tuple(_model(model, _counts(pairs)) for model, pairs in sorted(found["models"]) if pairs),
        capacities=tuple(sorted(capacity for bucket in found["capacities"] for capacity in _capacities(bucket, now))),
        stopped={field[2:]: cap for field, cap in _counts(found["today"]).items() if field.startswith("x:")},
    )


def _counts(pairs: Sequence[str]) -> dict[str, int]:
    """Parse a list of alternating fields and counts, or {}, which is how Lua encodes an empty list."""
    return dict(zip(pairs[::2], map(int, pairs[1::2]), strict=True)) if pairs else {}


def _calls(key_id: str, counts: Mapping[str, int]) -> Iterable[CallFigures]:
    by_model: dict[str, dict[str, int]] = {}
    for name, count in counts.items():
        model, separator, what = name.rpartition(_SEPARATOR)
        if separator and count:  # a field without a separator counts changes of the key's state
            by_model.setdefault(model, {})[what] = count
    for model, of in sorted(by_model.items()):
        outcomes = {_OUTCOMES[what]: count for what, count in of.items() if what in _OUTCOMES}
        yield CallFigures(key_id, model, outcomes, of.get("i", 0), of.get("o", 0), of.get("u", 0), of.get("h", 0))


def _capacities(bucket: Sequence[str], now: int) -> Iterator[Capacity]:
    group, model, cooldown_until, *meters = bucket
    rests = now < float(cooldown_until)
    for unit, limit, capacity, full_at in zip(_UNITS, meters[::3], meters[1::3], meters[2::3], strict=True):
        if limit:
            per_minute = float(limit)
            left = 0.0 if rests else float(capacity) - max(0.0, float(full_at) - now) * per_minute / MINUTE_US
            yield Capacity(group, model, unit, per_minute, max(0.0, left))


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
