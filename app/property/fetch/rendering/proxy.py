"""The browser's only way out: a forward proxy on loopback (RFC 9110 section 9.3.6, RFC 9112 section 3.2.2).

TLS passes through it unread, so the guard judges host and address: on every connection the name is resolved once, every
address must be public, and one of these is connected to. Each page has a login of its own for as long as it lasts.
"""

from __future__ import annotations

import base64
import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx2

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.errors.fetching import FetchError
from app.errors.targets import InvalidTargetError
from app.property.fetch.guard import Destination, Guard
from app.property.fetch.limits import Limits
from app.property.fetch.rendering.tunnel import HOP_BY_HOP, Session, connected, exchange, relay

log = logging.getLogger(__name__)

_HEAD_BYTES = 32_768
_HEAD_SECONDS = 10.0
_MOST_CONNECTIONS = 128
_AUTHORITY = re.compile(r"[^/?#@\s]+:[0-9]{1,5}")
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_UNKNOWN = (
    'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="page"\r\nContent-Length: 0\r\n\r\n'
)


@dataclass(frozen=True, slots=True)
class _Head:
    """A request's head: its line, its fields as they came, and what was read behind it."""

    method: str
    target: str
    fields: tuple[str, ...]
    rest: bytes

    def value(self, name: str) -> str:
        prefix = f"{name}:"
        return next((line[len(prefix) :].strip() for line in self.fields if line.lower().startswith(prefix)), "")

    def body_bytes(self) -> int:
        """How long its body is. Raises `ValueError` where that cannot be told."""
        if self.value("transfer-encoding"):
            raise ValueError("a body of unknown length")
        return int(self.value("content-length") or 0)


class GuardedProxy:
    """Listens from `start` to `close`; a page is served inside `session`. Thread-safe."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._places = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()

    def start(self) -> str:
        """Listen, if that was not done yet; -> the URL of the proxy."""
        with self._lock:
            if self._listener is None:
                self._listener = socket.create_server(("127.0.0.1", 0), backlog=_MOST_CONNECTIONS)
                threading.Thread(target=self._accept, args=(self._listener,), daemon=True, name="page-proxy").start()
            return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Stop listening, and end what is under way."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for session in list(self._sessions.values()):
            session.end()

    @contextmanager
    def session(self, guard: Guard, deadline_us: int, wire_bytes: int) -> Iterator[Session]:
        """A page's own way out, closed with all its connections at the end of the block."""
        session = Session(guard, self._clock, deadline_us, wire_bytes)
        self._sessions[session.user] = session
        try:
            yield session
        finally:
            del self._sessions[session.user]
            session.end()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if not self._places.acquire(blocking=False):
                client.close()
                continue
            threading.Thread(target=self._served, args=(client,), daemon=True, name="page-proxy-connection").start()

    def _served(self, client: socket.socket) -> None:
        try:
            with client, suppress(OSError, ValueError):
                client.settimeout(_HEAD_SECONDS)
                self._serve(client)
        finally:
            self._places.release()

    def _serve(self, client: socket.socket) -> None:
        while (head := _read_head(client)) is not None:
            session = self._session_of(head)
            if session is not None:
                with session.holding(client):
                    self._pass(client, head, session)
                return
            client.sendall(_UNKNOWN.encode())  # on the same connection the browser says who it is

    def _session_of(self, head: _Head) -> Session | None:
        scheme, _, credentials = head.value("proxy-authorization").partition(" ")
        try:
            user, _, password = base64.b64decode(credentials, validate=True).decode("ascii").partition(":")
        except ValueError:
            return None
        session = self._sessions.get(user)
        return session if session is not None and scheme.lower() == "basic" and session.knows(password) else None

    def _pass(self, client: socket.socket, head: _Head, session: Session) -> None:
        """Connect and carry. What the page learns of a refusal is that there is none to be had here."""
        seconds = min(self._limits.connect_seconds, session.seconds_left())
        try:
            destination = session.guard.check(_url_of(head), timeout_seconds=seconds)
            site = connected(destination, seconds)
        except (FetchError, InvalidTargetError) as exc:
            session.refused.append(_refusal(head, exc))
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        except OSError:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with site, session.holding(site):
            client.settimeout(self._limits.read_seconds)
            site.settimeout(self._limits.read_seconds)
            if head.method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                site.sendall(head.rest)
                relay(client, site, session, self._limits.read_seconds)
            else:
                body_bytes = head.body_bytes()
                first = _forwarded(head, destination) + head.rest[:body_bytes]
                exchange(client, site, session, first, body_bytes - len(head.rest))


def _read_head(client: socket.socket) -> _Head | None:
    """The next request; None where there is none. Raises `ValueError` for what is no request, `OSError`."""
    data = bytearray()
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > _HEAD_BYTES:
            raise ValueError("a head that is too long")
        chunk = client.recv(4096)
        if not chunk:
            return None
        data += chunk
    first, *fields = data[:end].decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if not version.startswith("HTTP/1.") or any(line[:1] in (" ", "\t") or ":" not in line for line in fields):
        raise ValueError("no request")
    return _Head(method, target, tuple(fields), bytes(data[end + 4 :]))


def _url_of(head: _Head) -> str:
    """What the guard is asked about. A tunnel's first bytes are unknown: it is judged as https, whatever its port."""
    if head.method == "CONNECT" and _AUTHORITY.fullmatch(head.target):
        return f"https://{head.target}/"
    if head.method not in _METHODS or not head.target.lower().startswith("http://"):
        raise InvalidTargetError(head.target[:200], f"a {head.method[:20]} for it is not passed on")
    return head.target


def _forwarded(head: _Head, destination: Destination) -> bytes:
    """The request as the site gets it: one on a connection of its own."""
    path = httpx2.URL(destination.url).raw_path.decode("ascii")
    host = destination.origin.partition("://")[2]
    kept = [line for line in head.fields if not line.lower().startswith(HOP_BY_HOP)]
    lines = [f"{head.method} {path} HTTP/1.1", f"Host: {host}", *kept, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _refusal(head: _Head, exc: PropertyIntelligenceError) -> str:
    log.info("A page's %s %s was refused: %s", head.method, head.target[:200], exc)
    return exc.code
