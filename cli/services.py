"""The command lines of our process types, as `up` and `demo` start them. The Procfile has the same commands."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from app.services.runtime.heartbeats import MAINTENANCE_THREADS, read_heartbeats
from cli.processes import Child, Supervisor

#: The time from SIGTERM to SIGKILL. A worker's soft shutdown takes up to ten seconds. Then the worker re-queues its
#: remaining jobs.
_WORKER_GRACE_SECONDS = 25.0
#: The longest time that the start of a process may take on a busy machine.
START_SECONDS = 60.0


class Services:
    """Starts workers, beat, Flower, and the web server with one home and one environment."""

    def __init__(
        self, home: Path, env: Mapping[str, str], *, cwd: Path | None = None, logs: Path | None = None
    ) -> None:
        self._home = home
        self._env = {**env, "PROPINTEL_HOME": str(home)}
        self._cwd = cwd
        self._logs = logs

    def start(self, supervisor: Supervisor, name: str, arguments: list[str], *, grace_seconds: float = 10.0) -> Child:
        """Start `python -m` with `arguments` as the child `name`."""
        log = self._logs / f"{name}.log" if self._logs is not None else None
        argv = [sys.executable, "-m", *arguments]
        return supervisor.start(name, argv, env=self._env, cwd=self._cwd, log=log, grace_seconds=grace_seconds)

    def worker(
        self,
        supervisor: Supervisor,
        *,
        concurrency: int | None = None,
        pool: str = "prefork",
        grace_seconds: float = _WORKER_GRACE_SECONDS,
    ) -> Child:
        """Start a worker; it is up once it has a heartbeat (`wait_for_worker`).

        Without `concurrency`, WORKER_CONCURRENCY is the number of jobs at once.
        """
        node = f"worker-{os.getpid()}@{socket.gethostname()}"
        options = [f"--pool={pool}", f"--hostname={node}", "--without-mingle"]
        if concurrency is not None:
            options.append(f"--concurrency={concurrency}")
        return self.start(supervisor, "worker", [*_CELERY, "worker", *options, *_INFO], grace_seconds=grace_seconds)

    def maintenance_worker(self, supervisor: Supervisor) -> Child:
        """Start a worker for reports and recovery only, which jobs never delay. It is up once it has a heartbeat.

        It has threads, so that a report does not wait for a long recovery.
        """
        node = f"maintenance-{os.getpid()}@{socket.gethostname()}"
        options = [
            "--queues=maintenance",
            "--pool=threads",
            f"--concurrency={MAINTENANCE_THREADS}",
            f"--hostname={node}",
        ]
        return self.start(supervisor, "maintenance", [*_CELERY, "worker", *options, "--without-mingle", *_INFO])

    def beat(self, supervisor: Supervisor) -> Child:
        return self.start(supervisor, "beat", [*_CELERY, "beat", "--pidfile=", *_INFO])

    def flower(self, supervisor: Supervisor, port: int) -> Child:
        """Start Flower on `port` of FLOWER_ADDRESS; `worker/flower.py` has its other options."""
        return self.start(supervisor, "flower", [*_CELERY, "flower", f"--port={port}"])

    def web(self, supervisor: Supervisor, port: int) -> Child:
        """Start the web server on `port` of 127.0.0.1."""
        options = ["--no-proxy-headers", "--host=127.0.0.1", f"--port={port}", f"--log-config={_UVICORN_LOGGING}"]
        return self.start(supervisor, "web", ["uvicorn", "web:app", *options])

    def wait_for_worker(self, supervisor: Supervisor, worker: Child) -> None:
        """Wait until the worker takes tasks. Raises the errors of `Supervisor.wait_until`."""
        supervisor.wait_until(lambda: self.takes_tasks(worker), "the worker", START_SECONDS)

    def takes_tasks(self, worker: Child) -> bool:
        """Return whether this worker has written a heartbeat, which it does once it takes tasks."""
        return any(beat.pid == worker.process.pid for beat in read_heartbeats(self._home))


#: The start of all command lines of Celery. `--quiet` suppresses the banner.
_CELERY = ["celery", "--quiet", "-A", "worker"]
#: Uvicorn's logging without lines about its start and end, because the first come before our logging is set up.
_UVICORN_LOGGING = Path(__file__).with_name("uvicorn-logging.json")
_INFO = ["--loglevel=INFO"]


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether something listens on the port of this machine's address `host`."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
