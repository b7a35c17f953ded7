"""The contract of a store: state of all keys, changed atomically, by the store's own clock.

A store is done when the contract suite (`tests/contract`) passes on it. It never sees a secret: a key is its `key_id`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from app.keypool.limits import Charge, LimitReading
from app.keypool.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Ask:
    """One request that wants a key.

    `tokens` is what the provider will charge at admission, `max_wait_us` the longest acceptable wait, `barred` the keys
    that this request must not get again.
    """

    model: str
    tokens: float
    max_wait_us: int
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send one request with one key, at `at_us` or later.

    A `reserved` lease has its place, and must be confirmed when its time has come, or given back. `generation` and
    `quota_generation` are the key's and its group's at admission, `last_resort` is true if no key was healthy.
    """

    lease_id: int
    key_id: str
    model: str
    tokens: float
    generation: int
    quota_generation: int
    at_us: int
    reserved: bool
    charges: tuple[Charge, Charge]
    last_resort: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """No lease yet: ask again after `pause_us`, an answer under way decides."""

    pause_us: int


#: `barred`: no key is left that this request has not tried in vain. `forbidden`: no key may use the model.
Reason = Literal["no_room", "quota", "dead", "circuit", "forbidden", "barred"]


@dataclass(frozen=True, slots=True)
class NoRoom:
    """No key within the longest wait. `retry_after_us` is when to come back, spaced so that callers come one by one."""

    retry_after_us: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a leased request went.

    `counts` is False for the second and later failures of one request, which are not held against a key. `pause_us` is
    the server's retry-after, None if it named none.
    """

    outcome: Outcome
    counts: bool = True
    pause_us: int | None = None
    limits: LimitReading = field(default_factory=LimitReading)


@dataclass(frozen=True, slots=True)
class Change:
    """What a settlement did to a key, for logs, metrics and alerts.

    `opened_after` is the number of failures that opened the circuit, `cooled_us` the length of a new cooldown.
    """

    opened_after: int | None = None
    closed: bool = False
    died: bool = False
    quota_gone: bool = False
    cooled_us: int | None = None


State = Literal["closed", "open", "half_open", "dead", "no_quota", "cooling"]


@dataclass(frozen=True, slots=True)
class KeySnapshot:
    """One key's figures. `requests` counts leases sent; every one ends as a success or a failure, or was abandoned."""

    key_id: str
    state: State
    circuit_open: bool
    rate_limited: bool
    requests: int
    successes: int
    failures: int
    rate_limits: int
    in_flight: int
    last_used_us: int | None


class Store(Protocol):
    """Holds the state of all keys of one pool. Every method is atomic and may be called from any thread."""

    scope: Literal["fleet", "process"]

    def acquire(self, ask: Ask) -> Lease | Later | NoRoom:
        """Admit a request, reserve a place for it, or refuse. First come, first served."""
        ...

    def confirm(self, lease: Lease) -> bool:
        """The time of a reservation has come. False: the key died or cools; the place was given back, acquire again."""
        ...

    def give_back(self, lease: Lease) -> None:
        """A reservation that will not be used frees its place."""
        ...

    def settle(self, lease: Lease, settlement: Settlement) -> Change:
        """End a lease. Settling one twice changes nothing."""
        ...

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        """All keys in configured order, at one moment."""
        ...

    def now_us(self) -> int:
        """The store's clock, which all times of leases are by."""
        ...
