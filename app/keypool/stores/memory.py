"""The store of one process: plain state under a lock, changed by the pure rules next door.

It is also the model that the Redis store is tested against, step by step.
"""

from __future__ import annotations

import itertools
import math
import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.clock import Clock
from app.keypool import breaker
from app.keypool.admission import Candidate, LookAgain, Refuse, Take, chance_of, decide, without_room
from app.keypool.breaker import Circuit, Policy
from app.keypool.buckets import Asked, Bucket, sampled
from app.keypool.figures import PoolFigures, Scope
from app.keypool.keys import ApiKey
from app.keypool.limits import MINUTE_US
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import (
    DISABLED_RETRY_US,
    LEASE_US,
    NO_BUDGET,
    Acted,
    Action,
    Ask,
    Budget,
    Bulk,
    BulkResult,
    Change,
    KeySnapshot,
    Later,
    Lease,
    NoRoom,
    Reason,
    Settlement,
    Spent,
    State,
    Usage,
    state_of,
)
from app.keypool.stores.ledger import DAY_US, UNBILLED, Ledger, day_of, estimate
from app.keypool.stores.state import GroupState, KeyState
from app.keypool.stores.tally import Tally, read_figures
from app.keypool.stores.verdict import judge
from app.keypool.strategies import KeyView, load_strategy

#: A reserved place keeps its order through a cooldown this short; beyond it the request looks for another key.
SHORT_COOLDOWN_US = 2_000_000
#: Callers are sent away one behind the other, but not for longer than this after there is room: some never come back.
LONGEST_DEFERRAL_US = 60_000_000
#: chance: one draw below this for each decision
SEEDS = 65_537


@dataclass(frozen=True, slots=True)
class _Weighed:
    """An ask at one moment: the tokens it is charged, what it counts against budgets, and if no key is usable."""

    ask: Ask
    tokens: float
    more: Spent
    now: int
    last_resort: bool


class MemoryStore:
    """`Store` for a process without Redis. `strategy` is a name, `rng` its chance.

    Raises `ConfigurationError` for an unknown strategy.
    """

    scope: Scope = "process"
    blocking = False

    def __init__(
        self,
        keys: Sequence[ApiKey],
        strategy: str,
        clock: Clock,
        *,
        policy: Policy | None = None,
        rng: random.Random | None = None,
        budget: Budget = NO_BUDGET,
    ) -> None:
        self._score = load_strategy(strategy)
        self._clock = clock
        self._policy = policy or Policy()
        self._rng = rng or random.Random()
        self._lock = threading.Lock()
        self._ids: Iterator[str] = map(str, itertools.count(1))
        self._turns = itertools.count(1)
        self._keys: dict[str, KeyState] = {}
        self._groups: dict[str, GroupState] = {}
        self._order: tuple[str, ...] = ()
        self._disabled: set[str] = set()
        self._open_leases: dict[str, Lease] = {}
        #: leases whose streams have said what they used, the oldest first, and until when that is remembered
        self._spent_until_us: dict[str, int] = {}
        self._deferred_to_us: dict[str, float] = {}
        self._ratios: dict[str, float] = {}
        self._ledger = Ledger(budget)
        self._tally = Tally()
        self.set_keys(keys)

    def now_us(self) -> int:
        return self._clock.now_us()

    def set_keys(self, keys: Sequence[ApiKey]) -> None:
        with self._lock:
            self._order = tuple(key.key_id for key in keys)
            for key in keys:
                self._keys.setdefault(key.key_id, KeyState(key)).key = key
                self._groups.setdefault(key.group, GroupState())

    def acquire(self, ask: Ask) -> Lease | Later | NoRoom:
        with self._lock:
            if not self._order:
                return NoRoom(0, "barred")
            answer = self._answer(ask)
            if isinstance(answer, NoRoom):
                self._tally.refused(ask.model, answer.reason)
                if answer.reason == "budget":
                    self._ledger.stop(day_of(self.now_us()), answer.detail)
            return answer

    def confirm(self, lease: Lease) -> Lease | Later | None:
        with self._lock:
            now = self.now_us()
            if not self._is_open(lease, now):
                return None
            state = self._keys[lease.key_id]
            group = self._groups[state.key.group]
            bucket = group.bucket(lease.model)
            changed = (state.health.generation, group.quota_generation) != (lease.generation, lease.quota_generation)
            changed = changed or bucket.is_outdated(lease.charges)
            changed = changed or lease.key_id not in self._order or lease.key_id in self._disabled
            if changed or bucket.cooldown_until_us > now + SHORT_COOLDOWN_US:
                self._give_back(lease)
                return None
            at = bucket.gate_at(lease.tokens, lease.charges)
            if at > now:
                return Later(at - now)
            bucket = bucket.sent(lease.tokens, lease.charges, now)
            group.buckets[lease.model] = bucket
            state.use(now)
            return self._sent(lease, now, bucket)

    def give_back(self, lease: Lease) -> None:
        with self._lock:
            self._give_back(lease)

    def settle(self, lease: Lease, settlement: Settlement) -> Change:
        with self._lock:
            now = self.now_us()
            if not self._is_open(lease, now):
                return Change()
            del self._open_leases[lease.lease_id]
            state = self._keys[lease.key_id]
            group = self._groups[state.key.group]
            self._book(lease, settlement)
            if settlement.outcome is Outcome.TOO_LARGE:
                lease = _without_tokens(group, lease)
            self._learn(group, lease, settlement, now)
            change = judge(state, group, lease, settlement, policy=self._policy, now=now)
            self._count(lease, settlement, change)
            return change

    def spend(self, lease: Lease, usage: Usage) -> None:
        with self._lock:
            now = self.now_us()
            for lease_id in list(
                itertools.takewhile(lambda known: self._spent_until_us[known] <= now, self._spent_until_us)
            ):
                del self._spent_until_us[lease_id]
            if lease.lease_id not in self._spent_until_us:
                self._spent_until_us[lease.lease_id] = now + LEASE_US
                self._ledger.correct(lease, usage)
                self._tally.used(lease, usage)

    def charge_bulk(self, bulk: Bulk) -> str | None:
        with self._lock:
            day = day_of(self.now_us())
            detail = self._ledger.charge_bulk(day, bulk)
            if detail is not None:
                self._ledger.stop(day, detail)
            return detail

    def settle_bulk(self, bulk: Bulk, result: BulkResult) -> None:
        with self._lock:
            if self._ledger.settle_bulk(day_of(self.now_us()), bulk, result.used):
                self._tally.settled_bulk(bulk, result)
                if (state := self._keys.get(bulk.key_id)) is not None:
                    state.count_bulk(result.outcomes)

    def act(self, key_id: str, action: Action) -> Acted:
        with self._lock:
            now, state = self.now_us(), self._keys.get(key_id)
            if action != "probe":
                done = (key_id in self._disabled) != (action == "disable")
                self._disabled ^= {key_id} if done else set()
            elif state is None or key_id in self._disabled:
                done = False
            else:
                group, before = self._groups[state.key.group], state.health
                if breaker.awaits_answer(before, now) or (group.out_of_quota() and now < group.quota_probe_until_us):
                    return Acted("under_way", self._state(state, now))
                state.health = breaker.on_probe_asked(before, now)
                done = group.ask_probe(now) or state.health is not before
            return Acted("done" if done else "nothing", self._state(state, now) if state else "draining")

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        with self._lock:
            now = self.now_us()
            draining = [k for k, s in self._keys.items() if k not in self._order and s.requests]
            return tuple(self._snapshot(self._keys[k], now) for k in (*self._order, *draining))

    def figures(self) -> PoolFigures:
        with self._lock:
            now = self.now_us()
            counts = self._tally.counts()
            others = sorted(k for k in self._keys if k not in self._order and f"c:{k}" in counts)
            groups = {k: self._keys[k].key.group for k in (*self._order, *others)}
            in_use = {groups[k] for k in self._order}
            rooms = [
                room
                for group in in_use
                for model, bucket in self._groups[group].buckets.items()
                for room in bucket.rooms(group, model, now)
            ]
            return read_figures(self.scope, groups, counts, rooms, self._ledger.stopped(day_of(now)))

    def spent(self, batch: str = "") -> Spent:
        with self._lock:
            return self._ledger.batch(batch) if batch else self._ledger.day(day_of(self.now_us()))

    def losses(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is held."""

    # --- below: called with the lock held ---------------------------------------------------------------------------

    def _answer(self, ask: Ask) -> Lease | Later | NoRoom:
        now = self.now_us()
        tokens = self._charge_for(ask)
        more = estimate(ask.model, tokens, ask.microusd)
        detail = self._ledger.refusal(day_of(now), ask.batch, more)
        if detail is not None:
            return NoRoom(_to_midnight(now), "budget", detail)
        last_resort = not any(self._is_usable(self._keys[k], now) for k in self._order)
        weighed = _Weighed(ask, tokens, more, now, last_resort)
        seed = self._rng.randrange(SEEDS)
        candidates = [
            self._candidate(self._keys[k], weighed, chance_of(seed, position))
            for position, k in enumerate(self._order)
            if k not in ask.barred and k not in self._disabled
        ]
        self._note_saturation(candidates, weighed)
        match decide(candidates, now, ask.max_wait_us, self._score):
            case Take(key_id, at_us):
                if at_us <= now:
                    self._deferred_to_us.pop(ask.model, None)
                return self._lease(self._keys[key_id], weighed, at_us)
            case LookAgain(pause_us):
                return Later(pause_us)
            case Refuse(at_us):
                return self._refusal(weighed, at_us)

    def _note_saturation(self, candidates: Sequence[Candidate], weighed: _Weighed) -> None:
        """A request that may not use some keys cannot tell whether one of them has room."""
        lacking = None if weighed.ask.barred or weighed.last_resort else without_room(candidates, weighed.now)
        if lacking is not None:
            unit, until_us = lacking
            self._tally.saturated(weighed.ask.model, unit, weighed.now, until_us)

    def _charge_for(self, ask: Ask) -> float:
        return ask.input_tokens * self._ratios.get(ask.model, 1.0) + ask.output_tokens

    def _book(self, lease: Lease, settlement: Settlement) -> None:
        """Against the budgets: what was not billed goes back, what was used is known."""
        if settlement.outcome in UNBILLED:
            self._ledger.refund(lease)
        elif settlement.usage is not None:
            self._ledger.correct(lease, settlement.usage)

    def _count(self, lease: Lease, settlement: Settlement, change: Change) -> None:
        """For metrics and reports."""
        self._tally.settled(lease, settlement, change)
        if settlement.usage is not None and settlement.outcome not in UNBILLED:
            self._tally.used(lease, settlement.usage)

    def _is_open(self, lease: Lease, now: int) -> bool:
        held = self._open_leases.get(lease.lease_id)
        if held is not None and held.at_us + LEASE_US <= now:
            del self._open_leases[lease.lease_id]
            held = None
        return held is not None

    def _give_back(self, lease: Lease) -> None:
        if not self._is_open(lease, self.now_us()):
            return
        del self._open_leases[lease.lease_id]
        state = self._keys[lease.key_id]
        group = self._groups[state.key.group]
        group.buckets[lease.model] = group.bucket(lease.model).refund(lease.tokens, lease.charges)
        self._ledger.refund(lease)
        state.health = breaker.on_abandoned(state.health, lease.generation)
        group.end_probe(lease.quota_generation)

    def _is_usable(self, state: KeyState, now: int) -> bool:
        """A cooling key is usable, it only has to wait; an open, dead or penniless one is not."""
        closed = breaker.circuit_at(state.health, now) in {Circuit.CLOSED, Circuit.HALF_OPEN}
        closed = closed and state.key.key_id not in self._disabled
        return closed and not self._groups[state.key.group].out_of_quota()

    def _candidate(self, state: KeyState, weighed: _Weighed, chance: float) -> Candidate:
        ask, now, last_resort = weighed.ask, weighed.now, weighed.last_resort
        group = self._groups[state.key.group]
        bucket = group.bucket(ask.model)
        key_id = state.key.key_id
        healthy_at = breaker.available_at(state.health, self._policy, now, last_resort=last_resort)
        quota_at = group.quota_at(self._policy, now, last_resort=last_resort)
        start = max(now, healthy_at, quota_at, state.forbidden.get(ask.model, 0))
        if self._ledger.key_refusal(day_of(now), key_id, weighed.more):
            start = max(start, now + _to_midnight(now))
        by_health = breaker.awaits_answer(state.health, now)
        by_quota = group.awaits_answer(key_id, now)
        since = now - self._policy.fresh_probe_us
        at_us = bucket.room_at(weighed.tokens, start, waited=ask.waited)
        by_room = start <= now < at_us
        return Candidate(
            key_id,
            at_us,
            KeyView(state.turn, state.requests_last_hour(now), bucket.headroom(now)),
            chance,
            awaits_answer=by_health or by_quota,
            fresh=(by_health and state.health.probed_at_us > since) or (by_quota and group.quota_probed_at_us > since),
            fits=bucket.fits(weighed.tokens),
            lacks=bucket.in_the_way(weighed.tokens, waited=ask.waited) if by_room else None,
        )

    def _lease(self, state: KeyState, weighed: _Weighed, at_us: int) -> Lease:
        ask, now = weighed.ask, weighed.now
        group = self._groups[state.key.group]
        bucket = group.bucket(ask.model).charge(weighed.tokens, at_us, reserved=at_us > now)
        group.buckets[ask.model] = bucket
        probe = breaker.needs_probe(state.health) or group.out_of_quota()
        if breaker.needs_probe(state.health):
            state.health = breaker.begin_probe(state.health, self._policy, at_us)
        if group.out_of_quota():
            group.begin_probe(self._policy, state.key.key_id, at_us)
        state.turn = next(self._turns)
        if at_us <= now:
            state.use(now)
        lease = Lease(
            lease_id=next(self._ids),
            key_id=state.key.key_id,
            model=ask.model,
            tokens=weighed.tokens,
            generation=state.health.generation,
            quota_generation=group.quota_generation,
            at_us=at_us,
            reserved=at_us > now,
            charges=bucket.charges(),
            last_resort=weighed.last_resort,
            input_tokens=ask.input_tokens,
            microusd=ask.microusd,
            batch=ask.batch,
            day=day_of(now),
            probe=probe,
        )
        self._ledger.charge(lease)
        self._open_leases[lease.lease_id] = lease
        return lease

    def _sent(self, lease: Lease, now: int, bucket: Bucket) -> Lease:
        sent = lease.sent(now, bucket.own(lease.charges))
        self._open_leases[lease.lease_id] = sent
        return sent

    def _refusal(self, weighed: _Weighed, at_us: int | None) -> NoRoom:
        """Why not, and when to come back: one caller after the other, if only room is lacking."""
        reason, detail = self._refusal_reason(weighed)
        if reason == "disabled":
            return NoRoom(DISABLED_RETRY_US, reason)
        if reason == "barred" or at_us is None:
            return NoRoom(0, "barred")
        if reason != "no_room":
            return NoRoom(max(1_000, at_us - weighed.now), reason, detail)
        model = weighed.ask.model
        slot = max(self._deferred_to_us.get(model, 0.0) + self._gap_us(model, weighed.tokens), float(at_us))
        slot = min(slot, float(at_us + LONGEST_DEFERRAL_US))
        self._deferred_to_us[model] = slot
        return NoRoom(max(1_000, math.floor(slot) - weighed.now), "no_room")

    def _gap_us(self, model: str, tokens: float) -> float:
        """Time in which the whole pool makes room for one such request; 0 while no limit is known."""
        buckets = [group.buckets[model] for group in self._groups.values() if model in group.buckets]
        requests = sum(b.requests.per_minute or 0.0 for b in buckets)
        of_tokens = sum(b.tokens.per_minute or 0.0 for b in buckets)
        gap = MINUTE_US / requests if requests else 0.0
        return max(gap, tokens * MINUTE_US / of_tokens) if of_tokens else gap

    def _refusal_reason(self, weighed: _Weighed) -> tuple[Reason, str]:
        ask, now = weighed.ask, weighed.now
        eligible = [self._keys[k] for k in self._order if k not in ask.barred and k not in self._disabled]
        usable = [k for k in eligible if self._is_usable(k, now)]
        allowed = [k for k in usable if k.forbidden.get(ask.model, 0) <= now]
        details = [self._ledger.key_refusal(day_of(now), k.key.key_id, weighed.more) for k in allowed]
        if None in details:
            return "no_room", ""
        if ask.barred:
            return "barred", ""
        if details:
            return "budget", details[0] or ""
        if usable:
            return "forbidden", ""
        circuits = {k.health.circuit for k in eligible}
        if circuits <= {Circuit.DEAD}:
            return ("dead", "") if circuits else ("disabled", "")
        return ("circuit", "") if Circuit.OPEN in circuits else ("quota", "")

    def _learn(self, group: GroupState, lease: Lease, settlement: Settlement, now: int) -> None:
        """What the response says of the limits, and of our estimate of tokens."""
        bucket = group.bucket(lease.model)
        reading, admitted = settlement.limits, lease.at_us + settlement.admitted_after_us
        if reading.tokens is not None and settlement.outcome is Outcome.SUCCESS:
            asked = Asked(lease.tokens, lease.input_tokens, admitted, lease.charges[1])
            ratio = self._ratios.get(lease.model, 1.0)
            self._ratios[lease.model], tokens = sampled(ratio, bucket.tokens, reading.tokens, asked)
            bucket = replace(bucket, tokens=tokens)
        learned = bucket.learn(reading, admitted, lease.charges, lease.tokens)
        if settlement.outcome is Outcome.SUCCESS:
            learned = learned.succeeded(lease.tokens, learned.own(lease.charges), lease.at_us, now)
        group.buckets[lease.model] = learned

    def _snapshot(self, state: KeyState, now: int) -> KeySnapshot:
        key_id = state.key.key_id
        group = self._groups[state.key.group]
        rests_us = _rest(group, now)
        return KeySnapshot(
            key_id=key_id,
            state=self._state(state, now),
            rate_limited=rests_us > 0 and key_id in self._order,
            requests=state.requests,
            successes=state.successes,
            failures=state.failures,
            rate_limits=state.rate_limits,
            in_flight=sum(
                1 for held in self._open_leases.values() if held.key_id == key_id and held.at_us + LEASE_US > now
            ),
            last_used_us=state.last_used_us,
            spent_today=self._ledger.key(day_of(now), key_id),
            mask=state.key.mask,
            rests_us=rests_us,
        )

    def _state(self, state: KeyState, now: int) -> State:
        key_id, group = state.key.key_id, self._groups[state.key.group]
        return state_of(
            breaker.circuit_at(state.health, now),
            out_of_quota=group.out_of_quota(),
            cooling=_rest(group, now) > 0,
            configured=key_id in self._order,
            disabled=key_id in self._disabled,
        )


def _rest(group: GroupState, now_us: int) -> int:
    """For how long the group still rests after a 429, for whatever model."""
    return max((max(0, b.cooldown_until_us - now_us) for b in group.buckets.values()), default=0)


def _without_tokens(group: GroupState, lease: Lease) -> Lease:
    """Take back the tokens of a request too large for the key, in its bucket and in the lease.

    The provider took none; kept, they would rest the key for as many minutes as its limit is too small.
    """
    of_requests, of_tokens = lease.charges
    if of_tokens.full_at_us:
        bucket = group.bucket(lease.model)
        taken_us = lease.tokens * bucket.tokens.interval_us
        group.buckets[lease.model] = replace(bucket, tokens=bucket.tokens.refund(lease.tokens, of_tokens))
        of_tokens = replace(
            of_tokens, full_at_us=of_tokens.full_at_us - taken_us, paced_at_us=of_tokens.paced_at_us - taken_us
        )
    return replace(lease, tokens=0.0, charges=(of_requests, of_tokens))


def _to_midnight(now_us: int) -> int:
    """Microseconds until the next UTC day."""
    return DAY_US - now_us % DAY_US
