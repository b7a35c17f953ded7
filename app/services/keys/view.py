"""Looks at the keys of the fleet without taking part: for a door that shows them again and again.

A manager is for sending requests. It counts as one of the processes that share the limits, and goes on alone when Redis
is lost; this only reads, so the next look finds a Redis that is back.
"""

from __future__ import annotations

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

#: to look at 300 keys takes the server some milliseconds, in which it admits no request
KEPT_SECONDS = 1.0
_GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class KeyReport:
    """The fleet's keys at one moment. `masks` names every key that is spoken of, each differently."""

    masks: dict[str, str]
    snapshots: tuple[KeySnapshot, ...]
    figures: PoolFigures
    spent: Spent
    losses: int
    budget: Budget

    @property
    def configured(self) -> list[KeySnapshot]:
        """The keys that count in totals: not those that were taken out of the configuration."""
        return [key for key in self.snapshots if key.state != "draining"]


def amounts(of: Cap | Spent) -> dict[str, float]:
    """By unit ("calls", "tokens", "usd"); without those for which there is no cap."""
    found = {"calls": of.calls, "tokens": of.tokens, "usd": of.microusd and of.microusd / 1_000_000}
    return {unit: amount for unit, amount in found.items() if amount is not None}


class KeyView:
    """The keys of `settings` as they are configured now, and what the fleet has done with them. Thread-safe.

    Connects to nothing before it is asked; `close` it. `keys`: those that were read of `settings` already. Raises
    `ConfigurationError` for keys that cannot be used.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None, keys: tuple[ApiKey, ...] | None = None) -> None:
        self.keys = load_keys(settings).keys if keys is None else keys
        strategy, self._budget = settings.openai.key_rotation_strategy, budget_of(settings)
        self._store = RedisStore(self.keys, strategy, connect_store(broker_url(settings)), budget=self._budget)
        self._pool = KeyPool(self.keys, self._store, strategy)
        unused = MemoryStore(self.keys, strategy, clock or SystemClock(), budget=self._budget)
        self._unused = KeyPool(self.keys, unused, strategy)
        #: the `data` of the specification's stats response, with the `id` of each key, at most two seconds old; while
        #: no Redis answers it is the configured keys, unused, and `scope` is "process". Not to be changed.
        self.stats = TtlCache(self._stats, KEPT_SECONDS, grace_seconds=_GRACE_SECONDS)
        #: `report`, at most two seconds old: for many who look at once
        self.recent_report = TtlCache(self.report, KEPT_SECONDS, grace_seconds=_GRACE_SECONDS)

    def _stats(self) -> dict[str, Any]:
        try:
            return self._pool.stats(with_ids=True)
        except redis.RedisError:
            return self._unused.stats(with_ids=True)

    def report(self) -> KeyReport:
        """Everything that metrics are made from. Raises `redis.RedisError`."""
        snapshots, figures = self._pool.snapshots(), self._store.figures()
        masks = {key_id: f"key-{key_id[:8]}" for key_id in figures.groups} | {s.key_id: s.mask for s in snapshots}
        return KeyReport(masks, snapshots, figures, self._store.spent(), self._store.losses(), self._budget)

    def snapshots(self) -> tuple[KeySnapshot, ...]:
        """Every key that is known, each under a mask of its own. Raises `redis.RedisError`."""
        return self._pool.snapshots()

    def act(self, key_id: str, action: Action) -> ActionResult:
        """An operator's word on one key, for the whole fleet; shown by the next look. Raises `redis.RedisError`."""
        acted = self._store.act(key_id, action)
        self.stats.forget()
        self.recent_report.forget()
        return acted

    def close(self) -> None:
        """Close the connections. May be called again."""
        self._store.close()


def fleet_stats(settings: Settings) -> dict[str, Any]:
    """Return the `data` of the specification's stats response for the whole fleet; see `KeyView.stats`."""
    with closing(KeyView(settings)) as view:
        return view.stats()
