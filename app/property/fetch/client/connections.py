"""Reuse connections. Each origin has its own connection pool, per set of checked addresses.

So a request never uses a connection to an address that its own check did not allow.

One pool for all origins would be slow, because a pool checks each of its connections on every request.
"""

from __future__ import annotations

import ssl
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore2

from app.clock import Clock
from app.property.fetch.client.network import GuardedBackend
from app.property.fetch.guard.check import Destination
from app.property.fetch.guard.ranges import IPAddress

type _Place = tuple[str, frozenset[IPAddress]]

_KEPT_SECONDS = 5.0
_MOST_PER_ORIGIN = 100
_MOST_IDLE_PER_ORIGIN = 20


class Connections:
    """Connection pools by origin and addresses. Thread-safe.

    Each request closes idle pools last used at least five seconds ago.
    """

    def __init__(self, ssl_context: ssl.SSLContext, clock: Clock) -> None:
        self._ssl_context = ssl_context
        self._clock = clock
        self._pools: OrderedDict[_Place, _Pool] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.connections.close()

    @contextmanager
    def to(self, destination: Destination) -> Iterator[httpcore2.ConnectionPool]:
        now, place = self._clock.now_us(), (destination.origin, frozenset(destination.addresses))
        with self._lock:
            pool = self._pools.pop(place, None) or _Pool(self._new())
            pool.users += 1
            pool.used_us = now
            self._pools[place] = pool
            left = self._take_left(now)
        for old in left:
            old.connections.close()
        try:
            yield pool.connections
        finally:
            with self._lock:
                pool.users -= 1

    def _take_left(self, now: int) -> list[_Pool]:
        left: list[_Place] = []
        for place, pool in self._pools.items():
            if now - pool.used_us < _KEPT_SECONDS * 1_000_000:
                break
            if not pool.users:
                left.append(place)
        return [self._pools.pop(place) for place in left]

    def _new(self) -> httpcore2.ConnectionPool:
        return httpcore2.ConnectionPool(
            ssl_context=self._ssl_context,
            max_connections=_MOST_PER_ORIGIN,
            max_keepalive_connections=_MOST_IDLE_PER_ORIGIN,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=GuardedBackend(),
        )


class _Pool:
    def __init__(self, connections: httpcore2.ConnectionPool) -> None:
        self.connections = connections
        self.users = 0
        self.used_us = 0
