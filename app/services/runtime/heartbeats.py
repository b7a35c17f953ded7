"""Where workers leave their heartbeat, and what is read from it: proof of life that asks no broker.

The files are written by `worker.heartbeat`, in the worker's parent process.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

#: one for each task of beat's schedule and some to spare: a database that is locked keeps all but the report waiting
MAINTENANCE_THREADS = 12
#: a heartbeat older than a few of these belongs to a worker that hangs or is gone
INTERVAL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WorkerHeartbeat:
    """The newest sign of life of one worker: its node name (`celery@host`) and the process id of its parent."""

    node: str
    pid: int
    at: datetime

    def is_fresh(self, now: datetime) -> bool:
        return (now - self.at).total_seconds() < 4 * INTERVAL_SECONDS


def heartbeat_file(home: Path, node: str) -> Path:
    """Return `PROPINTEL_HOME/heartbeats/NODE.json`."""
    return home / "heartbeats" / f"{node}.json"


def read_heartbeats(home: Path) -> list[WorkerHeartbeat]:
    """Every worker that left a heartbeat below `home` and did not take it away; unreadable files are skipped."""
    found = []
    for file in sorted((home / "heartbeats").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            beat = json.loads(file.read_text(encoding="utf-8"))
            found.append(WorkerHeartbeat(str(beat["node"]), int(beat["pid"]), datetime.fromisoformat(beat["at"])))
    return found
