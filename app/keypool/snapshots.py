"""The state and counts of one key, and the actions that operators can apply to keys."""

from dataclasses import dataclass
from typing import Literal

from app.keypool.spending import NOTHING, Spent

#: The state of a key. "half_open" means that its circuit is open and a probe is due, "dead" that the provider rejected
#: the key (401), and "cooling" that it is in a cooldown after a 429.
State = Literal["closed", "open", "half_open", "dead", "no_quota", "cooling", "disabled", "draining"]
Action = Literal["disable", "enable", "probe"]


@dataclass(frozen=True, slots=True)
class ActionResult:
    """The effect of an operator's action, and the key's state afterwards. "under_way" means a running probe."""

    effect: Literal["done", "nothing", "under_way"]
    state: State


@dataclass(frozen=True, slots=True)
class KeySnapshot:
    """The state and counts of one key. `requests` counts the attempts sent with the key.

    A key removed from the configuration is "draining": this process gives it no new requests, and running ones finish.
    A configured key that an operator disabled is "disabled", even if its circuit is open. `spent_today` covers the UTC
    day. `rests_us` is the time left of the cooldown after a 429. `probe_in_us` is the time until a request may probe
    the key, or 0 if the circuit is closed and the key is not dead.
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
        return self.state in {"open", "dead", "no_quota", "disabled"}

    @property
    def is_healthy(self) -> bool:
        return not (self.circuit_open or self.rate_limited)
