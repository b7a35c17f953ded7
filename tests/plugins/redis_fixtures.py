"""Fixtures for the key store: real Redis servers for this test session, and a store on each of them.

Each server listens on its own socket or loopback port and ends with the thread that started it. The first test that
needs a server starts it, once per process of the test run.
"""

import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from app.clock import ManualClock
from app.keypool.breaker import Policy
from app.keypool.keys import ApiKey
from app.keypool.spending import Budget
from app.keypool.stores.base import Store
from app.keypool.stores.memory import MemoryStore
from app.keypool.stores.redis import RedisStore
from app.redis.embedded_valkey import EmbeddedValkey, answers, ending_with_parent
from tests.plugins.store_steps import KEYS, A
from tests.plugins.waiting import wait_until

#: The prefix of all Redis keys of the tests' pools.
TAG = "{propintel}"
NO_CAPS = Budget()
MakeStore = Callable[..., Store]


def kill_valkey(valkey: EmbeddedValkey) -> None:
    """Kill the server with SIGKILL, as a crash would. At most the last second of data is lost."""
    assert valkey.pid is not None
    os.kill(valkey.pid, signal.SIGKILL)
    wait_until(lambda: valkey.pid is None, 10)


@contextmanager
def running_server(folder: Path, url: str, *options: str) -> Iterator[str]:
    """Start a redis-server with its files in `folder`, until the end of the block."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server on PATH: install Debian's package redis-server")
    command = [program, "--dir", str(folder), "--save", "", "--appendonly", "no", *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(ending_with_parent(command), stdout=log, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or answers(url), 20, (folder / "log").read_text)
        assert process.poll() is None, (folder / "log").read_text()
        yield url
    finally:
        process.terminate()
        process.wait(120)


def tls_options(port: str, pem: Path, *, auth_clients: str) -> list[str]:
    """Return the options of a `running_server` that accepts only TLS.

    `pem` holds the key, the certificate, and the issuer's certificate.
    """
    files = [part for name in ("cert", "key", "ca-cert") for part in (f"--tls-{name}-file", str(pem))]
    return ["--bind", "127.0.0.1", "--port", "0", "--tls-port", port, "--tls-auth-clients", auth_clients, *files]


@contextmanager
def _short_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kv-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def embedded_valkey_url() -> Iterator[str]:
    """Start the embedded Valkey that runs when REDIS_URL is not set."""
    with _short_folder() as folder, EmbeddedValkey(folder) as server:
        yield server.url


@pytest.fixture
def valkey_client(embedded_valkey_url: str) -> Iterator[redis.Redis]:
    """Empty the embedded Valkey and yield a connection to it."""
    with redis.Redis.from_url(embedded_valkey_url) as connection:
        connection.flushall()
        yield connection


@pytest.fixture(scope="session")
def redis_server_url() -> Iterator[str]:
    with _short_folder() as folder:
        path = folder / "redis.sock"
        with running_server(folder, f"unix://{path}?db=0", "--port", "0", "--unixsocket", str(path)) as url:
            yield url


@dataclass(frozen=True)
class Backend:
    """Where a store keeps its state: in this process (then `connection` is None), or on a Redis server."""

    name: str
    connection: redis.Redis | None


_URLS = {"valkey": "embedded_valkey_url", "redis": "redis_server_url"}
ON_SERVERS = ["valkey", pytest.param("redis", marks=pytest.mark.every_server)]


@pytest.fixture(params=["memory", *ON_SERVERS])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Yield an empty backend for a store."""
    if request.param == "memory":
        yield Backend("memory", None)
        return
    with redis.Redis.from_url(request.getfixturevalue(_URLS[request.param]), socket_timeout=10) as connection:
        connection.flushdb()
        yield Backend(request.param, connection)


@pytest.fixture
def make_store(backend: Backend) -> Iterator[MakeStore]:
    """Return `make_store(keys, clock, strategy, policy=, budget=, pool=)`. Stores with the same `pool` share state."""
    made: list[Store] = []

    def make(
        keys: Sequence[ApiKey],
        clock: ManualClock,
        strategy: str = "round_robin",
        *,
        policy: Policy | None = None,
        budget: Budget = NO_CAPS,
        pool: str = "pool",
    ) -> Store:
        rng = random.Random(7)
        store: Store
        if backend.connection is None:
            store = MemoryStore(keys, strategy, clock, policy=policy, rng=rng, budget=budget)
        else:
            prefix = f"{TAG}:{pool}"
            store = RedisStore(
                keys, strategy, backend.connection, clock=clock, policy=policy, rng=rng, budget=budget, prefix=prefix
            )
        made.append(store)
        return store

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(make_store: MakeStore, clock: ManualClock) -> Store:
    return make_store([A], clock)


@pytest.fixture
def pair(make_store: MakeStore, clock: ManualClock) -> Store:
    return make_store(KEYS, clock)
