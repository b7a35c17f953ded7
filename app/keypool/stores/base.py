"""Types that all key stores use. A key store keeps the state of all OpenAI keys. `ScriptStore` documents the stores'
methods.

All stores pass the contract tests (`tests/contract`) and never get a key's secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from app.keypool.figures import Unit
from app.keypool.limits import LimitReading
from app.keypool.outcomes import Outcome
from app.keypool.spending import Usage

if TYPE_CHECKING:
    from app.keypool.stores.fleet import FleetStore
    from app.keypool.stores.script_store import ScriptStore

#: A lease expires after this time if it is neither settled nor released, because its process has probably crashed.
LEASE_US = 7_200_000_000
#: A process that sends no heartbeat for this long counts as dead.
SILENT_US = 10_000_000
DAY_US = 86_400_000_000


def day_of(at_us: int) -> int:
    return at_us // DAY_US


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """`tokens` is the estimated input plus the longest possible completion. Keys in `barred` must not be used. `waited`
    is true if the request lost a reservation; then it may use capacity that new requests must leave free. `microusd`
    is the estimated cost. The budget of `batch` is charged unless `batch` is "".
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
    is true if the request tests the key or its group. Until the result is known, no other request is sent with them.
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
        return replace(self, at_us=at_us, reserved=False, text=text)


@dataclass(frozen=True, slots=True)
class Later:
    """The caller should repeat `acquire` or `confirm` after `pause_us`."""

    pause_us: int


#: `barred`: the request must not use some of the keys, and no other key is usable. `forbidden`: each key is dead or may
#: not use the model. `disabled`: an operator has disabled every key.
Reason = Literal["no_capacity", "quota", "dead", "circuit", "forbidden", "barred", "budget", "disabled"]


@dataclass(frozen=True, slots=True)
class NoCapacity:
    """No key can take the request within its maximum wait.

    `retry_after_us` usually differs between callers, so that they do not all retry at the same time.

    `detail` names the exceeded budget, for example "day calls", "key_day tokens", or "batch microusd".
    """

    retry_after_us: int
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result of a leased request.

    `counts` is False for the second and later server failures of one request, which do not count against a key with a
    closed circuit. `pause_us` is the response's `retry-after`. `unbilled` is True for a failure that the provider does
    not bill, which is a failed connection or a 5xx. `admitted_after_us` is the latest time at which the server can have
    admitted the request, counted from the lease's `at_us`. `limited_by` is the limit that a 429 names. `usage` is None
    if unknown. `streams` is True if only the headers of a stream have arrived; `Store.end_stream` later reports the
    usage and whether the stream broke. `waited_us` is how long the request waited for this key since its start or its
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
        """Return the settlement as it must be reported `age_us` later.

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


#: Stores the state of all keys of one pool. `FleetStore` keeps it in Redis and works without Redis during an outage.
type Store = ScriptStore | FleetStore
