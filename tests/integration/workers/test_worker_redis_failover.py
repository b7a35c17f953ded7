"""Jobs survive a failover by a real Sentinel to a Redis replica.

Clients connect to the current primary through a proxy.
"""

import contextlib
import selectors
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from app.redis.embedded_valkey import ending_with_parent
from tests.plugins.ports import free_port
from tests.plugins.redis_fixtures import running_server
from tests.plugins.waiting import wait_until

pytestmark = [pytest.mark.worker, pytest.mark.redis_server, pytest.mark.timeout(900)]
_NAME = "propintel"


class Proxy:
    """Forwards TCP connections to the primary that Sentinel names, if that server confirms its role."""

    def __init__(self, sentinel: redis.Redis) -> None:
        self._sentinel = sentinel
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, redis.RedisError):
            host, port = self._sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", _NAME)
            with redis.Redis(host=host, port=int(port), socket_timeout=1) as server:
                if server.role()[0] != b"master":
                    return
            with socket.create_connection((host, int(port)), timeout=1) as primary:
                _copy(client, primary)

    def close(self) -> None:
        self._listening.close()


def _copy(client: socket.socket, server: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        for source, target in ((client, server), (server, client)):
            source.settimeout(None)
            selector.register(source, selectors.EVENT_READ, target)
        while True:
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)
                data = key.fileobj.recv(65536)
                if not data:
                    return
                key.data.sendall(data)


@dataclass
class Pair:
    proxy: Proxy
    primary: redis.Redis
    replica: redis.Redis
    sentinel: redis.Redis


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    ports = [str(free_port()) for _ in range(3)]
    with ExitStack() as stack:
        clients = []
        for number, port in enumerate(ports[:2]):
            folder = tmp_path / f"redis{number}"
            folder.mkdir()
            options = ["--bind", "127.0.0.1", "--port", port, "--maxmemory-policy", "noeviction"]
            options += ["--replicaof", "127.0.0.1", ports[0]] if number else []
            stack.enter_context(running_server(folder, f"redis://127.0.0.1:{port}/0", *options))
            clients.append(stack.enter_context(redis.Redis(port=int(port), socket_timeout=60)))
        primary, replica = clients
        wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 20)
        configuration = tmp_path / "sentinel.conf"
        configuration.write_text(
            f"port {ports[2]}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor {_NAME} 127.0.0.1 {ports[0]} 1\n"
            f"sentinel down-after-milliseconds {_NAME} 1000\nsentinel failover-timeout {_NAME} 10000\n"
        )
        with (tmp_path / "sentinel.log").open("wb") as log:
            argv = ending_with_parent(["redis-server", str(configuration), "--sentinel"])
            process = subprocess.Popen(argv, stdout=log, stderr=log)
        stack.callback(process.wait, 120)
        stack.callback(process.terminate)
        sentinel = stack.enter_context(redis.Redis(port=int(ports[2]), socket_timeout=60))

        def watched() -> bool:
            with contextlib.suppress(redis.RedisError):
                return bool(sentinel.execute_command("SENTINEL", "REPLICAS", _NAME))
            return False

        wait_until(watched, 30, (tmp_path / "sentinel.log").read_text)
        proxy = Proxy(sentinel)
        stack.callback(proxy.close)
        yield Pair(proxy, primary, replica, sentinel)


def test_jobs_survive_a_failover(pair: Pair, make_fleet: Any, property_site: str, openai_simulator: Any) -> None:
    """The primary is killed while jobs are queued; the same processes run them through the new primary."""
    server = openai_simulator(latency_ms=1000.0)
    fleet = make_fleet(
        REDIS_URL=pair.proxy.url,
        OPENAI_API_KEYS=",".join(server.keys),
        OPENAI_BASE_URL=server.base_url,
        KEY_REPORT_INTERVAL_SECONDS="1",
    )
    ids = fleet.send(*(f"{property_site}/homes/{n}" for n in range(1, 13)))
    worker = fleet.start_worker(concurrency=1)
    beat = fleet.start_beat()
    fleet.wait_for_state(ids[:1], "done")
    assert "queued" in {fleet.job(job_id).state for job_id in ids}
    with contextlib.suppress(redis.ConnectionError):
        pair.primary.shutdown(nosave=True, now=True, force=True)
    fleet.until(lambda: pair.replica.role()[0] == b"master", 40)
    fleet.wait_for_state(ids, "done", seconds=100)
    later = fleet.send(f"{property_site}/homes/13")
    fleet.wait_for_state(later, "done")
    assert all(fleet.job(job_id).attempts <= 2 for job_id in ids)
    assert pair.replica.zcard("{propintel}:pool:procs") > 0, "the new primary knows no process of the key pool"
    assert worker.process.poll() is None, fleet.log("worker")
    assert beat.process.poll() is None, fleet.log("beat")
