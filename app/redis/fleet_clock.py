"""One time for the whole fleet: that of its Redis.

Leases and due times are written by one machine and judged by another. A machine whose clock is an hour ahead would take
every job from the others; so nobody's own clock is believed, only how much time has passed on it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import redis

from app.clock import Clock, SystemClock
from app.settings import Settings

log = logging.getLogger(__name__)

#: how far two quartz clocks drift apart meanwhile (100 ppm): 6 ms
_SYNC_SECONDS = 60.0
#: between two questions to a Redis that does not answer, and the longest wait for its answer
_RETRY_SECONDS = 5.0
_FIRST_RETRY_SECONDS = 0.5
_TIMEOUT_SECONDS = 1.0
_NOTABLE_SECONDS = 5.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FleetClock:
    """`Clock` by the time that `ask` tells, in microseconds since the Unix epoch, asked once a minute. Thread-safe.

    Between two answers a monotonic clock goes on. Everybody waits for the first answer; while there is none it is the
    machine's own time. `ask` raises `redis.RedisError` or `OSError` when it has none.
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
                if self._monotonic() >= self._ask_at:  # nobody else did meanwhile
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
            told_us = self._ask()
        except (redis.RedisError, OSError):
            self._ask_at = self._monotonic() + (_FIRST_RETRY_SECONDS if self._base_at is None else _RETRY_SECONDS)
            return
        answered_at = self._monotonic()
        first = self._base_at is None
        with self._lock:
            # the answer is from between the two moments; the middle errs by half the round trip at most
            self._base_us, self._base_at = told_us, (asked_at + answered_at) / 2
            self._ask_at = answered_at + _SYNC_SECONDS
        ahead = (self._local.now_us() - told_us) / 1_000_000
        if first and abs(ahead) > _NOTABLE_SECONDS:
            where = "ahead of" if ahead > 0 else "behind"
            log.warning("This machine's clock is %.0f s %s the fleet's (Redis), which is used", abs(ahead), where)


def make_clock(settings: Settings) -> Clock:
    """The time of the Redis that REDIS_URL names; the machine's own where the Redis is the machine's own too.

    Connects to nothing before it is asked. A Redis that is away costs a second at each try.
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
