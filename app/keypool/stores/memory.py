"""The store of one process: plain state under a lock, changed by the pure rules next door.

It is also the model that the Redis store is tested against, step by step.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Sequence
from dataclasses import replace

from app.clock import Clock
from app.keypool import breaker
from app.keypool.admission import SEEDS
from app.keypool.breaker import Policy
from app.keypool.estimates import Asked, sampled
from app.keypool.figures import PoolFigures, Scope
from app.keypool.keys import ApiKey
from app.keypool.outcomes import UNBILLED, Outcome
from app.keypool.snapshots import Acted, Action, KeySnapshot
from app.keypool.spending import NO_BUDGET, Budget, Bulk, BulkResult, Spent, Usage
from app.keypool.stores.acquire import acquire
from app.keypool.stores.base import LEASE_US, Ask, Change, Later, Lease, NoRoom, Settlement, day_of
from app.keypool.stores.ledger import Ledger
from app.keypool.stores.state import GroupState, KeyState, PoolState
from app.keypool.stores.tally import read_figures
from app.keypool.stores.verdict import end_stream, judge
from app.keypool.strategies import load_strategy

#: A reserved place keeps its order through a cooldown this short; beyond it the request looks for another key.
SHORT_COOLDOWN_US = 2_000_000


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
        self._rng = rng or random.Random()
        self._lock = threading.Lock()
        self._pool = PoolState(policy or Policy(), Ledger(budget))
        #: leases whose streams have said what they used, the oldest first, and until when that is remembered
        self._streams_until_us: dict[str, int] = {}
        self.set_keys(keys)

    def now_us(self) -> int:
        return self._clock.now_us()

    def set_keys(self, keys: Sequence[ApiKey]) -> None:
        with self._lock:
            self._pool.set_keys(keys)

    def acquire(self, ask: Ask) -> Lease | Later | NoRoom:
        with self._lock:
            if not self._pool.order:
                return NoRoom(0, "barred")
            return acquire(self._pool, ask, self.now_us(), score=self._score, seed=self._rng.randrange(SEEDS))

    def confirm(self, lease: Lease) -> Lease | Later | None:
        with self._lock:
            now, pool = self.now_us(), self._pool
            if not pool.is_open(lease, now):
                return None
            state = pool.keys[lease.key_id]
            group = pool.group_of(state)
            bucket = group.bucket(lease.model)
            changed = (state.health.generation, group.quota_generation) != (lease.generation, lease.quota_generation)
            changed = changed or bucket.is_outdated(lease.charges)
            out = lease.key_id not in pool.order or lease.key_id in pool.disabled
            if changed or out or bucket.cooldown_until_us > now + SHORT_COOLDOWN_US:
                pool.give_back(lease, now)
                return None
            at = bucket.gate_at(lease.tokens, lease.charges)
            if at > now:
                return Later(at - now)
            sent_bucket = bucket.sent(lease.tokens, lease.charges, now)
            sent = lease.sent(now, sent_bucket.own(lease.charges))
            if pool.ledger.refusal_of(sent) is not None:
                pool.give_back(lease, now)
                return None
            group.buckets[lease.model] = sent_bucket
            pool.ledger.charge(sent)
            state.use(now)
            pool.open_leases[lease.lease_id] = sent
            return sent

    def give_back(self, lease: Lease) -> None:
        with self._lock:
            self._pool.give_back(lease, self.now_us())

    def settle(self, lease: Lease, settlement: Settlement) -> Change:
        with self._lock:
            now, pool = self.now_us(), self._pool
            if not pool.is_open(lease, now):
                return Change()
            del pool.open_leases[lease.lease_id]
            state = pool.keys[lease.key_id]
            group = pool.group_of(state)
            self._book(lease, settlement)
            if settlement.outcome is Outcome.TOO_LARGE:
                lease = _without_tokens(group, lease)
            self._learn(group, lease, settlement, now)
            before = state.health
            change = judge(state, group, lease, settlement, policy=pool.policy, now=now)
            pool.look_for_end_of_outage(before, state, lease, now)
            self._count(lease, settlement, change)
            return change

    def end_stream(self, lease: Lease, usage: Usage | None, *, broke: bool = False) -> Change:
        with self._lock:
            if not self._is_first(lease):
                return Change()
            if usage is not None:
                self._pool.ledger.correct(lease, usage)
                self._pool.tally.used(lease, usage)
            state = self._pool.keys.get(lease.key_id)
            if state is None:
                return Change()
            before, now = state.health, self.now_us()
            change = end_stream(state, lease, self._pool.policy, now, broke=broke)
            self._pool.look_for_end_of_outage(before, state, lease, now)
            self._pool.tally.stream_ended(lease, change, broke=broke)
            return change

    def charge_bulk(self, bulk: Bulk) -> str | None:
        with self._lock:
            day, ledger = day_of(self.now_us()), self._pool.ledger
            detail = ledger.charge_bulk(day, bulk)
            if detail is not None:
                ledger.stop(day, detail)
            return detail

    def settle_bulk(self, bulk: Bulk, result: BulkResult) -> None:
        with self._lock:
            if self._pool.ledger.settle_bulk(day_of(self.now_us()), bulk, result.used):
                self._pool.tally.settled_bulk(bulk, result)
                if (state := self._pool.keys.get(bulk.key_id)) is not None:
                    state.count_bulk(result.outcomes)

    def act(self, key_id: str, action: Action) -> Acted:
        with self._lock:
            now, pool = self.now_us(), self._pool
            state = pool.keys.get(key_id)
            if action != "probe":
                done = (key_id in pool.disabled) != (action == "disable")
                pool.disabled ^= {key_id} if done else set()
            elif state is None or key_id in pool.disabled:
                done = False
            else:
                group, before = pool.group_of(state), state.health
                if breaker.awaits_answer(before, now) or (group.out_of_quota() and now < group.quota_probe_until_us):
                    return Acted("under_way", pool.word_of(state, now))
                state.health = breaker.on_probe_asked(before, now)
                done = group.ask_probe(now) or state.health is not before
            return Acted("done" if done else "nothing", pool.word_of(state, now) if state else "draining")

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        with self._lock:
            now, pool = self.now_us(), self._pool
            draining = [k for k, s in pool.keys.items() if k not in pool.order and s.requests]
            return tuple(self._snapshot(pool.keys[k], now) for k in (*pool.order, *draining))

    def figures(self) -> PoolFigures:
        with self._lock:
            now, pool = self.now_us(), self._pool
            counts = pool.tally.counts()
            others = sorted(k for k in pool.keys if k not in pool.order and f"c:{k}" in counts)
            groups = {k: pool.keys[k].key.group for k in (*pool.order, *others)}
            in_use = {groups[k] for k in pool.order}
            rooms = [
                room
                for group in in_use
                for model, bucket in pool.groups[group].buckets.items()
                for room in bucket.rooms(group, model, now)
            ]
            return read_figures(self.scope, groups, counts, rooms, pool.ledger.stopped(day_of(now)))

    def spent(self, batch: str = "") -> Spent:
        with self._lock:
            ledger = self._pool.ledger
            return ledger.batch(batch) if batch else ledger.day(day_of(self.now_us()))

    def losses(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is held."""

    # --- below: called with the lock held ---------------------------------------------------------------------------

    def _is_first(self, lease: Lease) -> bool:
        """False if the end of this stream was reported before."""
        now, known = self.now_us(), self._streams_until_us
        for old in list(itertools.takewhile(lambda one: known[one] <= now, known)):
            del known[old]
        if lease.lease_id in known:
            return False
        known[lease.lease_id] = now + LEASE_US
        return True

    def _book(self, lease: Lease, settlement: Settlement) -> None:
        """Against the budgets: what was not billed goes back, what was used is known."""
        if settlement.outcome in UNBILLED or settlement.unbilled:
            self._pool.ledger.refund(lease)
        elif settlement.usage is not None:
            self._pool.ledger.correct(lease, settlement.usage)

    def _count(self, lease: Lease, settlement: Settlement, change: Change) -> None:
        """For metrics and reports."""
        self._pool.tally.settled(lease, settlement, change)
        if settlement.usage is not None and settlement.outcome not in UNBILLED:
            self._pool.tally.used(lease, settlement.usage)

    def _learn(self, group: GroupState, lease: Lease, settlement: Settlement, now: int) -> None:
        """What the response says of the limits, and of our estimate of tokens."""
        bucket, ratios = group.bucket(lease.model), self._pool.ratios
        reading, admitted = settlement.limits, lease.at_us + settlement.admitted_after_us
        if reading.tokens is not None and settlement.outcome is Outcome.SUCCESS:
            asked = Asked(lease.tokens, lease.input_tokens, admitted, lease.charges[1])
            ratio = ratios.get(lease.model, 1.0)
            ratios[lease.model], tokens = sampled(ratio, bucket.tokens, reading.tokens, asked)
            bucket = replace(bucket, tokens=tokens)
        learned = bucket.learn(reading, admitted, lease.charges, lease.tokens)
        if settlement.outcome is Outcome.SUCCESS:
            learned = learned.succeeded(lease.tokens, learned.own(lease.charges), lease.at_us, now)
        group.buckets[lease.model] = learned

    def _snapshot(self, state: KeyState, now: int) -> KeySnapshot:
        key_id, pool = state.key.key_id, self._pool
        rests_us = pool.group_of(state).rests_us(now)
        return KeySnapshot(
            key_id=key_id,
            state=pool.word_of(state, now),
            rate_limited=rests_us > 0 and key_id in pool.order,
            requests=state.requests,
            successes=state.successes,
            failures=state.failures,
            rate_limits=state.rate_limits,
            in_flight=sum(
                1 for held in pool.open_leases.values() if held.key_id == key_id and held.at_us + LEASE_US > now
            ),
            last_used_us=state.last_used_us,
            spent_today=pool.ledger.key(day_of(now), key_id),
            mask=state.key.mask,
            rests_us=rests_us,
        )


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
