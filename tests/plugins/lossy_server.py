"""A Redis server to kill, freeze, and restart, a proxy that loses replies, and stores that use them."""

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from app.keypool.keys import make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import KeyRequest, Lease, Settlement
from app.keypool.stores.fleet import FleetStore
from app.redis.embedded_valkey import answers, ending_with_parent
from app.services.keys.store import connect_store
from tests.plugins.ports import free_port
from tests.plugins.waiting import wait_until

KEYS = make_keys(["sk-one-0123456789abcdef0123", "sk-two-0123456789abcdef0123"])
MINUTE_US = 60_000_000


class Server:
    """A redis-server without files, which is empty after a restart."""

    def __init__(self, folder: Path) -> None:
        self._port = str(free_port())
        self._folder = folder
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", int(self._port)))

    def start(self) -> None:
        command = ["redis-server", "--dir", str(self._folder), "--save", "", "--appendonly", "no"]
        command += ["--bind", "127.0.0.1", "--port", self._port]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(ending_with_parent(command), stdout=log, stderr=log)
        wait_until(lambda: answers(self.url), 20)

    def kill(self) -> None:
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait(120)

    def freeze(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


class LosesReplies:
    """A proxy to a Redis server. While `lose` is set, it drops replies and disconnects."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.lose = False
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = self._connect()
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, replies: bool) -> None:
        with suppress(OSError):  # the other direction closed both sockets
            while data := source.recv(65536):
                if replies and self.lose:
                    break  # the server has run the command, and its reply is lost
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # close does not wake the other direction's recv
            end.close()


@pytest.fixture
def lossy_server(tmp_path: Path) -> Iterator[Server]:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server on PATH: install Debian's package redis-server")
    found = Server(tmp_path)
    yield found
    found.kill()


@pytest.fixture
def loses_replies(lossy_server: Server) -> Iterator[LosesReplies]:
    between = LosesReplies(lossy_server.connect)
    yield between
    between.close()


@pytest.fixture
def open_fleet_store(lossy_server: Server) -> Iterator[Callable[..., FleetStore]]:
    opened: list[FleetStore] = []

    def make(url: str = lossy_server.url, **options: object) -> FleetStore:
        opened.append(FleetStore(KEYS, "round_robin", connect_store(url), **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def sent(store: FleetStore, model: str = "m", tokens: float = 10, **more: object) -> Lease:
    """Lease a key for one request, and wait until the request may be sent."""
    lease = store.acquire(KeyRequest(model, tokens, 2_000_000, **more))  # type: ignore[arg-type]
    assert isinstance(lease, Lease), lease
    while lease.reserved:
        wait_until(lambda at=lease.at_us: store.now_us() >= at, 2)  # type: ignore[misc]
        confirmed = store.confirm(lease)
        lease = confirmed if isinstance(confirmed, Lease) else lease
    return lease


def answered(store: FleetStore, rpm: float = 60_000, remaining: float | None = None, **more: object) -> Lease:
    """Make one successful request whose response reports the limit."""
    lease = sent(store, **more)
    left = rpm - 1 if remaining is None else remaining
    reading = MeterReading(rpm, left, round((rpm - left) * MINUTE_US / rpm))
    store.settle(lease, Settlement(Outcome.SUCCESS, limits=LimitReading(requests=reading)))
    return lease


def know(store: FleetStore, rpm: float = 60_000) -> None:
    """Make a successful request with each key, and wait until the store has read all limits from the server."""
    for _ in KEYS:
        answered(store, rpm)
    wait_until(lambda: len(store.fleet.limits) == len(KEYS), 10)
