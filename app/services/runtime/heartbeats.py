"""Read the heartbeat files of workers, which show without the broker which workers are alive.

Each worker's parent process writes its own file with the code of `worker.heartbeat`.
"""

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

#: Number of threads of the maintenance worker. It exceeds the number of tasks that a locked database can block.
MAINTENANCE_THREADS = 12
#: Start of the node name of the maintenance worker of `propintel up`, which runs no jobs.
MAINTENANCE_NODE = "maintenance"
#: Interval between heartbeats. A worker whose last heartbeat is four intervals old counts as hung or crashed.
INTERVAL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WorkerHeartbeat:
    node: str
    pid: int
    at: datetime

    def is_fresh(self, now: datetime) -> bool:
        return (now - self.at).total_seconds() < 4 * INTERVAL_SECONDS


def heartbeat_file(home: Path, node: str) -> Path:
    return home / "heartbeats" / f"{node}.json"


def read_heartbeats(home: Path) -> list[WorkerHeartbeat]:
    """Return the heartbeats in `home`. Unreadable files are skipped."""
    found = []
    for file in sorted((home / "heartbeats").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            beat = json.loads(file.read_text(encoding="utf-8"))
            found.append(WorkerHeartbeat(str(beat["node"]), int(beat["pid"]), datetime.fromisoformat(beat["at"])))
    return found
