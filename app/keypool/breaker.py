"""The parameters of a key's circuit breaker. `stores/lua/keys.lua` implements its transitions."""

from dataclasses import dataclass

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds and durations of the circuit breaker. docs/decisions explains those that the specification does not
    define.
    """

    failure_threshold: int = 3
    open_us: int = 300 * SECOND_US
    max_open_us: int = 3600 * SECOND_US
    probe_lease_us: int = 120 * SECOND_US
    dead_probe_us: int = 3600 * SECOND_US
    #: If no key is usable, dead and out-of-quota keys are tried again at this interval.
    last_resort_us: int = 300 * SECOND_US
    #: A request may wait for the result of a probe that began less than this ago, although another key has capacity
    #: later.
    fresh_probe_us: int = 2 * SECOND_US
