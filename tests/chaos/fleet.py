"""The processes of a chaos run: two workers with four child processes each, a maintenance worker, and two beats.

A process that ends is restarted after `RESTART_SECONDS`. The clock of one scrape worker may be an hour ahead
(libfaketime).
"""

import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.services.runtime.heartbeats import MAINTENANCE_THREADS, read_heartbeats
from cli.processes import Child, Supervisor
from cli.services import Services

CHILDREN = 4
#: How long after its end a process is restarted, in seconds.
RESTART_SECONDS = 2.0
_START_SECONDS = 90.0
_CELERY = ["celery", "-A", "worker"]
_INFO = ["--loglevel=INFO"]
#: At level DEBUG, beat logs the tasks it sends.
_TICKS = "--loglevel=DEBUG"


def faketime_library() -> Path | None:
    """Return the path of libfaketime's library for threaded programs (Debian), or None if it is missing."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def _skewed(env: Mapping[str, str]) -> dict[str, str]:
    return {
        **env,
        "LD_PRELOAD": str(faketime_library()),
        "FAKETIME": "+1h",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",  # otherwise, libfaketime leaves a lock in shared memory when its process is killed
        "NO_FAKE_STAT": "1",
    }


@dataclass
class Member:
    """A process of the fleet. `due_at` is the time of its next restart, or None while it runs."""

    name: str
    arguments: list[str]
    services: Services
    child: Child | None = None
    due_at: float | None = None


class Fleet:
    def __init__(self, home: Path, env: Mapping[str, str], supervisor: Supervisor, *, skewed_clock: bool) -> None:
        self.home = home
        self._supervisor = supervisor
        right = Services(home, env, cwd=home, logs=home)
        wrong = Services(home, _skewed(env), cwd=home, logs=home) if skewed_clock else right
        self.workers = [_worker("scrape-1", right, CHILDREN), _worker("scrape-2", wrong, CHILDREN)]
        self.maintenance = _worker("maintenance", right, 0)
        self.beats = [Member(f"beat-{n}", [*_CELERY, "beat", "--pidfile=", _TICKS], right) for n in (1, 2)]
        self.members = [*self.workers, self.maintenance, *self.beats]
        #: Names and exit codes of the processes that ended without being killed.
        self.ended: list[str] = []

    def start(self) -> None:
        for member in self.members:
            self._start(member)
        wanted = {member.child.process.pid for member in (*self.workers, self.maintenance) if member.child}
        self._supervisor.wait_until(
            lambda: wanted <= {beat.pid for beat in read_heartbeats(self.home)}, "the workers", _START_SECONDS
        )

    def tend(self) -> None:
        """Restart the processes whose restart is due. Schedule a restart of those that ended unexpectedly."""
        now = time.monotonic()
        for member in self.members:
            if member.child is not None and (code := member.child.process.poll()) is not None:
                self.ended.append(f"{member.name}, exit code {code}")
                self.bury(member)
            if member.due_at is not None and member.due_at <= now:
                self._start(member)

    def bury(self, member: Member) -> None:
        """Kill the remaining child processes of an ended process, and schedule its restart."""
        if member.child is not None:
            self._supervisor.stop_child(member.child)
            member.child, member.due_at = None, time.monotonic() + RESTART_SECONDS

    def stop(self) -> None:
        running = [member.child for member in self.members if member.child is not None]
        for child in running:
            child.process.terminate()
        for child in running:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(child.grace_seconds)
        self._supervisor.stop()

    def pool_of(self, member: Member) -> set[int]:
        return self.session_of(member) - ({member.child.process.pid} if member.child else set())

    def session_of(self, member: Member) -> set[int]:
        if member.child is None:
            return set()
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(member.child.process.pid)
            return {process.pid, *(one.pid for one in process.children(recursive=True))}
        return set()

    def logs(self) -> dict[str, Path]:
        return {member.name: self.home / f"{member.name}.log" for member in self.members}

    def _start(self, member: Member) -> None:
        grace_seconds = 10.0 if member in self.beats else 25.0
        member.child = member.services.start(
            self._supervisor, member.name, member.arguments, grace_seconds=grace_seconds
        )
        member.due_at = None


def _worker(name: str, services: Services, children: int) -> Member:
    scraping = [f"--concurrency={children}", "-Q", "scrape"]
    pool = scraping if children else ["--pool=threads", f"--concurrency={MAINTENANCE_THREADS}", "-Q", "maintenance"]
    return Member(name, [*_CELERY, "worker", f"--hostname={name}@chaos", "--without-mingle", *pool, *_INFO], services)


def processes_of(home: Path) -> list[psutil.Process]:
    """Return the running processes whose working directory is in `home` or whose PROPINTEL_HOME is `home`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            mine = process.environ().get("PROPINTEL_HOME") == str(home) or Path(process.cwd()).is_relative_to(home)
            if mine and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found
