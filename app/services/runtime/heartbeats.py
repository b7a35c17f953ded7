"""Read the heartbeat files of workers. They show which workers are alive, even if the broker does not answer.

`worker.heartbeat` writes the files, in the worker's parent process.
"""

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

#: The number of threads of the maintenance worker. It exceeds the number of tasks in beat's schedule, because a locked
#: database can block most of them at the same time.
MAINTENANCE_THREADS = 12
#: The interval between heartbeats. If the last heartbeat is four intervals old, the worker hangs or is dead.
INTERVAL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WorkerHeartbeat:
    """The last heartbeat of a worker, with its node name (`celery@host`) and the process id of its parent."""

    node: str
    pid: int
    at: datetime

    def is_fresh(self, now: datetime) -> bool:
        return (now - self.at).total_seconds() < 4 * INTERVAL_SECONDS


def heartbeat_file(home: Path, node: str) -> Path:
    return home / "heartbeats" / f"{node}.json"


def read_heartbeats(home: Path) -> list[WorkerHeartbeat]:
    """Return the heartbeats below `home`. A worker that stops deletes its file. Unreadable files are skipped."""
    found = []
    for file in sorted((home / "heartbeats").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            beat = json.loads(file.read_text(encoding="utf-8"))
            found.append(WorkerHeartbeat(str(beat["node"]), int(beat["pid"]), datetime.fromisoformat(beat["at"])))
    return found
