"""The interface of a key store, which keeps the state of all OpenAI keys. Changes are atomic, and times come from the
store's own clock.

All implementations pass the contract tests (`tests/contract`). Stores never get a key's secret.
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

#: A lease expires after this time if it is neither settled nor released, because its process has probably crashed.
LEASE_US = 7_200_000_000
#: A process that sends no heartbeat for this long counts as dead.
SILENT_US = 10_000_000
DAY_US = 86_400_000_000


def day_of(at_us: int) -> int:
    """Return the UTC day of `at_us`, as the number of days since the Unix epoch."""
    return at_us // DAY_US


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A request for a key.

    `tokens` is the estimated input plus the longest possible completion. Keys in `barred` must not be used. `waited` is
    true if the request lost a reservation; then it may use capacity that new requests must leave free. `microusd` is
    the estimated cost. The budget of `batch` is charged unless `batch` is "".
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

    A `reserved` lease must be confirmed at `at_us`, or released. `text` contains data for the Lua scripts
    (`leases.lua`). `last_resort` is true if the key is considered unusable, but no other key is usable either. `probe`
    is true if the request tests the key or its group, which takes no other request until the result is known.
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
        """Return this lease as confirmed, for a request sent at `at_us`."""
        return replace(self, at_us=at_us, reserved=False, text=text)


@dataclass(frozen=True, slots=True)
class Later:
    """The request must wait. The caller should repeat `acquire` or `confirm` after `pause_us`."""

    pause_us: int


#: `barred`: the request must not use some of the keys, and no other key is usable. `forbidden`: each key is dead or may
#: not use the model. `disabled`: an operator has disabled every key.
Reason = Literal["no_capacity", "quota", "dead", "circuit", "forbidden", "barred", "budget", "disabled"]


@dataclass(frozen=True, slots=True)
class NoCapacity:
    """No key can take the request within its maximum wait.

    `retry_after_us` usually differs between callers, so that they do not all retry at the same time.

    If the reason is "barred", the pool returns the request's last response to the caller, if there was one. `detail`
    names the exceeded budget, for example "day calls", "key_day tokens", or "batch microusd".
    """

    retry_after_us: int
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result of a leased request.

    `counts` is False for the second and later server failures of one request, which do not count against a key with a
    closed circuit. `pause_us` is the retry-after of the response. `unbilled` is True for a failure that the provider
    does not bill: no connection, or a 5xx. `admitted_after_us` is the latest time at which the server can have admitted
    the request, counted from the lease's `at_us`. `limited_by` is the limit that a 429 names. `usage` is None if
    unknown. `streams` is True if only the headers of a stream have arrived; `Store.end_stream` later reports the usage
    and whether the stream broke. `waited_us` is how long the request waited for this key since its start or its
    previous attempt.
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
        """Return the settlement adjusted to a report delay of `age_us`.

        The pause is shortened by the delay. A server failure older than `open_us` becomes `ABANDONED`, because it no
        longer says anything about the key.
        """
        if self.outcome is Outcome.SERVER_FAILURE and age_us > open_us:
            return replace(self, outcome=Outcome.ABANDONED)
        return self if self.pause_us is None else replace(self, pause_us=max(0, self.pause_us - age_us))


@dataclass(frozen=True, slots=True)
class Change:
    """The effect of a settlement on a key, for logs, metrics, and alerts.

    `opened_after` is the number of failures that opened the circuit, if it opened. `cooled_us` is the length of a new
    cooldown, if any.
    """

    opened_after: int | None = None
    closed: bool = False
    died: bool = False
    quota_gone: bool = False
    cooled_us: int | None = None


class Store(Protocol):
    """Stores the state of all keys of one pool. Methods are atomic and thread-safe."""

    @property
    def scope(self) -> Scope:
        """Return whether the figures currently cover all processes or only this process."""
        ...

    @property
    def blocking(self) -> bool:
        """Return whether calls may wait for the network. If so, async callers must call the store in another thread."""
        ...

    def acquire(self, request: KeyRequest) -> Lease | Later | NoCapacity:
        """Admit a request, reserve a later time for it, tell the caller to ask again later, or reject the request."""
        ...

    def confirm(self, lease: Lease) -> Lease | Later | None:
        """Confirm a reservation whose time has come, or return how much longer to wait.

        Return None if the reservation was released, for example because the key is unusable now or a budget is used up.
        The caller should then call `acquire` with `KeyRequest.waited`.
        """
        ...

    def give_back(self, lease: Lease) -> None:
        """Release an unused reservation."""
        ...

    def settle(self, lease: Lease, settlement: Settlement) -> Change:
        """End a lease. Repeating the call changes nothing."""
        ...

    def end_stream(self, lease: Lease, usage: Usage | None, *, broke: bool = False) -> Change:
        """Report the end of a stream whose lease was settled as a success when its headers arrived.

        `usage` is None if unknown. A stream that `broke` counts as a failure of the key. Repeating the call within
        `LEASE_US` changes nothing.
        """
        ...

    def charge_bulk(self, bulk: Bulk) -> str | None:
        """Charge the budgets for all requests of a bulk.

        If a budget does not suffice, charge nothing and return its `NoCapacity.detail`. Repeating the call changes
        nothing. Raises `redis.RedisError` if the server is unavailable.
        """
        ...

    def settle_bulk(self, bulk: Bulk, result: BulkResult) -> None:
        """Replace the charge of a bulk with its usage, on the day of the charge, and count the outcomes of its
        requests.

        Repeating the call changes nothing. If the bulk was never charged, or its charge has expired, the usage is added
        to the current day. Raises `redis.RedisError` if the server is unavailable.
        """
        ...

    def set_keys(self, keys: Sequence[ApiKey]) -> None:
        """Use only these keys for new leases. A key that is removed and later added again keeps its state."""
        ...

    def act(self, key_id: str, action: Action) -> ActionResult:
        """Apply an operator's action to one key, in all processes. The key need not be configured.

        A disabled key gets no new lease until it is enabled, even if no other key is usable. Its circuit does not
        change, its running requests finish, and its reservations cannot be confirmed. The action "probe" lets a key
        that is open, dead, or out of quota take one request now. If that request fails, the interval between probes
        does not grow. Raises `redis.RedisError` if the server is unavailable.
        """
        ...

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        """Return the configured keys in their order, then the draining keys, read at one moment."""
        ...

    def figures(self) -> PoolFigures:
        """Return the counts of all keys and models."""
        ...

    def spent(self, batch: str = "") -> Spent:
        """Return the usage of all keys on this UTC day, or the total usage of `batch` if it is not ""."""
        ...

    def losses(self) -> int:
        """Return how many times a process lost Redis and continued with its own share of the limits."""
        ...

    def now_us(self) -> int:
        """Return the time of the store's clock, which all lease times use."""
        ...

    def close(self) -> None:
        """Send outstanding reports and close the connections. Later calls do nothing."""
        ...
