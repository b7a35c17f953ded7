"""The only way to a socket: connects to checked addresses alone and applies time and byte limits to every read.

It sits under the HTTP library as its network backend, where nothing can be skipped: a server that sends one byte of a
header every second, endless interim answers or a slow TLS handshake meets the same limits as a long body.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore2

from app.clock import Clock
from app.errors.fetching import BlockedAddressError, FetchTimeoutError, PageTooLargeError
from app.property.fetch.guard.check import Destination
from app.property.fetch.limits import Limits


@dataclass(slots=True)
class Request:
    """One request under way: where it may go, until when, and what it has received.

    `goes_out` is called when its first byte is about to be sent.
    """

    destination: Destination
    limits: Limits
    clock: Clock
    deadline_us: int
    goes_out: Callable[[], None] | None = None
    received_bytes: int = 0
    headers_complete: bool = False

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Make this the request that the sockets used by this thread work for."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    def seconds_left(self) -> float:
        """Seconds to the deadline, more than zero. Raises `FetchTimeoutError` after it."""
        left_us = self.deadline_us - self.clock.now_us()
        if left_us <= 0:
            raise FetchTimeoutError(self.destination.url, f"it was not complete after {self.limits.total_seconds:g} s")
        return left_us / 1_000_000

    def room(self, wanted_bytes: int) -> int:
        """How much may be read at once: while headers are read never more than headers may have."""
        if self.headers_complete:
            return wanted_bytes
        left = self.limits.header_bytes - self.received_bytes
        if left <= 0:
            raise PageTooLargeError(self.destination.url, self.limits.header_bytes, "in its headers")
        return min(wanted_bytes, left)

    def count(self, received: int) -> None:
        """Add what came in. Raises `PageTooLargeError` past the limit."""
        self.received_bytes += received
        if self.received_bytes > self.limits.wire_bytes:
            raise PageTooLargeError(self.destination.url, self.limits.wire_bytes, "on the wire")


_CURRENT: ContextVar[Request] = ContextVar("request_under_way")


class GuardedBackend(httpcore2.NetworkBackend):
    """Connects to the addresses of the request under way, in their order, whatever the name would resolve to now."""

    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 (the request under way knows better)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        request = _CURRENT.get()
        destination = request.destination
        if (host, port) != (destination.host, destination.port):
            raise BlockedAddressError(destination.url, f"{host}:{port}, which was not checked")
        failure: Exception = httpcore2.ConnectError("no address")
        for address in destination.addresses:
            seconds = min(request.limits.connect_seconds, request.seconds_left())
            try:
                return GuardedStream(
                    self._inner.connect_tcp(str(address), port, seconds, local_address, socket_options)
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as exc:
                failure = exc
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        raise BlockedAddressError(_CURRENT.get().destination.url, f"the socket {path}")


class GuardedStream(httpcore2.NetworkStream):
    """A connection whose reads and writes are limited by the request under way; it may serve several in turn."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        request = _CURRENT.get()
        room = request.room(max_bytes)
        seconds = min(request.limits.read_seconds, request.seconds_left())
        try:
            data = self._inner.read(room, seconds)
        except httpcore2.ReadTimeout as exc:
            request.seconds_left()  # where the deadline is what passed, this names it
            raise FetchTimeoutError(request.destination.url, f"nothing came for {seconds:.3g} s") from exc
        request.count(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        request = _CURRENT.get()
        if request.goes_out is not None:
            request.goes_out()
            request.goes_out = None
        self._inner.write(buffer, min(request.limits.read_seconds, request.seconds_left()))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        request = _CURRENT.get()
        seconds = min(request.limits.connect_seconds, request.seconds_left())
        return GuardedStream(self._inner.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
