"""The clock of the fleet's store, as a process that is asked for it can tell it without asking."""

from __future__ import annotations

import time
from typing import Protocol

#: Replies within this are always good enough to tell the time, and the quickest counts less with every one.
_USUAL_US, _PATIENCE = 1_000, 1.05


def monotonic_us() -> int:
    """This machine's monotonic clock in microseconds."""
    return time.monotonic_ns() // 1000


class Now(Protocol):
    """A clock, as far as stores need one."""

    def now_us(self) -> int:
        """Microseconds since the epoch."""
        ...


class ServerTime:
    """The server's clock, as this process can tell it between two replies: its own monotonic clock plus a difference.

    With `clock` (tests, and a process without a server) that clock rules, and scripts get its time.
    """

    def __init__(self, clock: Now | None) -> None:
        self._clock = clock
        self._ahead_us: int | None = None
        self._quickest_us = 0.0

    @property
    def known(self) -> bool:
        """False until the server has answered once."""
        return self._clock is not None or self._ahead_us is not None

    def given(self) -> str:
        """The time to pass to a script; "" lets it ask the server."""
        return "" if self._clock is None else str(self._clock.now_us())

    def saw(self, server_us: int, asked_at_us: int) -> None:
        """A reply to a question asked at `asked_at_us` of our monotonic clock: the server's time was half way.

        A reply that took much longer than others says little of that, and is ignored.
        """
        now = monotonic_us()
        took = now - asked_at_us
        if self._ahead_us is not None and took > 3 * self._quickest_us + _USUAL_US:
            self._quickest_us *= _PATIENCE
            return
        self._quickest_us = min(took, self._quickest_us * _PATIENCE) if self._ahead_us is not None else took
        self._ahead_us = server_us - (asked_at_us + now) // 2

    def now_us(self) -> int:
        """The server's time, to within half a round trip."""
        if self._clock is not None:
            return self._clock.now_us()
        if self._ahead_us is None:  # it has never answered: our own wall clock, for want of a better one
            return time.time_ns() // 1000
        return monotonic_us() + self._ahead_us
