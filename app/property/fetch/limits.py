"""What one page may cost: time, bytes and redirects. Exceeding a limit is an error that names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.clock import Clock


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one page. `total_seconds` counts everything but waiting for a polite moment."""

    redirects: int = 10
    total_seconds: float = 60.0
    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    #: all that is received for one answer, headers included, before decompression
    wire_bytes: int = 10_000_000
    #: the body after decompression
    body_bytes: int = 10_000_000
    #: to receive and unpack a body: 10 MB take 0.2 s, a million frames that hold nothing many seconds
    unpacking_cpu_seconds: float = 1.0
    #: status line and header fields, interim answers (1xx) included
    header_bytes: int = 65_536


class TimeBudget:
    """Seconds that may be spent, in pieces: it runs only inside `running()`."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._left_us = round(seconds * 1_000_000)

    @contextmanager
    def running(self) -> Iterator[int]:
        """Spend from the budget; yields the deadline in microseconds since the epoch."""
        started_us = self._clock.now_us()
        try:
            yield started_us + self._left_us
        finally:
            self._left_us -= self._clock.now_us() - started_us
