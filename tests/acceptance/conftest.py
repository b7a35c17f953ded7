"""pytest-celery's API on local processes: containers that are none, behind the plugin's own fixtures.

A test here speaks only to `celery_setup` and its nodes, so that the same test can run on Docker containers.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from pytest_celery import (
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryTestBackend,
    CeleryTestBroker,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
)

from app.services.embedded_valkey import EmbeddedValkey
from app.services.stores import Stores, open_stores
from app.settings import Settings, load_settings
from cli.processes import Child, StopSignals, Supervisor
from cli.services import Services
from tasks import make_celery
from tasks.config import kombu_url


class ValkeyContainer:
    """What the plugin asks of a broker's or backend's container, kept by the embedded Valkey of a home."""

    def __init__(self, home: Path) -> None:
        self._valkey = EmbeddedValkey(home)
        self._valkey.start()
        self.name = "local-valkey"
        self.id = f"{self.name}-0000"

    @property
    def celeryconfig(self) -> dict[str, str]:
        return {"url": self._valkey.url, "host_url": kombu_url(self._valkey.url)}

    @property
    def status(self) -> str:
        return "running" if self._valkey.pid else "exited"

    def ready(self) -> bool:
        return self._valkey.pid is not None

    def logs(self) -> str:
        return self._valkey.log.read_text()

    def kill(self, signal: str | int = "SIGKILL") -> None:
        if signal == "SIGKILL":
            self._valkey.kill()
        else:
            self._valkey.stop()

    def restart(self, timeout: int = 10) -> None:
        self._valkey.stop()
        self._valkey.start()

    def reload(self) -> None:
        """Nothing is cached."""

    def teardown(self) -> None:
        self._valkey.stop()


class WorkerContainer:
    """The same for a worker: a process of `celery -A worker worker`, restarted with the same settings."""

    def __init__(self, home: Path, env: dict[str, str]) -> None:
        self._home = home
        self._services = Services(home, env, cwd=home, logs=home)
        self._supervisor = Supervisor(StopSignals())
        self.name = "local-worker"
        self._start()

    def _start(self) -> None:
        self._child: Child = self._services.worker(self._supervisor, concurrency=2, grace_seconds=5)
        self._services.wait_for_worker(self._supervisor, self._child)

    @property
    def id(self) -> str:
        return str(self._child.process.pid)

    @property
    def status(self) -> str:
        return "running" if self._child.process.poll() is None else "exited"

    def ready(self) -> bool:
        return self.status == "running"

    def logs(self) -> str:
        return (self._home / "worker.log").read_text()

    def worker_queue(self) -> str:
        return "scrape"

    def kill(self, signal: str | int = "SIGKILL") -> None:
        self._child.process.send_signal(_number(signal))
        self._child.process.wait(30)

    def restart(self, timeout: int = 10) -> None:
        self._supervisor.stop()
        self._start()

    def reload(self) -> None:
        """Nothing is cached."""

    def teardown(self) -> None:
        self._supervisor.stop()


def _number(name: str | int) -> int:
    return name if isinstance(name, int) else signal.Signals[name]


class LocalSetup(CeleryTestSetup):
    """The plugin's setup with the app that every door of ours uses."""

    @classmethod
    def create_setup_app(cls, celery_setup_config: dict[str, Any], celery_setup_app_name: str) -> Celery:
        app = make_celery(Settings(_env_file=None))
        app.conf.update(celery_setup_config)
        return app


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def celery_setup_cls() -> type[CeleryTestSetup]:
    return LocalSetup


@pytest.fixture
def celery_broker(home: Path) -> Iterator[CeleryTestBroker]:
    broker = CeleryTestBroker(ValkeyContainer(home))
    yield broker
    broker.teardown()


@pytest.fixture
def celery_broker_cluster(celery_broker: CeleryTestBroker) -> CeleryBrokerCluster:
    return CeleryBrokerCluster(celery_broker)


@pytest.fixture
def celery_backend_cluster(celery_broker: CeleryTestBroker) -> CeleryBackendCluster:
    """One Valkey is both."""
    return CeleryBackendCluster(CeleryTestBackend(celery_broker.container))


@pytest.fixture
def celery_worker(
    home: Path, celery_worker_cluster_config: dict[str, Any], celery_setup_app: Celery, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CeleryTestWorker]:
    urls = celery_worker_cluster_config["celery_broker_cluster_config"]["urls"]
    for name, value in {
        "REDIS_URL": urls[0],
        "PROPINTEL_HOME": str(home),
        "FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        "JOB_LEASE_SECONDS": "3",
    }.items():
        monkeypatch.setenv(name, value)
    worker = CeleryTestWorker(WorkerContainer(home, dict(os.environ)), celery_setup_app)
    yield worker
    worker.teardown()


@pytest.fixture
def celery_worker_cluster(celery_worker: CeleryTestWorker) -> CeleryWorkerCluster:
    return CeleryWorkerCluster(celery_worker)


@pytest.fixture
def stores(celery_worker: CeleryTestWorker) -> Iterator[Stores]:
    """The database that the worker writes to."""
    with open_stores(load_settings()) as opened:
        yield opened


@pytest.fixture
def wait_for_jobs(stores: Stores) -> Any:
    """`wait_for_jobs(ids)`: their states, once each is over."""

    def wait(ids: list[str], seconds: float = 40) -> list[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            states = [stores.jobs.get(one).state for one in ids]
            if all(state.is_final for state in states):
                return [str(state) for state in states]
            time.sleep(0.05)
        return [str(stores.jobs.get(one).as_json()) for one in ids]

    return wait
