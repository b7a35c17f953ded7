"""The worker's heartbeat file, which `propintel doctor` and container checks read.

A thread of the parent process writes the file, even while the worker is too busy to answer `inspect ping`. The thread
continues while the broker is unavailable, because restarting the worker would not repair the broker.
"""

import atexit
import json
import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from celery.signals import worker_ready, worker_shutdown

from app.services.runtime.heartbeats import INTERVAL_SECONDS, heartbeat_file
from worker.config_reload import settings

log = logging.getLogger(__name__)


class Heartbeat:
    """Writes `{"at": ISO time, "node": name, "pid": n}` to a file every few seconds. When stopped, removes the file."""

    def __init__(self, file: Path, node: str, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._file = file
        self._node = node
        self._interval_seconds = interval_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._file.unlink(missing_ok=True)

    def beat(self) -> None:
        """Replace the file atomically. A write error, such as a full disk, is only logged."""
        draft = self._file.with_suffix(f".{os.getpid()}.tmp")
        beat = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "node": self._node, "pid": os.getpid()}
        try:
            draft.write_text(json.dumps(beat), encoding="utf-8")
            draft.replace(self._file)
        except OSError as exc:
            log.warning("The heartbeat %s could not be written (%s)", self._file, exc.strerror)

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_seconds):
            self.beat()


def connect() -> None:
    """Write heartbeats while the worker accepts tasks. Safe to call again."""
    running: list[Heartbeat] = []

    def on_ready(sender: Any = None, **_: Any) -> None:
        node = str(sender.hostname)
        heartbeat = Heartbeat(heartbeat_file(settings().state.propintel_home, node), node)
        heartbeat.start()
        running.append(heartbeat)
        atexit.register(on_shutdown)  # Celery sends no `worker_shutdown` when it cancels running tasks

    def on_shutdown(**_: Any) -> None:
        while running:
            running.pop().stop()

    worker_ready.connect(on_ready, dispatch_uid="propintel-heartbeat-start", weak=False)
    worker_shutdown.connect(on_shutdown, dispatch_uid="propintel-heartbeat-stop", weak=False)
