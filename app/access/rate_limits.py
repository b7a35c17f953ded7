"""How often callers of the HTTP door may ask: counted in the Redis in use, for all web processes together.

A sliding window counter: two numbers a caller, two scripts a request, and no double burst where two minutes meet, as a
fixed window allows. While Redis is away nobody is counted and all may ask: the log says so once per outage.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from app.clock import Clock
from app.errors.requests import TooManyRequestsError
from app.redis.embedded_valkey import hasty_client
from app.settings import Settings

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60
#: Guessing a token is hopeless at any rate; this keeps the log readable and a broken client from spinning.
FAILURES_PER_MINUTE = 60
#: names of the policies in RateLimit fields
CALLER, STRANGER = "caller", "stranger"
_PREFIX = "propintel:api"
#: a Redis that takes longer than this for one answer would slow every request down
_PATIENCE_SECONDS = 0.25
#: for so long it is not asked again after it did not answer
_PAUSE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller or a stranger (`policy`) may still do: `remaining` of `limit` requests, more in `reset_seconds`."""

    policy: str
    limit: int
    remaining: int
    reset_seconds: int

    @classmethod
    def used_up(cls, error: TooManyRequestsError) -> Allowance:
        """What is left to whom this was said."""
        facts = error.facts
        return cls(facts["policy"], facts["limit"], 0, facts["retry_after_seconds"])


class RateLimits:
    """Counts requests of callers and failures of strangers. Thread-safe.

    Each answer of Redis is waited for a quarter of a second at most. After the first that does not come all may ask,
    and Redis is left alone for five seconds. A call needs two answers, and some more where it opens a connection.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._storage: RedisStorage | None = None
        self._away_until: datetime | None = None

    def count_request(self, caller: str) -> Allowance | None:
        """Count one request of `caller`; None if there is no limit, or Redis away. Raises `TooManyRequestsError`."""
        limit = self._settings.web.api_rate_limit_per_minute
        if not limit:
            return None
        return self._asked(lambda limiter: self._request(limiter, limit, caller))

    def count_failure(self, address: str) -> None:
        """Count one request from `address` that nobody could be recognised by. Raises `TooManyRequestsError`.

        Only such requests are refused: a stranger locks out nobody who shares his address and has a good token.
        """
        if self._settings.web.api_rate_limit_per_minute:
            self._asked(lambda limiter: self._failure(limiter, _network(address)))

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        with self._lock:
            storage, self._storage = self._storage, None
        if storage is not None:
            storage.storage.connection_pool.disconnect()

    def _request(self, limiter: SlidingWindowCounterRateLimiter, limit: int, caller: str) -> Allowance:
        item = RateLimitItemPerMinute(limit)
        allowed = limiter.hit(item, CALLER, caller)
        stats = limiter.get_window_stats(item, CALLER, caller)
        reset_seconds = max(1, math.ceil(stats.reset_time - time.time()))
        if not allowed:
            raise TooManyRequestsError(CALLER, "requests of one caller", limit, reset_seconds)
        return Allowance(CALLER, limit, stats.remaining, reset_seconds)

    def _failure(self, limiter: SlidingWindowCounterRateLimiter, network: str) -> None:
        item = RateLimitItemPerMinute(FAILURES_PER_MINUTE)
        if not limiter.hit(item, "failure", network):
            what = "requests without a valid token from one address"
            raise TooManyRequestsError(STRANGER, what, FAILURES_PER_MINUTE, WINDOW_SECONDS)

    def _asked[T](self, ask: Callable[[SlidingWindowCounterRateLimiter], T]) -> T | None:
        """What Redis says, or None while it is away."""
        if self._away_until is not None and self._clock.now() < self._away_until:
            return None
        try:
            answer = ask(SlidingWindowCounterRateLimiter(self._opened()))
        except (redis.RedisError, OSError, ValueError) as exc:  # ValueError: a URL that is none
            self._note_away(exc)
            return None
        if self._away_until is not None:
            self._note_back()
        return answer

    def _opened(self) -> RedisStorage:
        with self._lock:
            if self._storage is None:
                pool = hasty_client(self._settings, _PATIENCE_SECONDS).connection_pool
                self._storage = RedisStorage("redis://", connection_pool=pool, key_prefix=_PREFIX)
            return self._storage

    def _note_away(self, exc: Exception) -> None:
        with self._lock:
            first, self._away_until = self._away_until is None, self._clock.now() + _PAUSE
            self._storage = None  # the embedded Valkey may come back at another port
        if first:
            # what is wrong with a URL may quote its password
            reason = "REDIS_URL is no URL" if isinstance(exc, ValueError) else exc
            log.warning("Requests are not counted, no rate limit holds: Redis does not answer (%s)", reason)

    def _note_back(self) -> None:
        with self._lock:
            was_away, self._away_until = self._away_until is not None, None
        if was_away:
            log.info("Requests are counted again: Redis is back")


def _network(address: str) -> str:
    """The address, or the /64 of an IPv6 one: that is what one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.ipv4_mapped is not None:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
