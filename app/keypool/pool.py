"""Acquire an OpenAI key for a request, report the outcome, and decide whether to retry.

The pool never sleeps, and only its store does I/O. `retry_loop.py` calls `KeyPool.step` until a request is done.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.keypool.call import Call
from app.keypool.keys import ApiKey
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import KeySnapshot
from app.keypool.spending import Usage
from app.keypool.stats import spent_stats, stats_of
from app.keypool.stores.base import Change, KeyRequest, Later, Lease, NoCapacity, Settlement, Store
from app.plurals import counted

log = logging.getLogger(__name__)

#: If a reserved time moves to more than this after the caller's deadline, the request releases the reservation and
#: acquires a key again.
_LATEST_US = 2_000_000


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Send:
    lease: Lease
    key: ApiKey


class KeyPool:
    """A pool of OpenAI keys whose state is in `store`. Thread-safe."""

    def __init__(self, keys: Sequence[ApiKey], store: Store, strategy: str) -> None:
        self.strategy = strategy
        self.blocking = store.blocking
        self.store = store
        self.keys = tuple(keys)
        self._by_id = {key.key_id: key for key in keys}

    def replace_keys(self, keys: Sequence[ApiKey]) -> None:
        """Use only `keys` for new leases. Running requests with removed keys finish and are reported."""
        self._by_id = {**self._by_id, **{key.key_id: key for key in keys}}
        self.keys = tuple(keys)
        self.store.set_keys(keys)

    def step(self, call: Call) -> Send | Pause | NoCapacity:
        """Return what the caller must do next: send the request, sleep, or give up."""
        if call.backoff_seconds:
            pause, call.backoff_seconds = call.backoff_seconds, 0.0
            return Pause(pause)
        now = self.store.now_us()
        reserved = call.reservation
        if reserved is None:
            return self._acquire(call, now)
        if now < call.reserved_until_us:
            return Pause((call.reserved_until_us - now) / 1e6)
        return self._confirm(call, reserved, now)

    def _confirm(self, call: Call, reserved: Lease, now: int) -> Send | Pause | NoCapacity:
        answer = self.store.confirm(reserved)
        if isinstance(answer, Lease):
            call.reservation = None
            return self._send(call, answer)
        if isinstance(answer, Later):
            if call.deadline_us is None or now + answer.pause_us <= call.deadline_us + _LATEST_US:
                call.reserved_until_us = now + answer.pause_us
                return Pause(answer.pause_us / 1e6)
            self.store.give_back(reserved)
        call.reservation, call.waited = None, True
        return self._acquire(call, self.store.now_us())

    def _acquire(self, call: Call, now: int) -> Send | Pause | NoCapacity:
        if call.deadline_us is None:
            call.deadline_us = now + call.max_wait_us
        request = KeyRequest(
            call.model,
            call.tokens,
            min(call.max_wait_us, max(0, call.deadline_us - now)),
            call.barred_keys(key.key_id for key in self.keys),
            waited=call.waited,
            microusd=call.microusd,
            batch=call.batch,
        )
        match self.store.acquire(request):
            case Lease(reserved=True) as lease:
                call.reservation, call.reserved_until_us = lease, lease.at_us
                return Pause(max(0.0, (lease.at_us - self.store.now_us()) / 1e6))
            case Lease() as lease:
                return self._send(call, lease)
            case Later(pause_us):
                return Pause(pause_us / 1e6)
            case NoCapacity() as refusal:
                if refusal.reason != "budget" and (wait_us := call.forgive_failures(now)) is not None:
                    return Pause(wait_us / 1e6)
                return refusal

    def settle(self, call: Call, lease: Lease, settlement: Settlement) -> bool:
        """Report the outcome of a sent request. Return whether to send it again, with another key or later."""
        outcome = settlement.outcome
        if outcome is Outcome.SERVER_FAILURE and call.failures > 0:
            settlement = replace(settlement, counts=False)
        change = self.store.settle(lease, settlement)
        self._log(self._by_id[lease.key_id], outcome, change, lease)
        return call.tries_again(lease.key_id, settlement, self.store.now_us())

    def end_stream(self, lease: Lease, usage: Usage | None, *, broke: bool) -> None:
        """If `usage` is None, the estimate stays charged."""
        change = self.store.end_stream(lease, usage, broke=broke)
        self._log(self._by_id[lease.key_id], Outcome.SERVER_FAILURE if broke else Outcome.SUCCESS, change, lease)

    def abandon(self, call: Call, lease: Lease | None, result: Settlement) -> None:
        if lease is not None:
            self.store.settle(lease, result)
        if call.reservation is not None:
            self.store.give_back(call.reservation)
            call.reservation = None

    def snapshots(self) -> tuple[KeySnapshot, ...]:
        """Return snapshots of the configured keys in their order, then of draining keys. Masks are unique."""
        taken = {known.mask for known in self._by_id.values()}
        found = []
        for snapshot in self.store.snapshot():
            mask = self._mask(snapshot, taken)
            taken.add(mask)
            found.append(replace(snapshot, mask=mask))
        return tuple(found)

    def stats(self, *, with_ids: bool = False) -> dict[str, Any]:
        """Return the stats that the specification defines.

        If `with_ids`, each key also has its `ApiKey.key_id` as `id`. Additional fields are `scope` ("process" if the
        pool uses no Redis or has lost it, otherwise "fleet"), `spent_today` (all keys, UTC day), and `store_losses`
        (how often a process lost Redis). Each key also has `state`, `rate_limits`, `spent_today`, and, during a
        cooldown after a 429, `resting_seconds`. `circuit_open` is true for configured keys that are unusable, except
        during a cooldown after a 429. Keys removed from the configuration come last, have the state "draining", and are
        not counted in the totals.
        """
        return {
            **stats_of(self.snapshots(), self.strategy, with_ids=with_ids),
            "scope": self.store.scope,
            "spent_today": spent_stats(self.store.spent()),
            "store_losses": self.store.losses(),
        }

    def _mask(self, snapshot: KeySnapshot, taken: set[str]) -> str:
        key = self._by_id.get(snapshot.key_id)
        if key is not None:
            return key.mask
        return f"{snapshot.mask}#{snapshot.key_id[:8]}" if snapshot.mask in taken else snapshot.mask

    def _send(self, call: Call, lease: Lease) -> Send:
        key = self._by_id[lease.key_id]
        call.sent_with(key.key_id)
        if lease.last_resort:
            log.warning("All OpenAI keys are unhealthy: trying them again, first %s", key.mask, extra={"key": key.mask})
        log.info("Using OpenAI key: %s", key.mask, extra={"key": key.mask})
        return Send(lease, key)

    def _log(self, key: ApiKey, outcome: Outcome, change: Change, lease: Lease) -> None:
        if change.cooled_us is not None:
            log.warning(
                "Rate limited on OpenAI key %s backing off for %ds", key.mask, -(-change.cooled_us // 1_000_000)
            )
        if change.opened_after is not None:
            failures = counted(change.opened_after, "failure")
            log.warning("Circuit breaker opened for OpenAI key %s after %s", key.mask, failures)
        if change.closed:
            log.info("Circuit breaker closed for OpenAI key %s", key.mask)
        if change.died:
            log.error("OpenAI key %s was refused (401): out of rotation until it is replaced", key.mask)
        if change.quota_gone:
            log.error("OpenAI key %s has no quota left: its limit group is out of rotation", key.mask)
        if outcome is Outcome.FORBIDDEN:
            log.error("OpenAI key %s may not use model %s (403)", key.mask, lease.model or "(none)")
        if outcome is Outcome.REGION_BLOCKED:
            log.error("OpenAI refuses this region (403), whatever the key")
