"""Random inputs for the key store's state machine: keys, budgets, requests, and provider responses."""

import itertools
import random
from typing import Any

from hypothesis import strategies as st

from app.keypool.breaker import Policy
from app.keypool.keys import ApiKey, make_keys
from app.keypool.limits import MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap
from app.keypool.stores.base import KeyRequest
from tests.plugins.store_steps import MINUTE, SECOND

KEYS = make_keys(["sk-a", "sk-b", "sk-c", "sk-d", "sk-e"], "team=1,2")
POLICY = Policy()
BUDGETS = [
    *([Budget()] * 3),
    Budget(day=Cap(calls=25)),
    Budget(key_day=Cap(calls=9, tokens=9_000)),
    Budget(batch=Cap(tokens=9_000, microusd=400)),
    Budget(day=Cap(tokens=30_000), key_day=Cap(microusd=300), batch=Cap(calls=9)),
]
BARRED = [*([frozenset()] * 8), *map(frozenset, itertools.combinations([k.key_id for k in KEYS], 1))]
BARRED += map(frozenset, itertools.combinations([k.key_id for k in KEYS[:4]], 2))
#: Pairs of a limit per minute and a bucket's capacity. Some buckets hold only one second's worth of requests or tokens,
#: or one request.
REQUEST_LIMITS = [(60, 60), (600, 600), (1_200, 20), (60, 1)]
TOKEN_LIMITS = [(10_000, 10_000), (600_000, 600_000), (60_000, 1_000)]
TROUBLE = [Outcome.RATE_LIMITED, Outcome.TOO_LARGE, Outcome.QUOTA_EXHAUSTED, Outcome.INVALID_KEY, Outcome.FORBIDDEN]
PAUSES = st.sampled_from([None, 0, 1, SECOND, 2 * SECOND, 2 * SECOND + 1, 20 * SECOND])
Reading = MeterReading | None


class Dice(random.Random):
    """A random source that returns the value set in `face`, so that both stores make the same choice."""

    face = 0

    def randrange(self, start: int, *_: Any) -> int:
        return self.face % start

    def random(self) -> float:
        return self.face / 2**16


def only(key: ApiKey) -> KeyRequest:
    """Return a small request that only this key may serve. The request does not wait for capacity."""
    return KeyRequest("m", 10, 0, frozenset(k.key_id for k in KEYS if k != key))


def readings(limits: list[tuple[int, int]]) -> list[Reading]:
    """Return bucket readings that a provider might send, including readings that the pool does not expect."""
    return [None] + [
        MeterReading(per_minute, capacity - used, used * MINUTE // per_minute)
        for per_minute, capacity in limits
        for used in (0, 0, 1, capacity // 100, capacity // 50, capacity // 2, capacity)
    ]


READINGS: Any = {
    "requests": st.sampled_from(readings(REQUEST_LIMITS)),
    "tokens": st.sampled_from(readings(TOKEN_LIMITS)),
}
ASKS: Any = {
    "ask": st.builds(
        KeyRequest,
        model=st.sampled_from(["m", "m", "m", "n"]),
        tokens=st.sampled_from([10, 10, 10, 700, 20_000]),
        max_wait_us=st.sampled_from([0, SECOND, 30 * SECOND]),
        barred=st.sampled_from(BARRED),
        waited=st.sampled_from([False, False, True]),
        microusd=st.sampled_from([0, 7]),
        batch=st.sampled_from(["", "b"]),
    ),
    "face": st.integers(0, 65_536),
}
