"""Limit the time and the bytes of HTTP exchanges at the network.

A `BoundedStream` is below the HTTP library, so the limits also apply to TLS handshakes, response headers, and interim
responses (1xx), whatever the library does with them. Callers define an `Exchange` with their limits and errors.
"""

import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore2


class Exchange(ABC):
    """A request in progress, and what its response may still take."""

    #: Maximum number of bytes of the status line and header fields, including interim responses (1xx).
    header_bytes = 65_536

    def __init__(self, wire_bytes: int) -> None:
        self.wire_bytes = wire_bytes
        self.received_bytes = 0
        self.headers_complete = False

    @abstractmethod
    def seconds_left(self) -> float:
        """Return the seconds until the deadline. Raise an error if it has passed."""

    @abstractmethod
    def too_large(self, limit_bytes: int, where: str) -> Exception: ...

    def silent(self, seconds: float, exc: httpcore2.TimeoutException) -> Exception:
        """Return the error for a connection on which nothing came for `seconds`."""
        del seconds
        return exc

    def begin_write(self) -> None:  # noqa: B027 (most exchanges do nothing)
        """React to the first byte that is sent, and to each later write."""

    def count(self, received: int) -> None:
        self.received_bytes += received
        if self.received_bytes > self.wire_bytes:
            raise self.too_large(self.wire_bytes, "on the wire")

    def room(self, wanted_bytes: int) -> int:
        """Return how many bytes may be read next. Raise an error if the headers reach their limit."""
        if self.headers_complete:
            return wanted_bytes
        left = self.header_bytes - self.received_bytes
        if left <= 0:
            raise self.too_large(self.header_bytes, "in its headers")
        return min(wanted_bytes, left)

    def seconds(self, timeout: float | None) -> float:
        left = self.seconds_left()
        return left if timeout is None else min(timeout, left)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Apply the limits to connections on which the code in the `with` block sends a request.

        They apply until the next request is sent on the same connection, so the response may be read elsewhere.
        """
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)


_CURRENT: ContextVar[Exchange] = ContextVar("exchange_under_way")


def current_exchange() -> Exchange:
    return _CURRENT.get()


class BoundedStream(httpcore2.NetworkStream):
    """A connection that applies the limits of the `Exchange` whose request was sent last. It must not use HTTP/2."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner
        self._exchange = current_exchange()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        exchange = self._exchange
        room, seconds = exchange.room(max_bytes), exchange.seconds(timeout)
        try:
            data = self._inner.read(room, seconds)
        except httpcore2.ReadTimeout as exc:
            exchange.seconds_left()  # raises another error if the whole time is over
            raise exchange.silent(seconds, exc) from exc
        exchange.count(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._exchange = exchange = current_exchange()
        exchange.begin_write()
        self._inner.write(buffer, exchange.seconds(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        seconds = current_exchange().seconds(timeout)
        return BoundedStream(self._inner.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class BoundedBackend(httpcore2.NetworkBackend):
    def __init__(self, inner: httpcore2.NetworkBackend | None = None) -> None:
        self._inner = inner or httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = current_exchange().seconds(timeout)
        return BoundedStream(self._inner.connect_tcp(host, port, seconds, local_address, socket_options))


class AsyncBoundedStream(httpcore2.AsyncNetworkStream):
    """The counterpart of `BoundedStream` for async clients."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner
        self._exchange = current_exchange()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 (of the interface)
        exchange = self._exchange
        room, seconds = exchange.room(max_bytes), exchange.seconds(timeout)
        try:
            data = await self._inner.read(room, seconds)
        except httpcore2.ReadTimeout as exc:
            exchange.seconds_left()
            raise exchange.silent(seconds, exc) from exc
        exchange.count(len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        self._exchange = exchange = current_exchange()
        exchange.begin_write()
        await self._inner.write(buffer, exchange.seconds(timeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore2.AsyncNetworkStream:
        seconds = current_exchange().seconds(timeout)
        return AsyncBoundedStream(await self._inner.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class AsyncBoundedBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self, inner: httpcore2.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        seconds = current_exchange().seconds(timeout)
        return AsyncBoundedStream(await self._inner.connect_tcp(host, port, seconds, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
