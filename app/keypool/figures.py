"""What a store has counted, for metrics and reports: requests by key, how they ended, and how long they waited.

All counts only grow, from the moment a key is first known; a store that lost its data begins again at 0, as a
Prometheus counter does. Nothing here decides anything.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.keypool.outcomes import Outcome

#: Upper bounds of the classes of waits, in seconds; the last class has none.
WAIT_BOUNDS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WAIT_BOUNDS_US = tuple(round(bound * 1_000_000) for bound in WAIT_BOUNDS_S)
#: What a limit is of.
Unit = Literal["requests", "tokens"]
#: Whose figures they are.
Scope = Literal["fleet", "process"]
#: What became of a key: its circuit opened or closed, it was refused (401), its group's money ran out, or it was
#: rate limited (429).
Transition = Literal["open", "closed", "dead", "no_quota", "cooling"]


def wait_class(waited_us: int) -> int:
    """Which class of `ModelFigures.waits` a wait belongs to: each holds its own upper bound."""
    return bisect_left(_WAIT_BOUNDS_US, waited_us)


class CallFigures(NamedTuple):
    """One key with one model ("" for a request that names none, as for the list of models).

    `outcomes` are those of leases that have ended, each once, and one more `server_failure` for each stream that broke
    after its head was a success. Tokens and `microusd`, the estimated cost in millionths of a US dollar, are what
    responses said was used: never an estimate, and nothing while a stream is still open. `cached_tokens`, of the input,
    came from the provider's cache.
    """

    key_id: str
    model: str
    outcomes: Mapping[Outcome, int]
    input_tokens: int
    output_tokens: int
    microusd: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One model, all keys together.

    `refusals` by reason (`stores.base.Reason`): no key was to be had in the time that the request could wait. `waits`
    counts sent requests by how long they had waited for their key (`Settlement.waited_us`), one class for each of
    `WAIT_BOUNDS_S` and one for what is longer; `waited_us` is their sum. `saturated_us` is for how long no key could
    have taken a request, although some were in rotation, by the limit that was in the way. Mappings hold only what is
    above 0.

    Saturation is what requests met, not what the pool holds: its time runs from a request that found no key with room
    for its own tokens until the first would have had it. A large request may wait where a smaller one goes at once.
    """

    model: str
    refusals: Mapping[str, int]
    waits: tuple[int, ...]
    waited_us: int
    saturated_us: Mapping[Unit, int]


class Room(NamedTuple):
    """One limit, as far as the provider has named it: so much a minute, of which so much is left now.

    `left` is what the provider's bucket holds, places that are reserved taken off; 0 while a 429 rests the group for
    this model. It is at most the bucket's capacity, which may be far less than a minute's worth.
    """

    group: str
    model: str
    unit: Unit
    per_minute: float
    left: float


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """Everything at one moment.

    `scope` says whose: the fleet's, or of this process alone, which has no store of the fleet or has lost it. `groups`
    gives the limit group of each key: the configured ones in their order, then those that were taken out and have been
    counted. `transitions` says how often each happened to a key. `rooms` are of the groups of configured keys.
    `stopped` names the daily budgets ("day tokens", "key_day calls") that had no room for a request of this UTC day,
    with the largest cap at which that was so.
    """

    scope: Scope
    groups: Mapping[str, str]
    calls: tuple[CallFigures, ...]
    transitions: Mapping[str, Mapping[Transition, int]]
    models: tuple[ModelFigures, ...]
    rooms: tuple[Room, ...]
    stopped: Mapping[str, int]
