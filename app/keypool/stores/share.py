"""What a process does while the fleet's store is away: it goes on with its share of every limit.

The share is a grid of time: with n processes alive, every n-th slot of a key is this process's, and slots are 5 % wider
than the limit asks for. All processes lay the same grid by the lost server's clock, so they do not collide.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.clock import Clock
from app.keypool.breaker import Circuit, Health, Policy
from app.keypool.buckets import Bucket
from app.keypool.guesses import Guess
from app.keypool.keys import ApiKey
from app.keypool.limits import MINUTE_US, MeterReading
from app.keypool.meters import UNKNOWN, Meter
from app.keypool.spending import Budget, Spent
from app.keypool.stores.base import LEASE_US, Change, Lease, Settlement
from app.keypool.stores.memory import MemoryStore
from app.keypool.stores.state import GroupState
from app.keypool.stores.tally import Alone

#: Slots are this much wider than the limit asks for.
_MARGIN = 1.05
_LOCAL = "share-"
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What this process last heard of the others: its rank among `size` live processes, and what they have learned.

    `bad` maps a key to its circuit (dead also without quota), or to None if it has never answered; `limits` maps
    (group, model) to limits a minute and capacities of requests and tokens (0: unknown), the end of the latest
    cooldown, and when a limit of requests that no header names was last cut (0: none is guessed); `spent` maps a
    budget's name (`d:<day>`, `d:<day>:<key>`, `t:<batch>`) to what was used. `disabled` are the keys that an operator
    has taken out.
    """

    rank: int = 0
    size: int = 1
    bad: Mapping[str, Circuit | None] = field(default_factory=dict)
    limits: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    spent: Mapping[str, Spent] = field(default_factory=dict)
    ratios: Mapping[str, float] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()

    @classmethod
    def read(cls, told: Mapping[str, Any], before: Fleet) -> Fleet:
        """From the reply of `beat.lua`; what a brief one does not tell is as before. Lua's empty table is an empty
        object."""
        circuits = {1: Circuit.OPEN, 2: Circuit.DEAD}
        spent = {name: Spent(*used) for name, *used in told["spent"] or ()}
        heard = replace(
            before,
            rank=told["rank"],
            size=max(1, told["size"]),
            spent={**before.spent, **spent},
            disabled=frozenset(told["disabled"] or ()),
        )
        if "bad" not in told:
            return heard
        return replace(
            heard,
            bad={key_id: circuits.get(number) for key_id, number in told["bad"] or ()},
            limits={(entry[0], entry[1]): tuple(entry[2:]) for entry in told["limits"] or ()},
            spent=spent,
            ratios=dict(told["ratios"] or ()),
        )

    def learned(self, keys: Sequence[ApiKey]) -> dict[str, Any]:
        """What a server that has lost its data should be told of these keys (see `register.lua`)."""
        groups = {key.group for key in keys}
        return {
            "verified": [key.key_id for key in keys if self.limits and key.key_id not in self.bad],
            # what was guessed will be guessed again
            "learned": [
                [*place, 0 if cut_us else rpm, *others[:3]]
                for place, (rpm, *others, cut_us) in self.limits.items()
                if place[0] in groups
            ],
            "spent": [[name, s.calls, s.tokens, s.microusd] for name, s in self.spent.items()],
            "disabled": sorted(self.disabled),
        }


class ShareStore(MemoryStore):
    """A memory store whose limits are this process's share. Made when the fleet's store is lost, kept until it is back.

    `since_us` is the latest time for which this process had been promised a place.
    """

    def __init__(
        self,
        keys: Sequence[ApiKey],
        strategy: str,
        clock: Clock,
        fleet: Fleet,
        *,
        since_us: int,
        policy: Policy | None = None,
        rng: random.Random | None = None,
        budget: Budget,
    ) -> None:
        super().__init__(keys, strategy, clock, policy=policy, rng=rng, budget=budget)
        self._fleet = fleet
        self._since_us = max(since_us, self.now_us())
        self._pool.lease_ids = (f"{_LOCAL}{number}" for number in _NUMBERS)
        self._pool.ratios.update(fleet.ratios)
        self._pool.ledger.size = fleet.size
        self._reported = Alone()
        self._seed()

    @staticmethod
    def made(lease: Lease) -> bool:
        """True if a store of this kind gave the lease."""
        return lease.lease_id.startswith(_LOCAL)

    def holds(self, lease: Lease) -> bool:
        """True if this very store gave the lease, and it has not ended."""
        with self._lock:
            return self.made(lease) and lease.lease_id in self._pool.open_leases

    @property
    def idle(self) -> bool:
        """True if none of its leases is under way."""
        with self._lock:
            now = self.now_us()
            return not any(held.at_us + LEASE_US > now for held in self._pool.open_leases.values())

    def settle_foreign(self, lease: Lease, settlement: Settlement) -> Change:
        """A lease of the lost store ends: what it says of its key is taken, as far as the key is known here."""
        with self._lock:
            state = self._pool.keys.get(lease.key_id)
            if state is None:
                return Change()
            group = self._pool.group_of(state)
            adopted = replace(lease, generation=state.health.generation, quota_generation=group.quota_generation)
            self._pool.open_leases[lease.lease_id] = adopted
        return self.settle(adopted, settlement)

    def has_disabled(self, key_id: str) -> bool:
        """True if an operator has taken the key out."""
        with self._lock:
            return key_id in self._pool.disabled

    def report(self) -> Alone:
        """What is new since the last report, at first since the loss: to be added once the store is back."""
        with self._lock:
            counts = self._pool.tally.counts_of_share(self._fleet.size)
            used_us = {}
            for key_id, state in self._pool.keys.items():
                if state.last_used_us is not None:
                    counts.setdefault(f"k:{key_id}", {})["rq"] = state.requests
                    used_us[key_id] = state.last_used_us
            before, self._reported = self._reported, Alone(self._pool.ledger.counted(), counts, used_us)
            return self._reported.since(before)

    def _book(self, lease: Lease, settlement: Settlement) -> None:
        """Only what was charged here: a lease of the lost store is corrected there, when its settlement arrives."""
        if self.made(lease):
            super()._book(lease, settlement)

    def _count(self, lease: Lease, settlement: Settlement, change: Change) -> None:
        """Likewise."""
        if self.made(lease):
            super()._count(lease, settlement, change)

    def _seed(self) -> None:
        pool = self._pool
        pool.disabled.update(self._fleet.disabled)
        for key_id, circuit in self._fleet.bad.items():
            state = pool.keys.get(key_id)
            if state is not None and circuit is not None:
                # not for this process to find out: whoever is back first with the others will
                state.health = Health(circuit, verified=True, retry_at_us=self.now_us() + pool.policy.dead_probe_us)
        for state in pool.keys.values():
            if self._fleet.limits and state.key.key_id not in self._fleet.bad:
                state.health = replace(state.health, verified=True)
        for (group, model), (rpm, _, tpm, _, cooldown_until, cut_us) in self._fleet.limits.items():
            held = pool.groups.setdefault(group, GroupState())
            meters = self._share(rpm), self._share(tpm)
            guess = Guess(cut_us=round(cut_us))
            held.buckets[model] = Bucket(*meters, cooldown_until_us=round(cooldown_until), jitter_us=0.0, guess=guess)
        for name, used in self._fleet.spent.items():
            pool.ledger.start_from(name, used)

    def _share(self, per_minute: float) -> Meter:
        """The meter of one grid: capacity for one at a time, the first slot this process's next."""
        if per_minute <= 0:
            return UNKNOWN
        slot = MINUTE_US / per_minute * _MARGIN
        mine = self._fleet.rank * slot
        turn = self._fleet.size * slot
        first = math.ceil((self._since_us - mine) / turn) * turn + mine
        return Meter(per_minute / (self._fleet.size * _MARGIN), 1.0, first, 0.0, 1.0)

    def _learn(self, group: GroupState, lease: Lease, settlement: Settlement, now: int) -> None:  # noqa: ARG002
        """Of a response only the limit itself: its bucket is everybody's."""
        bucket = group.bucket(lease.model)
        group.buckets[lease.model] = replace(
            bucket,
            requests=self._reshared(bucket.requests, settlement.limits.requests),
            tokens=self._reshared(bucket.tokens, settlement.limits.tokens),
        )

    def _reshared(self, meter: Meter, reading: MeterReading | None) -> Meter:
        if reading is None:
            return meter
        fresh = self._share(reading.per_minute)
        if meter.per_minute == fresh.per_minute:
            return meter
        return replace(fresh, full_at_us=max(meter.full_at_us, fresh.full_at_us if meter.per_minute is None else 0.0))
