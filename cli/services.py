"""The command lines of the processes that `up` and `demo` start. If you change one, also change the Procfile."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from app.services.runtime.heartbeats import MAINTENANCE_NODE, MAINTENANCE_THREADS, read_heartbeats
from cli.processes import Child, Supervisor

#: The time from SIGTERM to SIGKILL. It exceeds a worker's soft shutdown (10 s), after which unfinished jobs are queued.
_WORKER_GRACE_SECONDS = 25.0
#: Maximum time for the start of a process, which is slow on a busy machine.
START_SECONDS = 60.0


class Services:
    """Starts workers, beat, Flower, and the web server. `logs` is a folder for their output, if given."""

    def __init__(
        self, home: Path, env: Mapping[str, str], *, cwd: Path | None = None, logs: Path | None = None
    ) -> None:
        self._home = home
        self._env = {**env, "PROPINTEL_HOME": str(home)}
        self._cwd = cwd
        self._logs = logs

    def start(self, supervisor: Supervisor, name: str, arguments: list[str], *, grace_seconds: float = 10.0) -> Child:
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
        """Start a worker. Use `wait_for_worker` or `takes_tasks` to find out when it is up.

        `concurrency` is the number of jobs at once, by default the setting WORKER_CONCURRENCY.
        """
        node = f"worker-{os.getpid()}@{socket.gethostname()}"
        options = [f"--pool={pool}", f"--hostname={node}", "--without-mingle"]
        if concurrency is not None:
            options.append(f"--concurrency={concurrency}")
        return self.start(supervisor, "worker", [*_CELERY, "worker", *options, *_INFO], grace_seconds=grace_seconds)

    def maintenance_worker(self, supervisor: Supervisor) -> Child:
        """Start the worker for reports and recovery. It runs no jobs, so jobs never delay these tasks.

        It uses threads, so that a report does not wait for a long recovery.
        """
        node = f"{MAINTENANCE_NODE}-{os.getpid()}@{socket.gethostname()}"
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
        """Start Flower at `port`. `worker/flower.py` sets its address and other options."""
        return self.start(supervisor, "flower", [*_CELERY, "flower", f"--port={port}"])

    def web(self, supervisor: Supervisor, port: int) -> Child:
        options = ["--no-proxy-headers", "--host=127.0.0.1", f"--port={port}", f"--log-config={_UVICORN_LOGGING}"]
        return self.start(supervisor, "web", ["uvicorn", "web:app", *options])

    def wait_for_worker(self, supervisor: Supervisor, worker: Child) -> None:
        supervisor.wait_until(lambda: self.takes_tasks(worker), "the worker", START_SECONDS)

    def takes_tasks(self, worker: Child) -> bool:
        """Return whether `worker` has written its first heartbeat file, and so accepts tasks."""
        return any(beat.pid == worker.process.pid for beat in read_heartbeats(self._home))


#: The beginning of all Celery command lines. `--quiet` suppresses the banner.
_CELERY = ["celery", "--quiet", "-A", "worker"]
#: A logging configuration without uvicorn's lines about startup and shutdown, because the first of them would be
#: printed in another format, before our logging is configured.
_UVICORN_LOGGING = Path(__file__).with_name("uvicorn-logging.json")
_INFO = ["--loglevel=INFO"]


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server accepts connections at this address and port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
