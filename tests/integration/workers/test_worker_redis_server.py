"""The same fleet on a Redis that somebody else runs: REDIS_URL with a password, over TCP."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

_PROGRAM = shutil.which("redis-server")


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[str]:
    """A redis-server of the machine's own package, with a password; -> its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = secrets.token_hex(16)
    argv = [str(_PROGRAM), "--port", str(port), "--bind", "127.0.0.1", "--requirepass", password]
    argv += ["--dir", str(tmp_path), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return


@pytest.mark.worker
@pytest.mark.redis_server
@pytest.mark.skipif(_PROGRAM is None, reason="no redis-server on PATH: install the package redis-server")
def test_jobs_run_through_a_redis_server_with_a_password(
    make_fleet: Callable[..., Any],
    redis_server: str,
    property_site: str,
    openai_standin: Callable[..., Any],
) -> None:
    server = openai_standin()
    fleet = make_fleet(REDIS_URL=redis_server, OPENAI_API_KEYS=",".join(server.keys), OPENAI_BASE_URL=server.base_url)
    fleet.start_worker()
    ids = fleet.send(*(f"{property_site}/homes/{n}" for n in range(1, 6)))
    fleet.wait_for_state(ids, "done")
    password = redis_server.split("@", maxsplit=1)[0].rpartition(":")[2]
    assert password not in fleet.log("worker")
    with redis.Redis.from_url(redis_server) as client:
        stored = b"".join(client.dump(name) or b"" for name in client.scan_iter())
    assert stored
    assert not any(key.encode() in stored for key in server.keys), "no key may ever reach Redis"
