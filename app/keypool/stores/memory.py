"""The store of one process: plain state under a lock, changed by the pure rules next door."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Sequence
from typing import Literal

from app.clock import Clock
from app.keypool import breaker
from app.keypool.admission import Candidate, LookAgain, Refuse, Take, decide
from app.keypool.breaker import Circuit, Policy
from app.keypool.keys import ApiKey
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Ask, Change, KeySnapshot, Later, Lease, NoRoom, Reason, Settlement, State
from app.keypool.stores.state import GroupState, KeyState
from app.keypool.strategies import KeyView, Score

_MINUTE_US = 60_000_000
#: A 429 that names no time rests the key this long (specification: "disabled for 60 seconds").
DEFAULT_COOLDOWN_US = 60_000_000


class MemoryStore:
    """`Store` for a process without Redis. `score` is the strategy, `rng` its chance."""

    scope: Literal["fleet", "process"] = "process"

    def __init__(
        self,
        keys: Sequence[ApiKey],
        score: Score,
        clock: Clock,
        *,
        policy: Policy | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._keys = {key.key_id: KeyState(key) for key in keys}
        self._groups = {key.group: GroupState() for key in keys}
        self._score = score
        self._clock = clock
        self._policy = policy or Policy()
        self._rng = rng or random.Random()
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._turns = itertools.count(1)
        self._open_leases: dict[int, Lease] = {}
        self._deferred_to_us: dict[str, float] = {}

    def now_us(self) -> int:
        return self._clock.now_us()

    def acquire(self, ask: Ask) -> Lease | Later | NoRoom:
        with self._lock:
            now = self.now_us()
            last_resort = not any(self._is_usable(k) for k in self._keys.values())
            eligible = [k for k in self._keys.values() if k.key.key_id not in ask.barred]
            candidates = [self._candidate(k, ask, now, last_resort) for k in eligible]
            chances = [self._rng.random() for _ in candidates]
            match decide(candidates, now, ask.max_wait_us, self._score, chances):
                case Take(key_id, at_us):
                    if at_us <= now:
                        self._deferred_to_us.pop(ask.model, None)
                    return self._lease(self._keys[key_id], ask, at_us, now, last_resort)
                case LookAgain(pause_us):
                    return Later(pause_us)
                case Refuse(at_us):
                    return self._refusal(ask, eligible, at_us, now)

    def confirm(self, lease: Lease) -> bool:
        with self._lock:
            now = self.now_us()
            state = self._keys[lease.key_id]
            group = self._groups[state.key.group]
            cooling = group.bucket(lease.model).cooldown_until_us > now
            changed = (state.health.generation, group.quota_generation) != (lease.generation, lease.quota_generation)
            if cooling or changed:
                self._give_back(lease)
                return False
            state.use(now)
            return True

    def give_back(self, lease: Lease) -> None:
        with self._lock:
            self._give_back(lease)

    def settle(self, lease: Lease, settlement: Settlement) -> Change:
        with self._lock:
            if self._open_leases.pop(lease.lease_id, None) is None:
                return Change()
            now = self.now_us()
            state = self._keys[lease.key_id]
            group = self._groups[state.key.group]
            group.buckets[lease.model] = group.bucket(lease.model).learn(settlement.limits, lease.at_us, lease.charges)
            return self._apply(state, group, lease, settlement, now)

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        with self._lock:
            now = self.now_us()
            return tuple(self._snapshot(state, now) for state in self._keys.values())

    # --- below: called with the lock held ---------------------------------------------------------------------------

    def _give_back(self, lease: Lease) -> None:
        if self._open_leases.pop(lease.lease_id, None) is None:
            return
        state = self._keys[lease.key_id]
        group = self._groups[state.key.group]
        group.buckets[lease.model] = group.bucket(lease.model).refund(lease.tokens)
        state.health = breaker.on_abandoned(state.health, lease.generation)
        group.end_probe(lease.quota_generation)

    def _is_usable(self, state: KeyState) -> bool:
        """A cooling key is usable, it only has to wait; an open, dead or penniless one is not."""
        closed = breaker.circuit_at(state.health, self.now_us()) in {Circuit.CLOSED, Circuit.HALF_OPEN}
        return closed and not self._groups[state.key.group].out_of_quota()

    def _candidate(self, state: KeyState, ask: Ask, now: int, last_resort: bool) -> Candidate:
        group = self._groups[state.key.group]
        bucket = group.bucket(ask.model)
        view = KeyView(state.turn, state.requests_last_hour(now), bucket.headroom(now))
        healthy_at = breaker.available_at(state.health, self._policy, now, last_resort=last_resort)
        quota_at = group.quota_at(self._policy, now, last_resort=last_resort)
        if healthy_at is None or quota_at is None:
            return Candidate(state.key.key_id, None, view)
        start = max(healthy_at, quota_at, state.forbidden.get(ask.model, 0))
        return Candidate(state.key.key_id, bucket.room_at(ask.tokens, start), view)

    def _lease(self, state: KeyState, ask: Ask, at_us: int, now: int, last_resort: bool) -> Lease:
        group = self._groups[state.key.group]
        bucket = group.bucket(ask.model).charge(ask.tokens, at_us)
        group.buckets[ask.model] = bucket
        if breaker.needs_probe(state.health):
            state.health = breaker.begin_probe(state.health, self._policy, at_us)
        if group.out_of_quota():
            group.begin_probe(self._policy, at_us)
        state.turn = next(self._turns)
        if at_us <= now:
            state.use(now)
        lease = Lease(
            lease_id=next(self._ids),
            key_id=state.key.key_id,
            model=ask.model,
            tokens=ask.tokens,
            generation=state.health.generation,
            quota_generation=group.quota_generation,
            at_us=at_us,
            reserved=at_us > now,
            charges=bucket.charges(),
            last_resort=last_resort,
        )
        self._open_leases[lease.lease_id] = lease
        return lease

    def _refusal(self, ask: Ask, eligible: Sequence[KeyState], at_us: int | None, now: int) -> NoRoom:
        """Why not, and when to come back: one caller after the other, if only room is lacking."""
        reason = self._refusal_reason(ask, eligible, now)
        if reason == "barred" or at_us is None:
            return NoRoom(0, "barred")
        if reason != "no_room":
            return NoRoom(max(1_000, at_us - now), reason)
        rates = [self._groups[k.key.group].bucket(ask.model).requests.per_minute for k in eligible]
        gap = _MINUTE_US / sum(r for r in rates if r) if any(rates) else 0.0
        slot = max(self._deferred_to_us.get(ask.model, 0.0) + gap, float(at_us))
        self._deferred_to_us[ask.model] = slot
        return NoRoom(max(1_000, round(slot) - now), "no_room")

    def _refusal_reason(self, ask: Ask, eligible: Sequence[KeyState], now: int) -> Reason:
        usable = [k for k in eligible if self._is_usable(k)]
        if any(k.forbidden.get(ask.model, 0) <= now for k in usable):
            return "no_room"
        if ask.barred:
            return "barred"
        if usable:
            return "forbidden"
        if all(k.health.circuit is Circuit.DEAD for k in eligible):
            return "dead"
        return "circuit" if any(k.health.circuit is Circuit.OPEN for k in eligible) else "quota"

    def _apply(self, state: KeyState, group: GroupState, lease: Lease, settlement: Settlement, now: int) -> Change:
        outcome = settlement.outcome
        if outcome is not Outcome.QUOTA_EXHAUSTED:
            group.end_probe(lease.quota_generation)
        if outcome in {Outcome.SUCCESS, Outcome.REQUEST_FAULT, Outcome.REGION_BLOCKED}:
            return self._succeed(state, group, lease, outcome)
        if outcome is Outcome.ABANDONED:
            state.health = breaker.on_abandoned(state.health, lease.generation)
            return Change()
        state.failures += 1
        if outcome is Outcome.SERVER_FAILURE:
            return self._fail(state, lease, now, counts=settlement.counts)
        return self._reject(state, group, lease, settlement, now)

    def _reject(self, state: KeyState, group: GroupState, lease: Lease, settlement: Settlement, now: int) -> Change:
        """The provider answered and would not serve: 401, 403, 429."""
        before = state.health
        if settlement.outcome is Outcome.INVALID_KEY:
            state.health = breaker.on_invalid_key(before, self._policy, lease.generation, now)
            return Change(died=before.circuit is not Circuit.DEAD and state.health.circuit is Circuit.DEAD)
        state.health = breaker.on_no_verdict(before, lease.generation)
        if settlement.outcome is Outcome.RATE_LIMITED:
            return self._cool(state, group, lease, settlement, now)
        if settlement.outcome is Outcome.QUOTA_EXHAUSTED:
            return Change(quota_gone=group.lose_quota(lease.quota_generation, lease.at_us, now))
        state.forbidden[lease.model] = now + self._policy.dead_probe_us
        return Change()

    def _succeed(self, state: KeyState, group: GroupState, lease: Lease, outcome: Outcome) -> Change:
        """The key was accepted, even where the request was at fault; only a real success shows that there is money."""
        state.successes += 1
        if outcome is Outcome.SUCCESS:
            group.regain_quota(lease.quota_generation)
        before = state.health.circuit
        state.health = breaker.on_success(state.health, lease.generation)
        return Change(closed=before is not Circuit.CLOSED and state.health.circuit is Circuit.CLOSED)

    def _fail(self, state: KeyState, lease: Lease, now: int, *, counts: bool) -> Change:
        """Further failures of one request are not held against a key; for one being probed they are the answer."""
        before = state.health
        if not counts and before.circuit is Circuit.CLOSED:
            state.health = breaker.on_abandoned(before, lease.generation)
            return Change()
        state.health = breaker.on_failure(before, self._policy, lease.generation, now, sent_at_us=lease.at_us)
        opened = state.health.generation != before.generation and state.health.circuit is Circuit.OPEN
        return Change(opened_after=state.health.failures if opened else None)

    def _cool(self, state: KeyState, group: GroupState, lease: Lease, settlement: Settlement, now: int) -> Change:
        state.rate_limits += 1
        limit = group.bucket(lease.model).tokens.per_minute
        if settlement.pause_us is None and limit is not None and lease.tokens > limit:
            return Change()  # the request is larger than the limit: no rest makes it fit, and smaller ones do
        pause = DEFAULT_COOLDOWN_US if settlement.pause_us is None else settlement.pause_us
        bucket = group.buckets[lease.model]
        cooled = bucket.cool(now + pause)
        group.buckets[lease.model] = cooled
        return Change(cooled_us=pause if cooled.cooldown_until_us > max(now, bucket.cooldown_until_us) else None)

    def _snapshot(self, state: KeyState, now: int) -> KeySnapshot:
        group = self._groups[state.key.group]
        cooling = any(b.cooldown_until_us > now for b in group.buckets.values())
        circuit = breaker.circuit_at(state.health, now)
        word: State = circuit.value
        if circuit is Circuit.CLOSED:
            word = "no_quota" if group.out_of_quota() else "cooling" if cooling else "closed"
        return KeySnapshot(
            key_id=state.key.key_id,
            state=word,
            circuit_open=word in {"open", "dead", "no_quota"},
            rate_limited=cooling,
            requests=state.requests,
            successes=state.successes,
            failures=state.failures,
            rate_limits=state.rate_limits,
            in_flight=sum(1 for lease in self._open_leases.values() if lease.key_id == state.key.key_id),
            last_used_us=state.last_used_us,
        )
