"""Bytes between a browser and a checked address, as long as its page may take."""

from __future__ import annotations

import hmac
import secrets
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from app.clock import Clock
from app.property.fetch.guard import Destination, Guard

_CHUNK_BYTES = 65_536
_HEAD_BYTES = 65_536
#: fields that are between two neighbours only (RFC 9110 section 7.6.1)
HOP_BY_HOP = ("connection:", "keep-alive:", "proxy-", "te:", "trailer:", "upgrade:", "host:")


class SessionOverError(OSError):
    """The page is over, or has had what it may have."""


class Session:
    """What one page may do through the proxy: until when, how many bytes, past which guard. Thread-safe.

    Whoever does not know `user` and `password`, made for this page alone, gets nothing.
    """

    def __init__(self, guard: Guard, clock: Clock, deadline_us: int, wire_bytes: int) -> None:
        self.user = secrets.token_hex(8)
        self.password = secrets.token_urlsafe(24)
        self.guard = guard
        self.refused: list[str] = []
        self._clock = clock
        self._deadline_us = deadline_us
        self._left_bytes = wire_bytes
        self._open: set[socket.socket] = set()
        self._over = False
        self._lock = threading.Lock()

    def knows(self, password: str) -> bool:
        return hmac.compare_digest(password.encode(), self.password.encode())

    def seconds_left(self) -> float:
        """Seconds that the page may still take. Raises `SessionOverError`."""
        left_us = self._deadline_us - self._clock.now_us()
        if self._over or left_us <= 0:
            raise SessionOverError("the page is over")
        return left_us / 1_000_000

    def count(self, received_bytes: int) -> None:
        """Add what came for the page. Raises `SessionOverError` past its limit."""
        with self._lock:
            self._left_bytes -= received_bytes
            if self._left_bytes < 0:
                raise SessionOverError("the page is too large")

    @contextmanager
    def holding(self, connection: socket.socket) -> Iterator[None]:
        """The connection ends with the page at the latest."""
        with self._lock:
            if self._over:
                raise SessionOverError("the page is over")
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def end(self) -> None:
        """Close all connections of the page."""
        with self._lock:
            self._over = True
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def connected(destination: Destination, seconds: float) -> socket.socket:
    """A connection to one of the checked addresses, in their order. Raises `OSError`."""
    failure = OSError("no address")
    for address in destination.addresses:
        try:
            return socket.create_connection((str(address), destination.port), timeout=seconds)
        except OSError as exc:
            failure = exc
    raise failure


def relay(browser: socket.socket, site: socket.socket, session: Session, idle_seconds: float) -> None:
    """Carry bytes both ways until one side has had enough, nothing comes for a while, or the page is over."""
    with selectors.DefaultSelector() as selector:
        selector.register(browser, selectors.EVENT_READ, site)
        selector.register(site, selectors.EVENT_READ, browser)
        while selector.get_map():
            ready = selector.select(min(idle_seconds, session.seconds_left()))
            if not ready:
                return
            for key, _ in ready:
                source, target = key.fileobj, key.data
                assert isinstance(source, socket.socket)  # noqa: S101 (for the type checker: only sockets are registered)
                data = source.recv(_CHUNK_BYTES)
                if not data:
                    selector.unregister(source)
                    target.shutdown(socket.SHUT_WR)
                    if source is site:
                        return
                    continue
                if source is site:
                    session.count(len(data))
                target.sendall(data)


def exchange(browser: socket.socket, site: socket.socket, session: Session, first: bytes, left: int) -> None:
    """One request and its answer, after which both connections end.

    `first` goes to the site, then `left` more bytes from the browser; never a byte behind that, so that nothing meant
    for the proxy reaches a site. Raises `OSError`, and `ValueError` for an answer without a proper head.
    """
    site.sendall(first)
    while left > 0:
        data = browser.recv(min(_CHUNK_BYTES, left))
        if not data:
            return
        left -= len(data)
        site.sendall(data)
    answer, rest = _answer_head(site, session)
    browser.sendall(answer + rest)
    while data := site.recv(_CHUNK_BYTES):
        session.count(len(data))
        session.seconds_left()
        browser.sendall(data)


def _answer_head(site: socket.socket, session: Session) -> tuple[bytes, bytes]:
    """The head of the final answer, which ends the connection, and what was read behind it."""
    data = b""
    while True:
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            first, *fields = data[:end].decode("latin-1").split("\r\n")
            rest = data[end + 4 :]
            if first[9:10] != "1":  # else an interim answer (RFC 9110 section 15.2), which the browser did not ask for
                kept = [line for line in fields if not line.lower().startswith(HOP_BY_HOP)]
                return "\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1"), rest
            data = rest
            continue
        chunk = site.recv(_CHUNK_BYTES)
        session.count(len(chunk))
        session.seconds_left()
        if not chunk or len(data) > _HEAD_BYTES:
            raise ValueError("an answer without an end of its head")
        data += chunk
