"""Connect to sites at checked addresses only, and limit the time and bytes of every read (`app.bounded_network`)."""

from collections.abc import Callable, Iterable
from typing import cast

import httpcore2

from app.bounded_network import BoundedBackend, Exchange, current_exchange
from app.clock import Clock
from app.errors.fetching import BlockedAddressError, FetchTimeoutError, PageTooLargeError
from app.property.fetch.guard.check import Destination
from app.property.fetch.limits import Limits


class Request(Exchange):
    """One request in progress. `on_send` is called just before its first byte is sent."""

    def __init__(
        self,
        destination: Destination,
        limits: Limits,
        clock: Clock,
        deadline_us: int,
        on_send: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(limits.wire_bytes)
        self.header_bytes = limits.header_bytes
        self.destination = destination
        self._limits = limits
        self._clock = clock
        self._deadline_us = deadline_us
        self._on_send = on_send

    def seconds_left(self) -> float:
        left_us = self._deadline_us - self._clock.now_us()
        if left_us <= 0:
            raise FetchTimeoutError(self.destination.url, f"it was not complete after {self._limits.total_seconds:g} s")
        return left_us / 1_000_000

    def too_large(self, limit_bytes: int, where: str) -> Exception:
        return PageTooLargeError(self.destination.url, limit_bytes, where)

    def silent(self, seconds: float, exc: httpcore2.TimeoutException) -> Exception:  # noqa: ARG002
        return FetchTimeoutError(self.destination.url, f"nothing came for {seconds:.3g} s")

    def begin_write(self) -> None:
        if self._on_send is not None:
            self._on_send()
            self._on_send = None


class GuardedBackend(BoundedBackend):
    """Connects to the current request's checked addresses, in order, even if the host name now resolves differently."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        request = cast(Request, current_exchange())
        destination = request.destination
        if (host, port) != (destination.host, destination.port):
            raise BlockedAddressError(destination.url, f"{host}:{port}, which was not checked")
        failure: Exception = httpcore2.ConnectError("no address")
        for address in destination.addresses:
            try:
                return super().connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as exc:
                failure = exc
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        raise BlockedAddressError(cast(Request, current_exchange()).destination.url, f"the socket {path}")
