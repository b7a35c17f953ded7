"""Read the shared state of the keys, and act on keys, without sending requests to OpenAI.

Unlike `OpenAIClientManager`, a view does not count as a process that shares the rate limits. While Redis is
unavailable, `report` and `act` raise an error.
"""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import redis

from app.clock import Clock, SystemClock
from app.keypool.figures import PoolFigures
from app.keypool.keys import ApiKey, load_keys
from app.keypool.pool import KeyPool
from app.keypool.snapshots import Action, ActionResult, KeySnapshot
from app.keypool.spending import Budget, Cap, Spent
from app.keypool.stores.memory import MemoryStore
from app.keypool.stores.redis import RedisStore
from app.redis.embedded_valkey import broker_url
from app.services.keys.store import budget_of, connect_store
from app.services.runtime.ttl_cache import TtlCache
from app.settings import Settings

#: How long reports are cached, because reading 300 keys blocks Redis for some milliseconds.
KEPT_SECONDS = 1.0
_GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class KeyReport:
    """The shared state of the keys at one moment. `masks` maps the id of every key in the report to its unique mask."""

    masks: dict[str, str]
    snapshots: tuple[KeySnapshot, ...]
    figures: PoolFigures
    spent: Spent
    losses: int
    budget: Budget

    @property
    def configured(self) -> list[KeySnapshot]:
        """All keys except removed ones, which do not count in totals."""
        return [key for key in self.snapshots if key.state != "draining"]


def amounts(of: Cap | Spent) -> dict[str, float]:
    """Return the amounts by unit ("calls", "tokens", "usd"), without caps that are not set."""
    found = {"calls": of.calls, "tokens": of.tokens, "usd": of.microusd and of.microusd / 1_000_000}
    return {unit: amount for unit, amount in found.items() if amount is not None}


class KeyView:
    """The keys of `settings` and their shared state. Thread-safe. The caller must close it.

    The view connects to Redis at first use. If `keys` is None, it loads them from `settings`, or raises
    `ConfigurationError`.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None, keys: tuple[ApiKey, ...] | None = None) -> None:
        self.keys = load_keys(settings).keys if keys is None else keys
        strategy, self._budget = settings.openai.key_rotation_strategy, budget_of(settings)
        self._store = RedisStore(self.keys, strategy, connect_store(broker_url(settings)), budget=self._budget)
        self._pool = KeyPool(self.keys, self._store, strategy)
        unused = MemoryStore(self.keys, strategy, clock or SystemClock(), budget=self._budget)
        self._unused = KeyPool(self.keys, unused, strategy)
        #: Returns the `data` of the specification's stats response, with each key's `id`. The data is at most two
        #: seconds old, and callers must not change it. If Redis does not answer, the data shows all configured keys as
        #: unused, and its `scope` is "process".
        self.stats = TtlCache(self._stats, KEPT_SECONDS, grace_seconds=_GRACE_SECONDS)
        #: Returns a result of `report` that is at most two seconds old, so that concurrent readers share one call.
        self.recent_report = TtlCache(self.report, KEPT_SECONDS, grace_seconds=_GRACE_SECONDS)

    def _stats(self) -> dict[str, Any]:
        try:
            return self._pool.stats(with_ids=True)
        except redis.RedisError:
            return self._unused.stats(with_ids=True)

    def report(self) -> KeyReport:
        """Read the report from Redis. Raises `redis.RedisError` if Redis fails."""
        snapshots, figures = self._pool.snapshots(), self._store.figures()
        masks = {key_id: f"key-{key_id[:8]}" for key_id in figures.groups} | {s.key_id: s.mask for s in snapshots}
        return KeyReport(masks, snapshots, figures, self._store.spent(), self._store.losses(), self._budget)

    def snapshots(self) -> tuple[KeySnapshot, ...]:
        return self._pool.snapshots()

    def act(self, key_id: str, action: Action) -> ActionResult:
        """Perform an operator's action on a key for all processes. Raises `redis.RedisError` if Redis fails."""
        acted = self._store.act(key_id, action)
        self.stats.forget()
        self.recent_report.forget()
        return acted

    def close(self) -> None:
        self._store.close()


def fleet_stats(settings: Settings) -> dict[str, Any]:
    """Return the `data` of the specification's stats response for all processes; see `KeyView.stats`."""
    with closing(KeyView(settings)) as view:
        return view.stats()
