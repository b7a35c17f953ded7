"""The parameters of a key's circuit breaker. Its transitions are in `stores/lua/keys.lua`."""

from __future__ import annotations

from dataclasses import dataclass

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds and times of the specification, or our own where the specification names none (see docs/decisions)."""

    failure_threshold: int = 3
    open_us: int = 300 * SECOND_US
    max_open_us: int = 3600 * SECOND_US
    probe_lease_us: int = 120 * SECOND_US
    dead_probe_us: int = 3600 * SECOND_US
    #: if no key is usable, dead and out-of-quota keys are tried again at this interval
    last_resort_us: int = 300 * SECOND_US
    #: how long other requests wait for the result of a probe before they use another key
    fresh_probe_us: int = 2 * SECOND_US
