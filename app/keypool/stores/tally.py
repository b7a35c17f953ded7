"""What a store counts for metrics and reports, by the names that it has in Redis (`lua/keys.lua`).

One reader makes figures of such counts, wherever they were kept; so counts of a process that was alone for a while need
only be added to the fleet's.
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
    wait_class,
)
from app.keypool.outcomes import ACCEPTED, NO_VERDICT, Outcome
from app.keypool.spending import NOTHING, Bulk, BulkResult, Spent, Usage
from app.keypool.stores.base import Change, Lease, Reason, Settlement

#: How far ahead a moment without room is taken for granted: a longer rest is counted as requests go on asking.
LONGEST_SATURATION_US = 60_000_000
#: Between model and what is counted, in a field of `c:<key>`; no kind of count holds it, so the last one separates.
_OF = "\x1f"
_SATURATED = "s:"

#: name of a hash -> field -> count
Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Alone:
    """What a process did without the fleet's store: to be added to what that holds, once.

    `spent` is by the name of the budget, `counts` as `Tally` has them and as the statistics do (`k:<key>`), `used_us`
    when each key was last used.
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


def transitions_of(change: Change) -> tuple[Transition, ...]:
    """What a settlement did to its key."""
    befell: dict[Transition, bool] = {
        "open": change.opened_after is not None,
        "closed": change.closed,
        "dead": change.died,
        "no_quota": change.quota_gone,
        "cooling": change.cooled_us is not None,
    }
    return tuple(what for what, happened in befell.items() if happened)


class Tally:
    """The counts of one process. A store holds it under its lock."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._saturated_until_us: dict[str, int] = {}

    def settled(self, lease: Lease, settlement: Settlement, change: Change) -> None:
        """A lease has ended."""
        of_key, of_model = self._counts[f"c:{lease.key_id}"], self._counts[f"w:{lease.model}"]
        of_key[f"{lease.model}{_OF}{settlement.outcome}"] += 1
        of_model[f"b{wait_class(settlement.waited_us)}"] += 1
        of_model["us"] += settlement.waited_us
        for what in transitions_of(change):
            of_key[what] += 1

    def stream_ended(self, lease: Lease, change: Change, *, broke: bool) -> None:
        """A stream is over. The head of one that broke stays counted as a success: counters never fall."""
        of_key = self._counts[f"c:{lease.key_id}"]
        if broke:
            of_key[f"{lease.model}{_OF}{Outcome.SERVER_FAILURE}"] += 1
        for what in transitions_of(change):
            of_key[what] += 1

    def used(self, lease: Lease, usage: Usage) -> None:
        """What a request used is known."""
        of_key = self._counts[f"c:{lease.key_id}"]
        of_key[f"{lease.model}{_OF}i"] += max(0, usage.tokens - usage.output_tokens)
        of_key[f"{lease.model}{_OF}o"] += usage.output_tokens
        of_key[f"{lease.model}{_OF}u"] += usage.microusd

    def settled_bulk(self, bulk: Bulk, result: BulkResult) -> None:
        """Requests that were sent together are over. They waited for no key."""
        of_key = self._counts[f"c:{bulk.key_id}"]
        for outcome, count in result.outcomes.items():
            of_key[f"{bulk.model}{_OF}{outcome}"] += count
        for what, more in (("i", result.input_tokens), ("o", result.output_tokens), ("u", result.microusd)):
            of_key[f"{bulk.model}{_OF}{what}"] += more

    def refused(self, model: str, reason: Reason) -> None:
        """A request was told that there is no key for it."""
        self._counts[f"w:{model}"][f"r:{reason}"] += 1

    def saturated(self, model: str, unit: Unit, now_us: int, until_us: int) -> None:
        """No key takes a request before `until_us`, for want of room. Every moment counts once, whoever met it."""
        until_us = min(until_us, now_us + LONGEST_SATURATION_US)
        since_us = max(now_us, self._saturated_until_us.get(model, 0))
        if until_us > since_us:
            self._counts[f"w:{model}"][f"{_SATURATED}{unit}"] += until_us - since_us
            self._saturated_until_us[model] = until_us

    def counts(self) -> dict[str, dict[str, int]]:
        """All counts, a copy."""
        return {name: dict(of) for name, of in self._counts.items()}

    def counts_of_share(self, size: int) -> dict[str, dict[str, int]]:
        """All counts, as one of `size` processes adds them to the fleet's.

        Each of them has its share of the room, and they are full at the same time: its part of that time is one of
        `size`. What the statistics show of a key follows from how its requests ended.
        """
        counts = self.counts()
        for name, of in list(counts.items()):
            if name.startswith("w:"):
                counts[name] = {f: n // size if f.startswith(_SATURATED) else n for f, n in of.items()}
            else:
                counts[f"k:{name[2:]}"] = _of_statistics(of)
        return counts


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


def _of_statistics(counts: Mapping[str, int]) -> dict[str, int]:
    """Successes, failures and rate limits of one key."""
    shown: defaultdict[str, int] = defaultdict(int)
    for call in _calls("", counts):
        for outcome, count in call.outcomes.items():
            if outcome in ACCEPTED:
                shown["ok"] += count
            elif outcome not in NO_VERDICT:
                shown["ng"] += count
            if outcome is Outcome.RATE_LIMITED:
                shown["rl"] += count
    return dict(shown)


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
