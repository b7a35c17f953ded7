"""Record each kill and the jobs it interrupted.

Only an interrupted job may fetch a page or pay for a model call again. A process is stopped before it is killed, so
that its jobs and saved checkpoints cannot change while they are read.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos.store_under_test import StoreUnderTest, patient_query

#: Seconds to wait after a process is stopped, so that the database can finish its last commit.
_SETTLE_SECONDS = 0.05


@dataclass(frozen=True)
class InterruptedJob:
    """A job that a killed process was running, and whether its page and answer were already saved."""

    job_id: str
    target: str
    page_saved: bool
    answer_saved: bool


@dataclass(frozen=True)
class Kill:
    """Processes killed together. `at` is in monotonic seconds. `what` is "child", "worker", "beat", or "poison"."""

    what: str
    at: float
    pids: frozenset[int]
    interrupted: tuple[InterruptedJob, ...]


class Ledger:
    def __init__(self, store: StoreUnderTest) -> None:
        self._store = store
        self._lock = threading.Lock()
        self.kills: list[Kill] = []

    def kill(self, what: str, pids: Iterable[int]) -> Kill:
        """Stop the processes with SIGSTOP, record their jobs, and kill them."""
        doomed = frozenset(pids)
        with self._lock:
            _signal(doomed, signal.SIGSTOP)
            time.sleep(_SETTLE_SECONDS)
            interrupted = self._interrupted(doomed)
            _signal(doomed, signal.SIGKILL)
            kill = Kill(what, time.monotonic(), doomed, interrupted)
            self.kills.append(kill)
            return kill

    def _interrupted(self, pids: frozenset[int]) -> tuple[InterruptedJob, ...]:
        running = patient_query(self._store, "SELECT id, target, lease_owner FROM jobs WHERE state = 'running'")
        mine = [(job_id, target) for job_id, target, owner in running if pid_of(owner) in pids]
        if not mine:
            return ()
        pages = dict(patient_query(self._store, "SELECT job_id, sha256 FROM pages WHERE job_id IS NOT NULL"))
        answers = {
            row[0] for row in patient_query(self._store, "SELECT content_sha256 FROM llm_cache WHERE kind = 'page'")
        }
        return tuple(InterruptedJob(j, target, j in pages, pages.get(j) in answers) for j, target in mine)

    def excused(self) -> tuple[Counter[str], Counter[str]]:
        """Return by job target how many repeated fetches, and how many repeated model calls, the kills explain."""
        pages: Counter[str] = Counter()
        calls: Counter[str] = Counter()
        for interrupted in (interrupted for kill in self.kills for interrupted in kill.interrupted):
            pages[interrupted.target] += not interrupted.page_saved
            calls[interrupted.target] += not interrupted.answer_saved
        return pages, calls


def pid_of(owner: str | None) -> int:
    """Return the process id in a lease owner's name, `HOST:PARENT:TOKEN:PID:TOKEN`, or 0 if it has another form."""
    parts = (owner or "").rsplit(":", 2)
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else 0


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
