"""The parameters of a key's circuit breaker. Its transitions are in `stores/lua/keys.lua`."""

from __future__ import annotations

from dataclasses import dataclass

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds and times of a circuit breaker.

    Values that the specification lacks are explained in docs/decisions.
    """

    failure_threshold: int = 3
    open_us: int = 300 * SECOND_US
    max_open_us: int = 3600 * SECOND_US
    probe_lease_us: int = 120 * SECOND_US
    dead_probe_us: int = 3600 * SECOND_US
    #: If no key is usable, dead and out-of-quota keys are tried again at this interval.
    last_resort_us: int = 300 * SECOND_US
    #: After a probe is sent, other requests wait up to this time for its result before they reserve another key.
    fresh_probe_us: int = 2 * SECOND_US
