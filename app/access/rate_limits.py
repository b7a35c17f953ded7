"""Rate limits of the HTTP API. Requests to all web processes are counted together, in Redis.

The limits use sliding windows, because a fixed window would let a caller send twice the limit around its end. While
Redis is unavailable, requests are neither counted nor limited, and each outage is logged once.
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
from app.redis.embedded_valkey import client_with_timeout
from app.settings import Settings

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60
#: Maximum number of requests without a valid token per IP address and minute. The limit stops faulty clients.
FAILURES_PER_MINUTE = 60
#: Policy names in RateLimit headers: callers with a valid token, and requests without one.
CALLER, STRANGER = "caller", "stranger"
_PREFIX = "propintel:api"
#: The timeout of each Redis reply. It is short, because a slow Redis would delay every request.
_TIMEOUT_SECONDS = 0.25
#: How long to skip Redis after a failure.
_PAUSE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Allowance:
    """The state of the rate limit `policy`: `remaining` of `limit` requests are left until the window ends."""

    policy: str
    limit: int
    remaining: int
    reset_seconds: int

    @classmethod
    def used_up(cls, error: TooManyRequestsError) -> Allowance:
        facts = error.facts
        return cls(facts["policy"], facts["limit"], 0, facts["retry_after_seconds"])


class RateLimits:
    """Counts requests per caller. Requests without a valid token are counted per IP address (IPv6: per /64 network).

    Thread-safe. After a Redis failure, no requests are counted for five seconds.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._storage: RedisStorage | None = None
        self._away_until: datetime | None = None

    def count_request(self, caller: str) -> Allowance | None:
        """Count a request of `caller`. Return None if no limit is set or Redis fails.

        Raises `TooManyRequestsError` if the caller exceeds the limit.
        """
        limit = self._settings.web.api_rate_limit_per_minute
        if not limit:
            return None
        return self._asked(lambda limiter: self._request(limiter, limit, caller))

    def count_failure(self, address: str) -> None:
        """Count one request from `address` that has no valid token.

        Raises `TooManyRequestsError` if the address exceeds the limit.
        """
        if self._settings.web.api_rate_limit_per_minute:
            self._asked(lambda limiter: self._failure(limiter, _network(address)))

    def close(self) -> None:
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
        if self._away_until is not None and self._clock.now() < self._away_until:
            return None
        try:
            answer = ask(SlidingWindowCounterRateLimiter(self._opened()))
        except (redis.RedisError, OSError, ValueError) as exc:  # ValueError: REDIS_URL is invalid
            self._note_away(exc)
            return None
        if self._away_until is not None:
            self._note_back()
        return answer

    def _opened(self) -> RedisStorage:
        with self._lock:
            if self._storage is None:
                pool = client_with_timeout(self._settings, _TIMEOUT_SECONDS).connection_pool
                self._storage = RedisStorage("redis://", connection_pool=pool, key_prefix=_PREFIX)
            return self._storage

    def _note_away(self, exc: Exception) -> None:
        with self._lock:
            first, self._away_until = self._away_until is None, self._clock.now() + _PAUSE
            self._storage = None  # reconnect, because the embedded Valkey may have another port after a restart
        if first:
            # the message of a ValueError may quote the URL with its password
            reason = "REDIS_URL is not a URL" if isinstance(exc, ValueError) else exc
            log.warning("Requests are neither counted nor limited, because Redis does not answer (%s)", reason)

    def _note_back(self) -> None:
        with self._lock:
            was_away, self._away_until = self._away_until is not None, None
        if was_away:
            log.info("Requests are counted again: Redis is back")


def _network(address: str) -> str:
    """Return an IPv4 address unchanged. Return an IPv6 address's /64 network, which usually belongs to one customer."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.ipv4_mapped is not None:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
