"""A fleet for one test: embedded Valkey, workers, and beat as real processes, whose home is in the test's folder."""

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from celery import Celery

from app.property.storage.jobs.models import Job
from app.redis.embedded_valkey import EmbeddedValkey, connect
from app.services.reports.metrics.shared_counts import read_counts
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings, load_settings
from cli.processes import Child, StopSignals, Supervisor
from cli.services import Services
from tasks import make_celery
from tasks._celery.publish import send_jobs
from tests.plugins.ports import free_port
from tests.plugins.redis_fixtures import running_server
from tests.plugins.waiting import wait_until
from tests.plugins.warm_start import WarmParent

_PROCESSES = "{propintel}:pool:procs"


@dataclass
class Fleet:
    """The processes that a test starts, with their settings, stores, and logs."""

    home: Path
    settings: Settings
    stores: Stores
    valkey: EmbeddedValkey
    app: Celery
    supervisor: Supervisor
    env: dict[str, str]
    warm_parent: WarmParent
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        self.services = Services(self.home, self.env, cwd=self.home, logs=self.home)

    def start_worker(self, *, pool: str = "prefork", concurrency: int = 2, wait: bool = True) -> Child:
        child = self.services.worker(self.supervisor, pool=pool, concurrency=concurrency, grace_seconds=5)
        if wait:
            self.services.wait_for_worker(self.supervisor, child)
        return child

    def start_beat(self) -> Child:
        """Start beat at log level DEBUG, at which it logs each task that it sends."""
        env = {**self.env, "LOG_LEVEL": "debug"}
        return Services(self.home, env, cwd=self.home, logs=self.home).beat(self.supervisor)

    def propintel(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.warm_parent.run_propintel(*arguments, env=self.env, cwd=self.home)

    def send(self, *targets: str) -> list[str]:
        """Enqueue and send the targets; return the ids of their jobs."""
        enqueued = self.stores.jobs.enqueue(targets)
        send_jobs(self.app, self.stores.jobs, enqueued.jobs)
        return [job.id for job in enqueued.jobs]

    def job(self, job_id: str) -> Job:
        return self.stores.jobs.get(job_id)

    def wait_for_state(self, job_ids: list[str], *states: str, seconds: float = 40) -> list[Job]:
        wait_until(lambda: all(self.job(i).state in states for i in job_ids), seconds, lambda: self.describe(job_ids))
        return [self.job(i) for i in job_ids]

    def until(self, ready: Callable[[], object], seconds: float = 30) -> None:
        """If `ready()` is not true in time, the failure shows the jobs and all logs."""
        wait_until(ready, seconds, lambda: self.describe([job.id for job in self.stores.jobs.list()]))

    def describe(self, job_ids: list[str]) -> str:
        jobs = [str(self.job(i).as_json()) for i in job_ids]
        return "\n".join([*jobs, *(file.read_text(encoding="utf-8") for file in sorted(self.home.glob("*.log")))])

    def log(self, name: str) -> str:
        return (self.home / f"{name}.log").read_text(encoding="utf-8")

    def wait_for_line(self, line: str, name: str = "worker", seconds: float = 30, *, times: int = 1) -> None:
        self.until(lambda: self.log(name).count(line) >= times, seconds)

    def start_celery_worker(self, *options: str, name: str = "worker") -> Child:
        """Start `celery worker` with these options, and wait until it takes tasks."""
        child = self.services.start(self.supervisor, name, ["celery", "-A", "worker", "worker", *options])
        self.services.wait_for_worker(self.supervisor, child)
        return child

    def counts(self) -> dict[str, float]:
        """Return the fleet's counters, which processes report every few seconds."""
        with connect(self.settings) as connection:
            return read_counts(connection)

    def key_pool_processes(self) -> set[int]:
        """Return the ids of the processes that are registered as users of the key pool."""
        with connect(self.settings) as connection:
            return {int(name.decode().split(":")[1]) for name in connection.zrange(_PROCESSES, 0, -1)}


def redis_contents(connection: redis.Redis) -> Iterator[tuple[str, bytes]]:
    read: dict[bytes, Callable[[bytes], Any]] = {
        b"string": connection.get,
        b"hash": connection.hgetall,
        b"list": lambda name: connection.lrange(name, 0, -1),
        b"set": connection.smembers,
        b"zset": lambda name: connection.zrange(name, 0, -1, withscores=True),
    }
    for name in connection.scan_iter(count=1000):
        kind = connection.type(name)
        if kind != b"none":  # the key may have expired
            yield f"Redis {name.decode()}", name + repr(read[kind](name)).encode()


def children_of(child: Child) -> list[psutil.Process]:
    return psutil.Process(child.process.pid).children()


@pytest.fixture
def make_fleet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm_parent: WarmParent
) -> Iterator[Callable[..., Fleet]]:
    """Return `make(VARIABLE=value, ...)`, which starts Valkey and returns a `Fleet` without workers and beat."""
    monkeypatch.setattr("cli.services.START_SECONDS", 500.0)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    closing: list[Callable[[], Any]] = []

    def make(**variables: str) -> Fleet:
        given = {"PROPINTEL_HOME": str(home), "FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8", **variables}
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        settings = load_settings()
        valkey = EmbeddedValkey(home)
        closing.append(valkey.stop)
        valkey.start()
        stores = open_stores(settings)
        closing.append(stores.close)
        app = make_celery(settings)
        closing.append(app.close)
        supervisor = Supervisor(StopSignals(), popen=warm_parent.start)
        closing.append(supervisor.stop)
        return Fleet(home, settings, stores, valkey, app, supervisor, dict(os.environ), warm_parent)

    yield make
    for close in reversed(closing):
        close()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[str]:
    """Start the machine's own redis-server with a password; yield its URL."""
    port, password = str(free_port()), secrets.token_hex(16)
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    with running_server(tmp_path, url, "--port", port, "--bind", "127.0.0.1", "--requirepass", password):
        yield url
