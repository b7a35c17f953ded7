"""Estimate the Redis server's time, so that not every reading of the clock needs a request."""

import time
from typing import Protocol

#: A reply is ignored if it took longer than three times the shortest round trip plus `_ACCEPTED_US`. The recorded
#: shortest round trip grows by the factor `_GROWTH` per reply, so that it adapts to a slower network.
_ACCEPTED_US, _GROWTH = 1_000, 1.05


def monotonic_us() -> int:
    return time.monotonic_ns() // 1000


class Now(Protocol):
    def now_us(self) -> int: ...


class ServerTime:
    """Estimates the server's time as this machine's monotonic clock plus an offset.

    If `clock` is given (in tests, and for stores in memory), its time is used instead and passed to scripts.
    """

    def __init__(self, clock: Now | None) -> None:
        self._clock = clock
        self._ahead_us: int | None = None
        self._quickest_us = 0.0

    @property
    def known(self) -> bool:
        return self._clock is not None or self._ahead_us is not None

    def given(self) -> str:
        """Return the time to pass to a script, or "" to make the script use the server's time."""
        return "" if self._clock is None else str(self._clock.now_us())

    def synchronize(self, server_us: int, asked_at_us: int) -> None:
        """Update the offset from a reply. `server_us` is the server's time, and `asked_at_us` is when the request was
        sent (monotonic time).

        A reply that took much longer than others is ignored, because its offset would be inexact.
        """
        now = monotonic_us()
        took = now - asked_at_us
        if self._ahead_us is not None and took > 3 * self._quickest_us + _ACCEPTED_US:
            self._quickest_us *= _GROWTH
            return
        self._quickest_us = min(took, self._quickest_us * _GROWTH) if self._ahead_us is not None else took
        self._ahead_us = server_us - (asked_at_us + now) // 2

    def now_us(self) -> int:
        """Return the server's time, accurate to half a round trip, or this machine's time before the first reply."""
        if self._clock is not None:
            return self._clock.now_us()
        if self._ahead_us is None:
            return time.time_ns() // 1000
        return monotonic_us() + self._ahead_us
