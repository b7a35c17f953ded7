"""The counts of a store, for metrics and reports: requests by key, their outcomes, and their waits.

Counts never decrease while the store keeps them. Lost or forgotten counts start again at 0, as in Prometheus.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.keypool.outcomes import Outcome

#: The upper bounds of the histogram's buckets for waits, in seconds. One further bucket has no bound.
WAIT_BOUNDS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WAIT_BOUNDS_US = tuple(round(bound * 1_000_000) for bound in WAIT_BOUNDS_S)
#: The unit that a limit counts.
Unit = Literal["requests", "tokens"]
#: Whether figures cover the whole fleet or this process only.
Scope = Literal["fleet", "process"]
#: A change of a key: its circuit opened or closed, it was refused (401), its group has no quota left, or it was rate
#: limited (429).
Transition = Literal["open", "closed", "dead", "no_quota", "cooling"]


def wait_class(waited_us: int) -> int:
    """Return the index in `ModelFigures.waits` for a wait. A bucket includes its upper bound."""
    return bisect_left(_WAIT_BOUNDS_US, waited_us)


class CallFigures(NamedTuple):
    """The calls of one key with one model ("" for a request without a model, such as a list of models).

    `outcomes` counts each ended lease once, and one more `server_failure` for each stream that broke after a successful
    head. Token counts are those of the responses, never estimates; a stream counts when it ends. `microusd` is the cost
    of these tokens in millionths of a US dollar. `cached_tokens` is the part of the input from the provider's cache.
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
    """The requests to one model, for all keys.

    `refusals` counts, by reason (`stores.base.Reason`), the requests that got no key within their longest wait. `waits`
    is a histogram of the time that sent requests had waited for their key (`Settlement.waited_us`), with a bucket for
    each of `WAIT_BOUNDS_S` and one for longer waits; `waited_us` is the sum. `saturated_us` is the time in which no key
    had capacity for a request although some keys were in rotation, by the exhausted limit. Mappings omit zeros.

    Saturation starts when a request finds no key with capacity for its tokens, and ends when the first key would have
    that capacity. A large request may therefore find saturation while a smaller one does not.
    """

    model: str
    refusals: Mapping[str, int]
    waits: tuple[int, ...]
    waited_us: int
    saturated_us: Mapping[Unit, int]


class Capacity(NamedTuple):
    """One known limit of a group and model: its rate per minute, and the capacity left now.

    `left` is the content of the provider's bucket minus reservations, and 0 while the group rests after a 429 for this
    model. The bucket's capacity may be far smaller than the rate per minute.
    """

    group: str
    model: str
    unit: Unit
    per_minute: float
    left: float


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """All counts at one moment.

    `scope` is "process" if this process has no fleet store or has lost it. `groups` maps each key to its limit group:
    configured keys in their order, then removed keys that have counts. `transitions` counts the changes of each key.
    `capacities` covers the groups of configured keys. `stopped` maps each daily budget ("day tokens", "key_day calls")
    that refused a request on this UTC day to the largest cap that was exceeded.
    """

    scope: Scope
    groups: Mapping[str, str]
    calls: tuple[CallFigures, ...]
    transitions: Mapping[str, Mapping[Transition, int]]
    models: tuple[ModelFigures, ...]
    capacities: tuple[Capacity, ...]
    stopped: Mapping[str, int]
