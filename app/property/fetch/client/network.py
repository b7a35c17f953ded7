"""Connect to sites at checked addresses only, and limit the time and bytes of every read.

This is the HTTP library's network backend, so no request bypasses it. The limits also apply to response headers,
interim responses (1xx), and TLS handshakes.
"""

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
    """One request in progress. `on_send` is called just before its first byte is sent."""

    destination: Destination
    limits: Limits
    clock: Clock
    deadline_us: int
    on_send: Callable[[], None] | None = None
    received_bytes: int = 0
    headers_complete: bool = False

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Apply this request's limits to all reads and writes of this thread inside the `with` block."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    def seconds_left(self) -> float:
        """Return the seconds until the deadline. Raises `FetchTimeoutError` if the deadline has passed."""
        left_us = self.deadline_us - self.clock.now_us()
        if left_us <= 0:
            raise FetchTimeoutError(self.destination.url, f"it was not complete after {self.limits.total_seconds:g} s")
        return left_us / 1_000_000

    def room(self, wanted_bytes: int) -> int:
        """Return how many bytes may be read next. Raises `PageTooLargeError` if the headers reach their limit."""
        if self.headers_complete:
            return wanted_bytes
        left = self.limits.header_bytes - self.received_bytes
        if left <= 0:
            raise PageTooLargeError(self.destination.url, self.limits.header_bytes, "in its headers")
        return min(wanted_bytes, left)

    def count(self, received: int) -> None:
        self.received_bytes += received
        if self.received_bytes > self.limits.wire_bytes:
            raise PageTooLargeError(self.destination.url, self.limits.wire_bytes, "on the wire")


_CURRENT: ContextVar[Request] = ContextVar("request_under_way")


class GuardedBackend(httpcore2.NetworkBackend):
    """Connects to the current request's checked addresses, in order, even if the host name now resolves differently."""

    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 (the current request sets the timeout)
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
    """A connection that applies the current request's limits. Later requests may reuse the connection with their own
    limits.
    """

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        request = _CURRENT.get()
        room = request.room(max_bytes)
        seconds = min(request.limits.read_seconds, request.seconds_left())
        try:
            data = self._inner.read(room, seconds)
        except httpcore2.ReadTimeout as exc:
            request.seconds_left()  # raises another error if the request's total time is over
            raise FetchTimeoutError(request.destination.url, f"nothing came for {seconds:.3g} s") from exc
        request.count(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        request = _CURRENT.get()
        if request.on_send is not None:
            request.on_send()
            request.on_send = None
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
