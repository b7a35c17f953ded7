"""Measure the CPU seconds and memory of a process and its descendants."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import psutil

_SAMPLE_SECONDS = 1.0
_REST_SECONDS = 1.0
#: A process tree that uses less CPU than this in `_REST_SECONDS` is idle. Heartbeats and polls use less.
_REST_CPU_SECONDS = 0.05
_REST_PATIENCE_SECONDS = 60.0


def tree(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def cpu_seconds(process: psutil.Process) -> float:
    """Return the tree's user and system time so far, including processes that have ended."""
    total = 0.0
    for member in tree(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_mb(process: psutil.Process) -> float:
    """Return the tree's memory in MB (10^6 bytes): PSS, which counts shared pages once, or USS if there is no PSS."""
    total = 0
    for member in tree(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            found = member.memory_full_info()
            total += getattr(found, "pss", found.uss)
    return total / 1e6


def wait_for_rest(process: psutil.Process) -> None:
    """Wait until the tree uses almost no CPU, but at most a minute."""
    until, before = time.monotonic() + _REST_PATIENCE_SECONDS, cpu_seconds(process)
    while time.monotonic() < until:
        time.sleep(_REST_SECONDS)
        now = cpu_seconds(process)
        if now - before < _REST_CPU_SECONDS:
            return
        before = now


@contextlib.contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """Suspend the tree during the block, so that a queue can be filled before a worker consumes it."""
    members = tree(process)
    for member in members:
        member.suspend()
    try:
        yield
    finally:
        for member in members:
            member.resume()


class Busy:
    """A context manager that measures how busy the machine is. `share` is the busy share of all cores, 0 to 1."""

    share = 0.0

    def __enter__(self) -> Busy:
        self._before = psutil.cpu_times()
        return self

    def __exit__(self, *_: object) -> None:
        spent = [now - then for now, then in zip(psutil.cpu_times(), self._before, strict=True)]
        times = dict(zip(self._before._fields, spent, strict=True))
        # user time already includes guest time; waiting for a disk counts as idle
        total = sum(seconds for name, seconds in times.items() if not name.startswith("guest"))
        self.share = 1 - (times["idle"] + times.get("iowait", 0.0)) / total if total else 0.0

    @property
    def cores(self) -> float:
        return round(self.share * (psutil.cpu_count() or 1), 2)


class PeakMemory:
    """A context manager that samples `memory_mb` every second. `mb` is the highest sample."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory", daemon=True)
        self.mb = 0.0

    def _sample(self) -> None:
        while True:
            self.mb = max(self.mb, memory_mb(self._process))
            if self._over.wait(_SAMPLE_SECONDS):
                return

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
