"""Observe a chaos run: when jobs start and end, when a beat sends a task, and when keys are reported.

All times come from this process's clock, because one worker's clock is wrong.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.store_under_test import UNANSWERED, StoreUnderTest

_POLL_SECONDS = 0.1
SENDING = "Sending due task"
REPORT = re.compile(r"OpenAI keys: \d+ of \d+ healthy")


@dataclass(frozen=True)
class Start:
    """A run of a job, first seen at `at` (monotonic seconds). `owner` is the lease owner."""

    at: float
    job_id: str
    owner: str


@dataclass(frozen=True)
class LogLine:
    """A log line of the process `member`: a key report if `report`, else a task sent by this beat."""

    at: float
    member: str
    report: bool


class Watch:
    """A context manager that reads the jobs table and the logs in a thread. `logs` maps process names to log files."""

    def __init__(self, store: StoreUnderTest, logs: dict[str, Path]) -> None:
        self._store = store
        self._logs = logs
        self._read: dict[str, int] = dict.fromkeys(logs, 0)
        self._seen: set[tuple[str, str]] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.starts: list[Start] = []
        self.ends: dict[str, float] = {}
        self.log_lines: list[LogLine] = []

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(10)

    def first_start(self, job_ids: frozenset[str], after: float) -> float | None:
        """Return when one of the jobs was first seen running after the time `after`, or None.

        If a short run ended before it was seen, its end counts as its start.
        """
        seen = [start.at for start in list(self.starts) if start.job_id in job_ids]
        seen += [self.ends[job_id] for job_id in job_ids if job_id in self.ends]
        return min((at for at in seen if at > after), default=None)

    def sender(self) -> str | None:
        return next((one.member for one in reversed(self.log_lines) if not one.report), None)

    def first_sent(self, after: float, *, but: str = "") -> float | None:
        """Return when a beat other than `but` first sent a task after the time `after`, or None."""
        return min(
            (s.at for s in list(self.log_lines) if not s.report and s.at > after and s.member != but), default=None
        )

    def _run(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            self._look_at_jobs()
            for member, log in self._logs.items():
                self._look_at_log(member, log)

    def _look_at_jobs(self) -> None:
        try:
            rows = self._store.query(
                "SELECT id, state, lease_owner FROM jobs WHERE state NOT IN ('queued', 'deferred')"
            )
        except UNANSWERED:
            return
        now = time.monotonic()
        for job_id, state, owner in rows:
            if state != "running":
                self.ends.setdefault(job_id, now)
            elif (job_id, owner) not in self._seen:
                self._seen.add((job_id, owner))
                self.starts.append(Start(now, job_id, owner))

    def _look_at_log(self, member: str, log: Path) -> None:
        try:
            with log.open("rb") as file:
                file.seek(self._read[member])
                text = file.read()
        except FileNotFoundError:
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._read[member] += len(whole)
        now = time.monotonic()
        for line in whole.decode(errors="replace").splitlines():
            if SENDING in line:
                self.log_lines.append(LogLine(now, member, report=False))
            elif REPORT.search(line):
                self.log_lines.append(LogLine(now, member, report=True))
