"""The contract of a store, which holds the state of all keys and changes it atomically by its own clock.

Every store passes the contract suite (`tests/contract`). A store uses the id, group and mask of a key, never its
secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from app.keypool.figures import PoolFigures, Scope, Unit
from app.keypool.keys import ApiKey
from app.keypool.limits import LimitReading
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import Action, ActionResult, KeySnapshot
from app.keypool.spending import Bulk, BulkResult, Spent, Usage

#: A lease that was neither settled nor released is forgotten after this time, because its process has probably died.
LEASE_US = 7_200_000_000
#: A process without a heartbeat for this long counts as dead.
SILENT_US = 10_000_000
DAY_US = 86_400_000_000


def day_of(at_us: int) -> int:
    """Return the days since the Unix epoch, UTC."""
    return at_us // DAY_US


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A request for a key.

    `tokens` is the estimated input plus the longest completion; both are charged at admission. `max_wait_us` is the
    longest acceptable wait. `barred` keys must not be used for this request. `waited` is true if the request lost a
    reservation; it may then use capacity that is reserved from new requests. `microusd` is the estimated cost, and
    `batch` the batch whose budget pays ("": none).
    """

    model: str
    tokens: float
    max_wait_us: int
    barred: frozenset[str] = frozenset()
    waited: bool = False
    microusd: int = 0
    batch: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send one request with one key, at `at_us` or later.

    A `reserved` lease must be confirmed at that time, or released. `text` holds the data that the scripts need
    (`leases.lua`). `last_resort` is true if no key was healthy. `probe` is true if the key (or group) takes no other
    request until this one is answered.
    """

    lease_id: str
    key_id: str
    model: str
    at_us: int
    reserved: bool
    text: str
    last_resort: bool = False
    probe: bool = False

    def sent(self, at_us: int, text: str) -> Lease:
        """Return the confirmed lease, with the time at which its request is sent."""
        return replace(self, at_us=at_us, reserved=False, text=text)


@dataclass(frozen=True, slots=True)
class Later:
    """The request must wait: call `acquire` (or `confirm`) again after `pause_us`."""

    pause_us: int


#: `barred`: the request has failed with every key that it may use. `forbidden`: no key may use the model.
#: `disabled`: an operator has disabled every key.
Reason = Literal["no_capacity", "quota", "dead", "circuit", "forbidden", "barred", "budget", "disabled"]


@dataclass(frozen=True, slots=True)
class NoCapacity:
    """No key can take the request within its longest wait.

    `retry_after_us` varies, so that callers do not return at the same time.

    After "barred", the caller gets the request's last response, if there was one. `detail` names the exceeded budget,
    for example "day calls", "key_day tokens" or "batch microusd".
    """

    retry_after_us: int
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result of a leased request.

    `counts` is False for the second and later failures of one request, which do not count against a key. `pause_us` is
    the server's retry-after, if any. `unbilled` is True for a failure without cost: no connection, or a 5xx.
    `admitted_after_us` is the latest time, after the lease's `at_us`, at which the server admitted the request.
    `limited_by` is the limit that a 429 names. `usage` is None if unknown. `streams` is True for the head of a stream:
    `Store.end_stream` reports its usage and whether it was a complete success. `waited_us` is the time that the request
    waited for this key before it was sent, since it started or since its previous attempt ended.
    """

    outcome: Outcome
    counts: bool = True
    unbilled: bool = False
    pause_us: int | None = None
    limits: LimitReading = field(default_factory=LimitReading)
    admitted_after_us: int = 0
    limited_by: Unit | None = None
    usage: Usage | None = None
    streams: bool = False
    waited_us: int = 0

    def later(self, age_us: int, open_us: int) -> Settlement:
        """Return the settlement `age_us` later: a pause is shorter, and a failure older than `open_us` is ignored."""
        if self.outcome is Outcome.SERVER_FAILURE and age_us > open_us:
            return replace(self, outcome=Outcome.ABANDONED)
        return self if self.pause_us is None else replace(self, pause_us=max(0, self.pause_us - age_us))


@dataclass(frozen=True, slots=True)
class Change:
    """The effect of a settlement on a key, for logs, metrics and alerts.

    `opened_after` is the number of failures that opened the circuit, `cooled_us` the length of a new cooldown.
    """

    opened_after: int | None = None
    closed: bool = False
    died: bool = False
    quota_gone: bool = False
    cooled_us: int | None = None


class Store(Protocol):
    """The state of all keys of one pool. Every method is atomic and may be called from any thread."""

    @property
    def scope(self) -> Scope:
        """Return whether figures cover the fleet or this process, now."""
        ...

    @property
    def blocking(self) -> bool:
        """Return whether a call may wait for the network. An event loop then uses a thread."""
        ...

    def acquire(self, request: KeyRequest) -> Lease | Later | NoCapacity:
        """Admit a request, reserve a time for it, or refuse it. Times are reserved in the order of arrival."""
        ...

    def confirm(self, lease: Lease) -> Lease | Later | None:
        """Turn a reservation whose time has come into a lease, or return the time left to wait.

        None means that the key cannot be used now, or a budget is used up. The reservation was released; call
        `acquire` again with `KeyRequest.waited`.
        """
        ...

    def give_back(self, lease: Lease) -> None:
        """Release a reservation that will not be used."""
        ...

    def settle(self, lease: Lease, settlement: Settlement) -> Change:
        """End a lease. Settling a lease twice changes nothing."""
        ...

    def end_stream(self, lease: Lease, usage: Usage | None, *, broke: bool = False) -> Change:
        """Report the end of a stream that was settled as a success at its head, and its usage if it is known.

        A stream that `broke` counts as a failure of the key. Repeating the call within `LEASE_US` changes nothing.
        """
        ...

    def charge_bulk(self, bulk: Bulk) -> str | None:
        """Charge the whole bulk. If a budget does not suffice, charge nothing and return its `NoCapacity.detail`.

        Repeating the call changes nothing. Limits per minute are ignored. Raises `redis.RedisError` if the server is
        unavailable.
        """
        ...

    def settle_bulk(self, bulk: Bulk, result: BulkResult) -> None:
        """Replace the charge of a bulk, on the day it was charged, by its usage, and count its outcomes.

        Repeating the call changes nothing. A bulk without a charge, or with an expired one, is only counted. Raises
        `redis.RedisError` if the server is unavailable.
        """
        ...

    def set_keys(self, keys: Sequence[ApiKey]) -> None:
        """Give leases to these keys from now on. Missing keys drain; keys that return keep their earlier state."""
        ...

    def act(self, key_id: str, action: Action) -> ActionResult:
        """Apply an operator's action to one key, configured or not, for the whole fleet.

        A disabled key gets no new lease until it is enabled, not even as the last resort. Its circuit stays as it is,
        its running requests finish, and its reservations are not confirmed. A probe lets an open or dead key, or one
        without quota, take the next request, once. If that request fails, the key waits for the same time again. Raises
        `redis.RedisError` if the server is unavailable.
        """
        ...

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        """Return configured keys in their order, then draining ones, at one moment."""
        ...

    def figures(self) -> PoolFigures:
        """Return all counts. Refusals without any configured key are not counted."""
        ...

    def spent(self, batch: str = "") -> Spent:
        """Return the usage of this UTC day, or the total usage of `batch`."""
        ...

    def losses(self) -> int:
        """Return how many times processes of the fleet have lost the store and continued alone."""
        ...

    def now_us(self) -> int:
        """Return the time of the store's clock, which all times of leases refer to."""
        ...

    def close(self) -> None:
        """Send outstanding reports and close connections. May be called again."""
        ...
