"""Run the tests on local processes: pytest-celery's container classes without containers, and their fixtures."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.redis.embedded_valkey import EmbeddedValkey
from cli.processes import Child, StopSignals, Supervisor
from cli.services import Services
from tasks._celery.config import kombu_url
from tests.acceptance.surroundings import KEY, VARIABLES, Surroundings
from tests.plugins.simulator_fixtures import SimulatorHandle
from tests.plugins.warm_start import WarmParent


class LocalValkey:
    """A broker and backend with the interface of a container, on the embedded Valkey of a home."""

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
        """Do nothing, since nothing is cached."""

    def teardown(self) -> None:
        self._valkey.stop()


class LocalWorker:
    """A worker with the interface of a container: `celery -A worker worker`, restarted with the same settings."""

    def __init__(self, home: Path, env: dict[str, str], warm_parent: WarmParent) -> None:
        self._home = home
        self._services = Services(home, env, cwd=home, logs=home)
        self._supervisor = Supervisor(StopSignals(), popen=warm_parent.start)
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
        """Send the signal, and return when the process has ended."""
        self._child.process.send_signal(_number(signal))
        self._child.process.wait(120)

    def restart(self, timeout: int = 10) -> None:
        self._supervisor.stop()
        self._start()

    def reload(self) -> None:
        """Do nothing, since nothing is cached."""

    def teardown(self) -> None:
        """Kill at once, as Docker removes a container, without the ten seconds of a soft shutdown."""
        self._child.process.kill()
        self._supervisor.stop()


def _number(name: str | int) -> int:
    return name if isinstance(name, int) else signal.Signals[name]


@pytest.fixture
def local_valkey(home: Path) -> LocalValkey:
    return LocalValkey(home)


@pytest.fixture
def local_surroundings(
    home: Path, property_site: str, openai_simulator: Callable[..., SimulatorHandle]
) -> Surroundings:
    """Run the simulators in threads of this process, with SQLite below the home."""
    model = openai_simulator([KEY])
    shared = {**VARIABLES, "OPENAI_BASE_URL": model.base_url, "PROPINTEL_HOME": str(home)}
    return Surroundings(
        property_site,
        model,
        {**os.environ, **shared, "FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8", "REMAP_SIGTERM": "SIGQUIT"},
        shared,
    )


@pytest.fixture
def local_worker(home: Path, fleet_environment: dict[str, str], warm_parent: WarmParent) -> LocalWorker:
    return LocalWorker(home, fleet_environment, warm_parent)


@pytest.fixture
def local_beat(home: Path, fleet_environment: dict[str, str], warm_parent: WarmParent) -> Iterator[None]:
    with Supervisor(StopSignals(), popen=warm_parent.start) as supervisor:
        Services(home, fleet_environment, cwd=home, logs=home).beat(supervisor)
        yield
