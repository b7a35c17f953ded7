"""The counters of a key store, for metrics and reports: requests per key, their outcomes, and their waiting times.

Counters never decrease while the store keeps them. Lost or expired counters restart at 0, as Prometheus expects.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.keypool.outcomes import Outcome

#: The upper bounds of the waiting-time histogram's buckets, in seconds. An additional last bucket has no bound.
WAIT_BOUNDS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WAIT_BOUNDS_US = tuple(round(bound * 1_000_000) for bound in WAIT_BOUNDS_S)
Unit = Literal["requests", "tokens"]
#: Whether counts cover all processes (the fleet) or only this process.
Scope = Literal["fleet", "process"]
#: A change of a key's state: its circuit opened or closed, the provider rejected it (401, "dead"), its group ran out of
#: quota, or it started a cooldown after a 429.
Transition = Literal["open", "closed", "dead", "no_quota", "cooling"]


def wait_class(waited_us: int) -> int:
    return bisect_left(_WAIT_BOUNDS_US, waited_us)


class CallFigures(NamedTuple):
    """The calls with one key to one model. The model is "" for requests that name no model, such as listing the models.

    `outcomes` counts each settled lease once. A stream that breaks after a successful response head counts twice: as a
    success and as a `server_failure`. Token counts come from responses and are never estimates. The tokens of a stream
    are added when the stream ends. `microusd` is the cost of these tokens in millionths of a US dollar. `cached_tokens`
    is the number of input tokens read from the provider's cache.
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
    """The requests to one model, summed over all keys.

    `refusals` maps each reason (`stores.base.Reason`) to the number of requests that got no key within their maximum
    wait. `waits` is a histogram of how long sent requests had waited for their key (`Settlement.waited_us`): one bucket
    per bound in `WAIT_BOUNDS_S`, then one for longer waits. `waited_us` is the sum of these waits. `saturated_us` maps
    each exhausted limit to the time during which keys were usable but none had capacity. The mappings contain no zeros.

    Saturation starts when no key has capacity for a request, and ends when a key has enough. A large request may
    therefore start saturation while smaller requests are still admitted.
    """

    model: str
    refusals: Mapping[str, int]
    waits: tuple[int, ...]
    waited_us: int
    saturated_us: Mapping[Unit, int]


class Capacity(NamedTuple):
    """One known rate limit of a key group and model, and the capacity left now.

    `left` is what remains in the provider's token bucket after reservations. It is 0 during the group's cooldown after
    a 429 for this model. The token bucket may be much smaller than `per_minute`.
    """

    group: str
    model: str
    unit: Unit
    per_minute: float
    left: float


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """All counts of a store, read at one moment.

    `scope` is "process" if this process does not use a store shared by all processes, or has lost its connection to it.
    `groups` maps each key id to its limit group: configured keys in their order, then removed keys that still have
    counts. `transitions` counts each key's state changes. `capacities` covers the groups of configured keys. `stopped`
    maps each daily budget (such as "day tokens" or "key_day calls") that rejected a request on this UTC day to the
    largest exceeded limit.
    """

    scope: Scope
    groups: Mapping[str, str]
    calls: tuple[CallFigures, ...]
    transitions: Mapping[str, Mapping[Transition, int]]
    models: tuple[ModelFigures, ...]
    capacities: tuple[Capacity, ...]
    stopped: Mapping[str, int]
