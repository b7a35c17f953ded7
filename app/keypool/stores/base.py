"""The contract of a store: state of all keys, changed atomically, by the store's own clock.

A store is done when the contract suite (`tests/contract`) passes on it. It never sees a secret: a key is its `key_id`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from app.keypool.figures import PoolFigures, Scope, Unit
from app.keypool.keys import ApiKey
from app.keypool.limits import LimitReading
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import Acted, Action, KeySnapshot
from app.keypool.spending import Bulk, BulkResult, Spent, Usage

#: A lease that was neither settled nor given back is forgotten after this time: its process has died.
LEASE_US = 7_200_000_000
#: A process without a heartbeat for so long is gone.
SILENT_US = 10_000_000
DAY_US = 86_400_000_000


def day_of(at_us: int) -> int:
    """Days since the Unix epoch, UTC."""
    return at_us // DAY_US


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """One request that wants a key.

    `tokens` is our estimate of its input, and the completion that it allows: both are charged at admission.
    `max_wait_us` is the longest acceptable wait, `barred` the keys that this request must not get again. `waited`: it
    held a place that was lost, and may now use the reserve that newcomers cannot. `microusd` is its estimated cost,
    `batch` whose budget pays ("": none).
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

    A `reserved` lease has its place, and must be confirmed when its time has come, or given back. `text` is what the
    scripts need to know of it (`leases.lua`). `last_resort` is true if no key was healthy, `probe` if this is the one
    request that its key (or group) may carry until it has answered.
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
        """This lease as it goes out, at its real time."""
        return replace(self, at_us=at_us, reserved=False, text=text)


@dataclass(frozen=True, slots=True)
class Later:
    """Not yet: ask (or confirm) again after `pause_us`."""

    pause_us: int


#: `barred`: no key is left that this request has not tried in vain. `forbidden`: no key may use the model.
#: `disabled`: an operator took every key out.
Reason = Literal["no_room", "quota", "dead", "circuit", "forbidden", "barred", "budget", "disabled"]


@dataclass(frozen=True, slots=True)
class NoRoom:
    """No key within the longest wait. `retry_after_us` is when to come back, spaced so that callers come one by one.

    With "barred" a request that was sent before gets its last real answer. `detail` names the budget that is used up:
    "day calls", "key_day tokens", "batch microusd" and so on.
    """

    retry_after_us: int
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a leased request went.

    `counts` is False for the second and later failures of one request, which are not held against a key. `pause_us` is
    the server's retry-after, None if it named none. `unbilled` is True for a failure that cost nothing: no connection,
    or an answer with a status that says so (5xx). `admitted_after_us` is how long after the lease's `at_us` the
    server admitted the request, at the latest. `limited_by` is the limit that a 429 names. `usage` is None if the
    response does not tell. `streams` is True for the head of a stream: what it used, and whether it forgives an earlier
    failure, is known at its end (`Store.end_stream`). `waited_us` is how long the request had waited for this key when
    it was sent: since it began, or since its attempt with another key had ended.
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
        """As it counts so much later: a pause has gone on meanwhile, a failure older than `open_us` counts no more."""
        if self.outcome is Outcome.SERVER_FAILURE and age_us > open_us:
            return replace(self, outcome=Outcome.ABANDONED)
        return self if self.pause_us is None else replace(self, pause_us=max(0, self.pause_us - age_us))


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


class Store(Protocol):
    """Holds the state of all keys of one pool. Every method is atomic and may be called from any thread."""

    @property
    def scope(self) -> Scope:
        """Whose figures these are, now."""
        ...

    @property
    def blocking(self) -> bool:
        """True if a call may take a network's time: an event loop then asks from a thread."""
        ...

    def acquire(self, request: KeyRequest) -> Lease | Later | NoRoom:
        """Admit a request, reserve a place for it, or refuse. First come, first served."""
        ...

    def confirm(self, lease: Lease) -> Lease | Later | None:
        """The time of a reservation has come: the lease to send with, or how much longer its place has to wait.

        None: the key died or cools, or a budget has no room any more; the place was given back, acquire again (with
        `KeyRequest.waited`).
        """
        ...

    def give_back(self, lease: Lease) -> None:
        """A reservation that will not be used frees its place."""
        ...

    def settle(self, lease: Lease, settlement: Settlement) -> Change:
        """End a lease. Settling one twice changes nothing."""
        ...

    def end_stream(self, lease: Lease, usage: Usage | None, *, broke: bool = False) -> Change:
        """Report the end of a stream that was settled as a success at its head, and its usage if it named any.

        One that `broke` becomes a failure of the key. To say it again, within `LEASE_US`, changes nothing.
        """
        ...

    def charge_bulk(self, bulk: Bulk) -> str | None:
        """Charge all of it, or nothing: then the budget that has no room, as in `NoRoom.detail`.

        To charge it again changes nothing. No limit of a minute is asked.
        Raises `redis.RedisError` if the server is away.
        """
        ...

    def settle_bulk(self, bulk: Bulk, result: BulkResult) -> None:
        """What came of it replaces what it was charged, on the day of that, and is counted. Again: nothing changes.

        One that was not charged (any more) is only counted. Raises as `charge_bulk`.
        """
        ...

    def set_keys(self, keys: Sequence[ApiKey]) -> None:
        """The keys that get leases from now on; a key that is missing drains, one that is back is as it was."""
        ...

    def act(self, key_id: str, action: Action) -> Acted:
        """Carry out an operator's action on one key, configured or not, for the whole fleet.

        A disabled key gets no new lease until it is enabled, not even as the last resort. It keeps its health; requests
        under way finish, reservations are not confirmed. A probe lets an open or dead key, or one without quota, take
        the next request, once. If that fails, the key waits as long again. Raises `redis.RedisError` if the server is
        away.
        """
        ...

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        """Configured keys in their order, then draining ones, at one moment."""
        ...

    def figures(self) -> PoolFigures:
        """What was counted so far. A refusal for want of any key at all is not: there is no pool to speak of."""
        ...

    def spent(self, batch: str = "") -> Spent:
        """What was used this UTC day, or by `batch` in all."""
        ...

    def losses(self) -> int:
        """How often a process of the fleet has lost the store and gone on alone."""
        ...

    def now_us(self) -> int:
        """The store's clock, which all times of leases are by."""
        ...

    def close(self) -> None:
        """Report what is still to be reported and let go of connections. May be called again."""
        ...
