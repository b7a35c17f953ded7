"""The pool: takes a key for a request, reports how it went, decides whether another key is tried.

Does no I/O of its own and never sleeps: a transport (sync or async) walks a `Call` from step to step.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.keypool.keys import ApiKey
from app.keypool.limits import LimitReading
from app.keypool.outcomes import BARS_KEY, ROTATES, Outcome
from app.keypool.stores.base import Ask, Change, Later, Lease, NoRoom, Reason, Settlement, Store

log = logging.getLogger(__name__)

_FIRST_BACKOFF_S = 0.1
#: Further keys after a 403 ("one other key": the model may be barred for all of them) and after 5xx or a timeout (each
#: may have been billed).
_FORBIDDEN_TRIES = 1
_FAILURE_TRIES = 2


@dataclass(frozen=True, slots=True)
class Pause:
    """Sleep this long, then take the next step."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request with this key's secret now."""

    lease: Lease
    key: ApiKey


@dataclass(frozen=True, slots=True)
class Refusal:
    """No key will take the request: answer it, or hand out the last real answer if `reason` is "barred"."""

    retry_after_seconds: float
    reason: Reason


@dataclass(slots=True)
class Call:
    """One request on its way through the pool. Belongs to one thread or task."""

    model: str
    tokens: float
    deadline_us: int
    #: how many further keys may be tried
    tries_left: int
    barred: set[str] = field(default_factory=set)
    failures: int = 0
    forbidden: int = 0
    reservation: Lease | None = None
    backoff_seconds: float = 0.0


class KeyPool:
    """Many keys over one store. Thread-safe, since the store is."""

    def __init__(self, keys: Sequence[ApiKey], store: Store, strategy: str) -> None:
        self.keys = tuple(keys)
        self.strategy = strategy
        self._by_id = {key.key_id: key for key in keys}
        self._store = store

    def begin(self, *, model: str, tokens: float, max_wait_seconds: float, tries: int) -> Call:
        """A call that may wait `max_wait_seconds` in all and try `tries` further keys."""
        return Call(model, tokens, self._store.now_us() + round(max_wait_seconds * 1e6), tries)

    def step(self, call: Call) -> Send | Pause | Refusal:
        """What to do next: send, sleep, or give up."""
        if call.backoff_seconds:
            pause, call.backoff_seconds = call.backoff_seconds, 0.0
            return Pause(pause)
        now = self._store.now_us()
        reserved = call.reservation
        if reserved is not None and now < reserved.at_us:
            return Pause((reserved.at_us - now) / 1e6)
        call.reservation = None
        if reserved is not None and self._store.confirm(reserved):
            return self._send(reserved)
        return self._acquire(call, now)

    def _acquire(self, call: Call, now: int) -> Send | Pause | Refusal:
        ask = Ask(call.model, call.tokens, max(0, call.deadline_us - now), frozenset(call.barred))
        match self._store.acquire(ask):
            case Lease(reserved=True) as lease:
                call.reservation = lease
                return Pause(max(0.0, (lease.at_us - now) / 1e6))
            case Lease() as lease:
                return self._send(lease)
            case Later(pause_us):
                return Pause(pause_us / 1e6)
            case NoRoom(retry_after_us, reason):
                return Refusal(retry_after_us / 1e6, reason)

    def settle(
        self, call: Call, lease: Lease, outcome: Outcome, *, pause_us: int | None = None, limits: LimitReading
    ) -> bool:
        """Report how a sent request went. True: take the next step, another key may do better."""
        counts = outcome is not Outcome.SERVER_FAILURE or call.failures == 0
        change = self._store.settle(lease, Settlement(outcome, counts, pause_us, limits))
        self._log(self._by_id[lease.key_id], outcome, change, lease)
        return self._tries_again(call, lease, outcome)

    def abandon(self, call: Call, lease: Lease | None = None) -> None:
        """The caller went away: give back what the call holds, without a verdict on the key."""
        if lease is not None:
            self._store.settle(lease, Settlement(Outcome.ABANDONED))
        if call.reservation is not None:
            self._store.give_back(call.reservation)
            call.reservation = None

    def stats(self) -> dict[str, Any]:
        """The specification's stats: figures per masked key.

        Added to its fields: `scope` ("fleet" or "process") and, per key, `state`. `circuit_open` is true for every key
        out of rotation that is not merely resting after a 429, whatever took it out; `state` says which.
        """
        snapshots = self._store.snapshot()
        keys = {
            self._by_id[s.key_id].mask: {
                "requests": s.requests,
                "successes": s.successes,
                "failures": s.failures,
                "circuit_open": s.circuit_open,
                "rate_limited": s.rate_limited,
                "last_used": _utc(s.last_used_us),
                "state": s.state,
            }
            for s in snapshots
        }
        return {
            "total_keys": len(snapshots),
            "healthy_keys": sum(1 for s in snapshots if not s.circuit_open and not s.rate_limited),
            "rotation_strategy": self.strategy,
            "keys": keys,
            "scope": self._store.scope,
        }

    def _send(self, lease: Lease) -> Send:
        key = self._by_id[lease.key_id]
        if lease.last_resort:
            log.warning("All OpenAI keys are unhealthy: trying them again, first %s", key.mask)
        log.info("Using OpenAI key: %s", key.mask)
        return Send(lease, key)

    def _tries_again(self, call: Call, lease: Lease, outcome: Outcome) -> bool:
        if outcome in BARS_KEY:
            call.barred.add(lease.key_id)
        if outcome is Outcome.SERVER_FAILURE:
            call.failures += 1
            call.backoff_seconds = _FIRST_BACKOFF_S * 2 ** (call.failures - 1)
        call.forbidden += outcome is Outcome.FORBIDDEN
        call.tries_left -= 1
        within = call.failures <= _FAILURE_TRIES and call.forbidden <= _FORBIDDEN_TRIES and call.tries_left >= 0
        return outcome in ROTATES and within

    def _log(self, key: ApiKey, outcome: Outcome, change: Change, lease: Lease) -> None:
        if change.cooled_us is not None:
            log.warning(
                "Rate limited on OpenAI key %s backing off for %ds", key.mask, -(-change.cooled_us // 1_000_000)
            )
        if change.opened_after is not None:
            log.warning("Circuit breaker opened for OpenAI key %s after %d failures", key.mask, change.opened_after)
        if change.closed:
            log.info("Circuit breaker closed for OpenAI key %s", key.mask)
        if change.died:
            log.error("OpenAI key %s was refused (401): out of rotation until it is replaced", key.mask)
        if change.quota_gone:
            log.error("OpenAI key %s has no quota left: its limit group is out of rotation", key.mask)
        if outcome is Outcome.FORBIDDEN:
            log.error("OpenAI key %s may not use model %s (403)", key.mask, lease.model or "(none)")
        if outcome is Outcome.REGION_BLOCKED:
            log.error("OpenAI refuses this region (403): no key of the pool can help")


def _utc(us: int | None) -> str | None:
    """UTC without offset, whole seconds, as the specification shows it."""
    return None if us is None else datetime.fromtimestamp(us // 1_000_000, UTC).replace(tzinfo=None).isoformat()
