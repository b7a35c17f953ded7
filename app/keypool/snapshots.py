"""One key as it is shown, and what an operator may ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.keypool.spending import NOTHING, Spent

#: The one word for a key. "half_open": the time of its probe has come; "dead": the provider refused it (401).
State = Literal["closed", "open", "half_open", "dead", "no_quota", "cooling", "disabled", "draining"]
#: What an operator may ask of one key.
Action = Literal["disable", "enable", "probe"]


@dataclass(frozen=True, slots=True)
class Acted:
    """What an operator's action came to, and the key's state after it.

    `done`: it changed the key; `nothing`: there was nothing to change; `under_way`: the probe that was asked for is
    out already.
    """

    effect: Literal["done", "nothing", "under_way"]
    state: State


@dataclass(frozen=True, slots=True)
class KeySnapshot:
    """One key's figures. `requests` counts leases sent; every one ends as a success or a failure, or was abandoned.

    A key that was taken out of the configuration is "draining": it gets no new lease here, its requests finish. One
    that an operator took out is "disabled", whatever its health.
    `spent_today` is by the UTC day. `rests_us` is for how long it still rests after a 429. `probe_in_us` is the time
    until a request tests it: 0 unless its circuit is open or it was refused.
    """

    key_id: str
    state: State
    rate_limited: bool
    requests: int
    successes: int
    failures: int
    rate_limits: int
    in_flight: int
    last_used_us: int | None
    spent_today: Spent = NOTHING
    mask: str = ""
    rests_us: int = 0
    probe_in_us: int = 0

    @property
    def circuit_open(self) -> bool:
        """True for every key out of rotation that is not merely resting after a 429."""
        return self.state in {"open", "dead", "no_quota", "disabled"}

    @property
    def is_healthy(self) -> bool:
        """It takes requests now, as far as it is configured; one that rests after a 429 does not."""
        return not (self.circuit_open or self.rate_limited)
