"""Run an ASGI app on loopback, in this process or in a background thread."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import uvicorn

App = Callable[..., Any]
#: Maximum attempts to find a port that is free on all hosts.
_ATTEMPTS = 20


class Stopping:
    """Wakes requests that wait in slow or hanging answers when the server stops. `set` is thread-safe."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self) -> None:
        self._loop = asyncio.get_running_loop()

    def set(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        await self._event.wait()


class _Server(uvicorn.Server):
    def __init__(self, app: App, stopping: Stopping, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app, log_config=None, log_level="critical", access_log=False, lifespan="off", ws="none",
                timeout_keep_alive=75, timeout_graceful_shutdown=3, server_header=False,
            )
        )  # fmt: skip
        self._stopping = stopping
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.bind()
        await super().startup(sockets=sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.leave()
        super().handle_exit(sig, frame)

    def leave(self) -> None:
        """Wake waiting requests, and tell uvicorn to exit after the open requests."""
        self._stopping.set()
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.create_server((host, port), backlog=2048)
    # asyncio sets this only on sockets made with IPPROTO_TCP; without it, delayed ACKs delay response bodies by 40 ms
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _listen_all(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """Return a listener on each of `hosts`, all on the same port. Port 0 means any port that is free on all hosts."""
    for attempt in range(_ATTEMPTS):
        opened: list[socket.socket] = []
        try:
            for host in hosts:
                opened.append(_listen(host, opened[0].getsockname()[1] if opened else port))
        except OSError:
            for listener in opened:
                listener.close()
            if port or not opened or attempt == _ATTEMPTS - 1:
                raise
        else:
            return opened
    return []


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def run(app: App, stopping: Stopping, *, host: str, port: int, path: str = "") -> int:
    """Serve until SIGTERM or SIGINT. Prints `listening on <address><path>` once requests are answered.

    Port 0 means any free port. Returns the exit code: 0 after a signal, 2 if the port is not available.
    """
    try:
        listener = _listen(host, port)
    except OSError as exc:
        print(f"cannot listen on {host}:{port}: {exc.strerror}; choose another --port", file=sys.stderr)  # noqa: T201
        return 2
    address = _address(listener)
    server = _Server(app, stopping, lambda: print(f"listening on {address}{path}", flush=True))  # noqa: T201
    # uvicorn raises the signal again after draining; this handler then ends the program without a traceback
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    server.run(sockets=[listener])
    return 0


class BackgroundServer:
    """A server in a thread of this process. Usable as a context manager.

    It also serves the hosts in `also`, on the same port. Raises `OSError` for a host that this machine does not have.
    """

    def __init__(
        self,
        app: App,
        stopping: Stopping | None = None,
        *,
        host: str = "127.0.0.1",
        also: Sequence[str] = (),
        port: int = 0,
    ) -> None:
        self._ready = threading.Event()
        self._server = _Server(app, stopping or Stopping(), self._ready.set)
        self._listeners = _listen_all((host, *also), port)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": self._listeners}, name="simulators", daemon=True
        )
        self.address = _address(self._listeners[0])

    def start(self) -> None:
        """Start the server and return when it answers requests."""
        self._thread.start()
        if not self._ready.wait(120):
            raise RuntimeError("the server did not start within 120 s")

    def stop(self) -> None:
        """Stop the server and return when it has ended. Safe to call twice."""
        self._server.leave()
        self._thread.join(10)
        for listener in self._listeners:
            listener.close()

    def __enter__(self) -> BackgroundServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
