"""Compute the time of the fleet store's clock without asking the server each time."""

from __future__ import annotations

import time
from typing import Protocol

#: A reply within this time is always used. The quickest time so far grows by this factor with every reply.
_ACCEPTED_US, _GROWTH = 1_000, 1.05


def monotonic_us() -> int:
    """Return this machine's monotonic clock in microseconds."""
    return time.monotonic_ns() // 1000


class Now(Protocol):
    """The part of a clock that stores need."""

    def now_us(self) -> int: ...


class ServerTime:
    """The server's clock between two replies: this machine's monotonic clock plus an offset.

    With `clock` (in tests, and without a server), that clock is used, and scripts get its time.
    """

    def __init__(self, clock: Now | None) -> None:
        self._clock = clock
        self._ahead_us: int | None = None
        self._quickest_us = 0.0

    @property
    def known(self) -> bool:
        return self._clock is not None or self._ahead_us is not None

    def given(self) -> str:
        """Return the time to pass to a script; "" makes it use the server's time."""
        return "" if self._clock is None else str(self._clock.now_us())

    def synchronize(self, server_us: int, asked_at_us: int) -> None:
        """Set the offset from a reply: `server_us` was the time halfway between `asked_at_us` (monotonic) and now.

        A reply that took much longer than others is ignored, because it is inexact.
        """
        now = monotonic_us()
        took = now - asked_at_us
        if self._ahead_us is not None and took > 3 * self._quickest_us + _ACCEPTED_US:
            self._quickest_us *= _GROWTH
            return
        self._quickest_us = min(took, self._quickest_us * _GROWTH) if self._ahead_us is not None else took
        self._ahead_us = server_us - (asked_at_us + now) // 2

    def now_us(self) -> int:
        """Return the server's time, exact to half a round trip, or this machine's time before the first reply."""
        if self._clock is not None:
            return self._clock.now_us()
        if self._ahead_us is None:  # the server has never answered
            return time.time_ns() // 1000
        return monotonic_us() + self._ahead_us
