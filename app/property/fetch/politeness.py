"""The pace at each host: a least gap between requests and a number of requests under way.

A `PaceStore` says whether a request may start now and notes that it did, in one atomic step; `Politeness` waits for it.
The fleet shares one pace through Redis; a process without Redis keeps its own.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import redis.exceptions

from app.clock import Clock
from app.errors import BrokerUnavailableError, HostBusyError
from app.property.fetch.guard import Destination

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger(__name__)

#: how soon to ask again when all places at a host are taken, or Redis does not answer
_POLL_SECONDS = 0.1
_REDIS_RETRY_SECONDS = 1.0
#: hosts remembered in a process without Redis before idle ones are forgotten
_MAX_LOCAL_HOSTS = 10_000


class PaceStore(Protocol):
    """Holds when each host may next be asked and which requests are under way there."""

    def enter(self, host: str, token: str, gap_seconds: float) -> float:
        """Start the request `token` if it may start now: 0, and it is noted, atomically.

        Otherwise the seconds after which to ask again, and nothing is changed. `gap_seconds` is what the next request
        to this host will have to keep from this one.
        """
        ...

    def leave(self, host: str, token: str) -> None:
        """The request `token` is over. Without this its place is freed after the lease."""
        ...


@dataclass(slots=True)
class _Host:
    next_us: int = 0
    under_way: dict[str, int] = field(default_factory=dict)


class LocalPace:
    """The pace of this process, for all its threads."""

    def __init__(self, clock: Clock, *, concurrency: int, lease_seconds: float) -> None:
        self._clock = clock
        self._concurrency = concurrency
        self._lease_us = round(lease_seconds * 1_000_000)
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    def enter(self, host: str, token: str, gap_seconds: float) -> float:
        with self._lock:
            now = self._clock.now_us()
            if len(self._hosts) > _MAX_LOCAL_HOSTS:
                self._hosts = {name: state for name, state in self._hosts.items() if self._in_use(state, now)}
            state = self._hosts.setdefault(host, _Host())
            state.under_way = {name: end for name, end in state.under_way.items() if end > now}
            if len(state.under_way) >= self._concurrency:
                return _POLL_SECONDS
            if state.next_us > now:
                return (state.next_us - now) / 1_000_000
            state.next_us = now + round(gap_seconds * 1_000_000)
            state.under_way[token] = now + self._lease_us
            return 0.0

    def leave(self, host: str, token: str) -> None:
        with self._lock:
            if host in self._hosts:
                self._hosts[host].under_way.pop(token, None)

    @staticmethod
    def _in_use(state: _Host, now: int) -> bool:
        return state.next_us > now or bool(state.under_way)


#: KEYS: 1 string, the time from which the host may be asked (µs); 2 sorted set, tokens under way by end of lease (µs)
#: ARGV: token, gap (µs), concurrency, lease (µs), poll (µs)
#: Reply: integer, µs to wait; 0: entered. Redis's own clock rules. Both keys expire by themselves.
_ENTER = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[3]) then return tonumber(ARGV[5]) end
local free_at = tonumber(redis.call('GET', KEYS[1]) or '0')
if free_at > now then return free_at - now end
local gap, lease = tonumber(ARGV[2]), tonumber(ARGV[4])
if gap > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', now + gap), 'PX', math.ceil(gap / 1000))
end
redis.call('ZADD', KEYS[2], string.format('%.0f', now + lease), ARGV[1])
redis.call('PEXPIRE', KEYS[2], math.ceil(lease / 1000))
return 0
"""


class RedisPace:
    """The pace of the whole fleet, one script per question."""

    def __init__(self, client: Redis, *, concurrency: int, lease_seconds: float) -> None:
        self._enter = client.register_script(_ENTER)
        self._client = client
        self._concurrency = concurrency
        self._lease_us = round(lease_seconds * 1_000_000)

    @staticmethod
    def _keys(host: str) -> tuple[str, str]:
        return f"propintel:pace:{{{host}}}:next", f"propintel:pace:{{{host}}}:under_way"

    def enter(self, host: str, token: str, gap_seconds: float) -> float:
        gap_us = round(gap_seconds * 1_000_000)
        poll_us = round(_POLL_SECONDS * 1_000_000)
        reply = self._enter(keys=self._keys(host), args=[token, gap_us, self._concurrency, self._lease_us, poll_us])
        return int(str(reply)) / 1_000_000

    def leave(self, host: str, token: str) -> None:
        self._client.zrem(self._keys(host)[1], token)


class Politeness:
    """Lets requests through at the pace that each host is owed."""

    def __init__(
        self, store: PaceStore, clock: Clock, *, min_gap_seconds: float, max_wait_seconds: float = 60.0
    ) -> None:
        self._store = store
        self._clock = clock
        self._min_gap_seconds = min_gap_seconds
        self._max_wait_seconds = max_wait_seconds

    @contextmanager
    def turn(self, destination: Destination, gap_seconds: float = 0.0) -> Iterator[None]:
        """Hold a turn at the destination's host; the next one comes `gap_seconds` (or the least gap) after its start.

        Networks that the operator opened are not paced. Raises `HostBusyError` where the wait would be too long for a
        worker, `BrokerUnavailableError` where Redis stays away that long.
        """
        if destination.inside:
            yield
            return
        token = uuid.uuid4().hex
        self._wait(destination, token, max(gap_seconds, self._min_gap_seconds))
        try:
            yield
        finally:
            self._leave(destination.host, token)

    def _wait(self, destination: Destination, token: str, gap_seconds: float) -> None:
        waited = 0.0
        while True:
            seconds, outage = self._ask(destination.host, token, gap_seconds)
            if seconds <= 0:
                return
            if waited + seconds > self._max_wait_seconds:
                if outage is not None:
                    raise BrokerUnavailableError("REDIS_URL", str(outage)) from outage
                raise HostBusyError(destination.url, seconds)
            self._clock.sleep(seconds)
            waited += seconds

    def _ask(self, host: str, token: str, gap_seconds: float) -> tuple[float, redis.exceptions.RedisError | None]:
        try:
            return self._store.enter(host, token, gap_seconds), None
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as exc:
            return _REDIS_RETRY_SECONDS, exc

    def _leave(self, host: str, token: str) -> None:
        try:
            self._store.leave(host, token)
        except redis.exceptions.RedisError as exc:
            logger.warning("The turn at %s stays taken until its lease ends: %s", host, exc)
