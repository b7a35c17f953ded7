"""The clock that all machines share: that of the Redis server.

One machine writes the end of a lease, and another machine compares it with the current time. If machines used their own
clocks, a machine whose clock is an hour ahead would take over every leased job. A machine's own clock only measures the
time since Redis's last reply.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import redis

from app.clock import Clock, SystemClock
from app.settings import Settings

log = logging.getLogger(__name__)

#: Interval between requests for the server's time. Within a minute, two quartz clocks drift apart by about 6 ms (100
#: ppm).
_SYNC_SECONDS = 60.0
_RETRY_SECONDS = 5.0
_FIRST_RETRY_SECONDS = 0.5
_TIMEOUT_SECONDS = 1.0
_NOTABLE_SECONDS = 5.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FleetClock:
    """A `Clock` with the time of a server, which it asks about once a minute. Thread-safe.

    `ask` returns the server's time in microseconds since the Unix epoch, or raises `redis.RedisError` or `OSError`.
    Until the first reply, the clock shows this machine's time.
    """

    def __init__(
        self, ask: Callable[[], int], local: Clock | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._local = local or SystemClock()
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._base_us = 0
        self._base_at: float | None = None
        self._ask_at = monotonic()

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.now_us())

    def now_us(self) -> int:
        if self._monotonic() >= self._ask_at and self._asking.acquire(blocking=self._base_at is None):
            try:
                if self._monotonic() >= self._ask_at:
                    self._sync()
            finally:
                self._asking.release()
        with self._lock:
            if self._base_at is None:
                return self._local.now_us()
            return self._base_us + round((self._monotonic() - self._base_at) * 1_000_000)

    def sleep(self, seconds: float) -> None:
        self._local.sleep(seconds)

    def _sync(self) -> None:
        asked_at = self._monotonic()
        try:
            server_us = self._ask()
        except (redis.RedisError, OSError):
            self._ask_at = self._monotonic() + (_FIRST_RETRY_SECONDS if self._base_at is None else _RETRY_SECONDS)
            return
        answered_at = self._monotonic()
        first = self._base_at is None
        with self._lock:
            # Assume that the server read its clock halfway between request and reply. The error is at most half a round
            # trip.
            self._base_us, self._base_at = server_us, (asked_at + answered_at) / 2
            self._ask_at = answered_at + _SYNC_SECONDS
        ahead = (self._local.now_us() - server_us) / 1_000_000
        if first and abs(ahead) > _NOTABLE_SECONDS:
            where = "ahead of" if ahead > 0 else "behind"
            log.warning("This machine's clock is %.0f s %s the fleet's (Redis), which is used", abs(ahead), where)


def make_clock(settings: Settings) -> Clock:
    """Return the clock of the Redis server at REDIS_URL. If the embedded Valkey is used, return this machine's clock.

    The clock connects at first use. While Redis is unavailable, a call may take a second or two, because it tries to
    connect.
    """
    if settings.state.redis_url is None:
        return SystemClock()
    url = settings.state.redis_url.get_secret_value()

    def ask() -> int:
        with redis.Redis.from_url(
            url, socket_connect_timeout=_TIMEOUT_SECONDS, socket_timeout=_TIMEOUT_SECONDS
        ) as connection:
            seconds, microseconds = connection.time()
        return int(seconds) * 1_000_000 + int(microseconds)

    return FleetClock(ask)
