"""What the memory store holds: of one key, of one limit group, and of all. Changed only under that store's lock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.keypool import breaker
from app.keypool.breaker import Circuit, Health, Policy
from app.keypool.buckets import Bucket
from app.keypool.keys import ApiKey
from app.keypool.outcomes import ACCEPTED, Outcome
from app.keypool.snapshots import State, state_of
from app.keypool.stores.base import LEASE_US, Lease
from app.keypool.stores.ledger import Ledger
from app.keypool.stores.tally import Tally

HOUR_US = 3_600_000_000
FIRST_QUOTA_PROBE_US = HOUR_US
LONGEST_QUOTA_PROBE_US = 6 * HOUR_US


@dataclass(slots=True)
class KeyState:
    """One key: its health, its figures, and the models it may not use (403) until when.

    `hour`, `this_hour` and `hour_before` count requests by clock hour.
    """

    key: ApiKey
    health: Health = field(default_factory=Health)
    turn: int = 0
    requests: int = 0
    successes: int = 0
    failures: int = 0
    rate_limits: int = 0
    last_used_us: int | None = None
    hour: int = 0
    this_hour: int = 0
    hour_before: int = 0
    forbidden: dict[str, int] = field(default_factory=dict)

    def use(self, now_us: int) -> None:
        """One more request goes out."""
        self.requests += 1
        self.last_used_us = now_us
        hour = now_us // HOUR_US
        if hour != self.hour:
            self.hour_before = self.this_hour if hour == self.hour + 1 else 0
            self.hour, self.this_hour = hour, 0
        self.this_hour += 1

    def count_bulk(self, outcomes: Mapping[Outcome, int]) -> None:
        """Requests that were sent together are over. They do not count for the hour: no strategy spreads them."""
        good = sum(count for outcome, count in outcomes.items() if outcome in ACCEPTED)
        total = sum(outcomes.values())
        self.requests, self.successes, self.failures = (
            self.requests + total,
            self.successes + good,
            self.failures + total - good,
        )

    def requests_last_hour(self, now_us: int) -> float:
        """Requests of the last 60 minutes, the earlier clock hour's taken as spread evenly (sliding window counter)."""
        hour = now_us // HOUR_US
        left = 1.0 - (now_us % HOUR_US) / HOUR_US
        if hour == self.hour:
            return self.this_hour + self.hour_before * left
        return self.this_hour * left if hour == self.hour + 1 else 0.0


@dataclass(slots=True)
class GroupState:
    """One limit group: its buckets by model, and whether its money has run out.

    `quota_gap_us` is 0 while there is money, else the time between probes; `quota_generation` counts every change of
    that, so that an answer to a request sent before it changes nothing.
    """

    buckets: dict[str, Bucket] = field(default_factory=dict)
    quota_generation: int = 0
    quota_gap_us: int = 0
    quota_due_at_us: int = 0
    quota_probed_at_us: int = 0
    quota_probe_until_us: int = 0
    quota_prober: str = ""

    def bucket(self, model: str) -> Bucket:
        """The bucket of a model, as it stands."""
        return self.buckets.setdefault(model, Bucket())

    def out_of_quota(self) -> bool:
        """True from a quota error until a later success."""
        return self.quota_gap_us > 0

    def rests_us(self, now_us: int) -> int:
        """For how long it still rests after a 429, for whatever model."""
        return max((max(0, b.cooldown_until_us - now_us) for b in self.buckets.values()), default=0)

    def quota_at(self, policy: Policy, now_us: int, *, last_resort: bool) -> int:
        """When quota lets a request go; while a probe is out that is when its lease ends, at the latest."""
        if not self.out_of_quota():
            return now_us
        if now_us < self.quota_probe_until_us:
            return self.quota_probe_until_us
        due = self.quota_due_at_us
        return max(now_us, min(due, self.quota_probed_at_us + policy.last_resort_us) if last_resort else due)

    def awaits_answer(self, key_id: str, now_us: int) -> bool:
        """True while this key carries the group's one request."""
        return self.out_of_quota() and self.quota_prober == key_id and now_us < self.quota_probe_until_us

    def begin_probe(self, policy: Policy, key_id: str, at_us: int) -> None:
        """The one request of a penniless group goes out; its lease expires by itself."""
        self.quota_probed_at_us = at_us
        self.quota_probe_until_us = at_us + policy.probe_lease_us
        self.quota_prober = key_id

    def end_probe(self, generation: int) -> None:
        """A request of this generation has ended, whatever it said."""
        if generation == self.quota_generation:
            self.quota_probe_until_us = 0

    def ask_probe(self, now_us: int) -> bool:
        """An operator wants it tried now: the wait is over, and as long again if it fails. True if that is news."""
        if not self.out_of_quota() or now_us < self.quota_probe_until_us or now_us >= self.quota_due_at_us:
            return False
        self.quota_due_at_us = now_us
        self.quota_gap_us //= 2
        return True

    def lose_quota(self, generation: int, sent_at_us: int, now_us: int) -> bool:
        """True if this is news. The next probe is an hour away, then twice as long each time one fails, at most six."""
        if generation != self.quota_generation:
            return False
        news = not self.out_of_quota()
        if news:
            self.quota_generation += 1
            self.quota_gap_us = FIRST_QUOTA_PROBE_US
            self.quota_probed_at_us = now_us
        elif sent_at_us >= self.quota_due_at_us:
            self.quota_gap_us = min(self.quota_gap_us * 2, LONGEST_QUOTA_PROBE_US)
        if news or sent_at_us >= self.quota_due_at_us:
            self.quota_due_at_us = now_us + self.quota_gap_us
        self.quota_probe_until_us = 0
        return news

    def regain_quota(self, generation: int) -> None:
        """A request of this generation succeeded: there is money."""
        if generation == self.quota_generation and self.out_of_quota():
            self.quota_generation += 1
            self.quota_gap_us = 0


@dataclass(slots=True)
class PoolState:
    """All of it. `order` are the configured keys, `disabled` those that an operator took out, configured or not.

    By model: `ratios` are what the provider charged for input by what we had estimated, `deferred_to_us` until when
    callers were sent away.
    """

    policy: Policy
    ledger: Ledger
    tally: Tally = field(default_factory=Tally)
    keys: dict[str, KeyState] = field(default_factory=dict)
    groups: dict[str, GroupState] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    disabled: set[str] = field(default_factory=set)
    open_leases: dict[str, Lease] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    deferred_to_us: dict[str, float] = field(default_factory=dict)
    lease_ids: Iterator[str] = field(default_factory=lambda: map(str, itertools.count(1)))
    turns: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def set_keys(self, keys: Sequence[ApiKey]) -> None:
        """The keys that get leases from now on."""
        self.order = tuple(key.key_id for key in keys)
        for key in keys:
            self.keys.setdefault(key.key_id, KeyState(key)).key = key
            self.groups.setdefault(key.group, GroupState())

    def group_of(self, state: KeyState) -> GroupState:
        """Whose limits and money the key shares."""
        return self.groups[state.key.group]

    def is_usable(self, state: KeyState, now_us: int) -> bool:
        """A cooling key is usable, it only has to wait; an open, dead or penniless one is not."""
        if state.key.key_id in self.disabled or self.group_of(state).out_of_quota():
            return False
        return breaker.circuit_at(state.health, now_us) in {Circuit.CLOSED, Circuit.HALF_OPEN}

    def is_open(self, lease: Lease, now_us: int) -> bool:
        """True for a lease that has not ended."""
        held = self.open_leases.get(lease.lease_id)
        if held is not None and held.at_us + LEASE_US <= now_us:
            del self.open_leases[lease.lease_id]
            held = None
        return held is not None

    def give_back(self, lease: Lease, now_us: int) -> None:
        """A reservation that will not be used frees its place."""
        if not self.is_open(lease, now_us):
            return
        del self.open_leases[lease.lease_id]
        state = self.keys[lease.key_id]
        group = self.group_of(state)
        group.buckets[lease.model] = group.bucket(lease.model).refund(lease.tokens, lease.charges)
        state.health = breaker.on_abandoned(state.health, lease.generation)
        group.end_probe(lease.quota_generation)

    def look_for_end_of_outage(self, before: Health, state: KeyState, lease: Lease, now_us: int) -> None:
        """After a request of a key whose health was `before`: if it shows that the provider is back, all are due."""
        if breaker.ended_outage(before, state.health, lease.at_us):
            for other in self.keys.values():
                other.health = breaker.on_outage_ended(other.health, now_us)

    def word_of(self, state: KeyState, now_us: int) -> State:
        """The one word for a key."""
        group = self.group_of(state)
        return state_of(
            breaker.circuit_at(state.health, now_us),
            out_of_quota=group.out_of_quota(),
            cooling=group.rests_us(now_us) > 0,
            configured=state.key.key_id in self.order,
            disabled=state.key.key_id in self.disabled,
        )
