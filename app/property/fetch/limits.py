"""Limits for fetching one page: time, bytes, and redirects. Exceeding a limit raises an error."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.clock import Clock


@dataclass(frozen=True, slots=True)
class Limits:
    """`total_seconds` excludes the wait for the site's rate limit."""

    redirects: int = 10
    total_seconds: float = 60.0
    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    #: Maximum number of bytes received for one response, including headers and before decompression.
    wire_bytes: int = 10_000_000
    #: Maximum number of bytes of a body after decompression.
    body_bytes: int = 10_000_000
    #: Maximum CPU time for receiving and decompressing a body. A normal 10 MB body takes 0.2 s, but a malicious one
    #: with a million empty frames takes many seconds.
    unpacking_cpu_seconds: float = 1.0
    #: Maximum number of bytes of the status line and header fields, including interim responses (1xx).
    header_bytes: int = 65_536


class TimeBudget:
    """The time left to fetch a page. It decreases only inside `with` blocks of `running`."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._left_us = round(seconds * 1_000_000)

    @contextmanager
    def running(self) -> Iterator[int]:
        """Yield the deadline in microseconds since the epoch, and then reduce the time left by the block's duration."""
        started_us = self._clock.now_us()
        try:
            yield started_us + self._left_us
        finally:
            self._left_us -= self._clock.now_us() - started_us
