"""The numbers of the circuit breaker of a key, whose transitions are in `stores/lua/keys.lua`."""

from __future__ import annotations

from dataclasses import dataclass

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the specification, and ours where it names none (see docs/decisions)."""

    failure_threshold: int = 3
    open_us: int = 300 * SECOND_US
    max_open_us: int = 3600 * SECOND_US
    probe_lease_us: int = 120 * SECOND_US
    dead_probe_us: int = 3600 * SECOND_US
    #: with no key usable at all, dead and out-of-quota keys are tried again this often
    last_resort_us: int = 300 * SECOND_US
    #: an answer to a probe is worth waiting for this long; then others look elsewhere
    fresh_probe_us: int = 2 * SECOND_US
