"""Slots that run jobs one after another and record the results.

All contestants are treated alike: a job is one call of the library. After an error, the job waits for the error's
`retry-after` (or a second) and calls again. A job fails after 60 s.
"""

import asyncio
import random
import resource
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.keypool.jobs import Job, all_jobs

JOB_SECONDS = 60.0
_DRAIN_SECONDS = 4.0


class Contestant(Protocol):
    """A library under test. If `is_async`, `acall` is called, else `call`. Both raise the library's own errors."""

    is_async: bool

    def call(self, job: Job, seconds: float) -> None: ...

    async def acall(self, job: Job, seconds: float) -> None: ...


@dataclass(frozen=True)
class Plan:
    """The plan of one process. `start`, `window` (where measuring begins), and `end` are times of the monotonic clock.

    `rate` is the process's arrivals per second; None means a closed loop.
    """

    start: float
    window: float
    end: float
    slots: int
    seed: int
    rate: float | None = None


@dataclass
class Record:
    """The results of the jobs: `(due, start, end, calls, outcome)`, with outcome "ok", "failed", or "unfinished"."""

    calls: list[tuple[float, float, float, int, str]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    cpu_seconds: float = 0.0


class Driver:
    def __init__(self, contestant: Contestant, plan: Plan) -> None:
        self._contestant = contestant
        self._plan = plan
        self._jobs = all_jobs()
        self._chance = random.Random(plan.seed)
        self._arrivals = self._dues()
        self._lock = threading.Lock()
        self.record = Record()
        self._open: dict[int, tuple[float, float]] = {}

    def run(self) -> Record:
        """Run the plan. A job that is still running at the end counts as failed after 60 s, else as unfinished."""
        meter = threading.Thread(target=self._measure_cpu, daemon=True)
        meter.start()
        if self._contestant.is_async:
            asyncio.run(self._run_async())
        else:
            threads = [threading.Thread(target=self._slot, args=(n,), daemon=True) for n in range(self._plan.slots)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(max(0.0, self._plan.end + _DRAIN_SECONDS - time.monotonic()))
        meter.join()
        now = time.monotonic()
        for due, start in list(self._open.values()):
            self._add(due, start, now, 1, "failed" if now - start > JOB_SECONDS else "unfinished")
        return self.record

    def _measure_cpu(self) -> None:
        _sleep_until(self._plan.window)
        before = _cpu_seconds()
        _sleep_until(self._plan.end)
        self.record.cpu_seconds = _cpu_seconds() - before

    def _dues(self) -> Iterator[tuple[float, Job]]:
        """Yield jobs, each with the time when it is due. In a closed loop, a job is due when a slot requests it."""
        at = self._plan.start
        while True:
            job = self._chance.choice(self._jobs)
            if self._plan.rate is None:
                yield max(self._plan.start, time.monotonic()), job
            else:
                at += self._chance.expovariate(self._plan.rate)
                yield at, job

    def _next(self) -> tuple[float, Job] | None:
        with self._lock:
            due, job = next(self._arrivals)
        return None if due >= self._plan.end else (due, job)

    def _add(self, due: float, start: float, end: float, calls: int, outcome: str) -> None:
        self.record.calls.append((due, start, end, calls, outcome))

    def _after_error(self, exc: Exception, start: float, now: float) -> float | None:
        """Return the seconds until the next call. Return None if the job's 60 s or the plan end before that call."""
        self.record.errors[type(exc).__name__] += 1
        pause = _pause_of(exc)
        return None if now + pause >= min(start + JOB_SECONDS, self._plan.end) else pause

    def _slot(self, number: int) -> None:
        _sleep_until(self._plan.start)
        while (got := self._next()) is not None:
            due, job = got
            _sleep_until(due)
            start, calls, outcome = time.monotonic(), 0, ""
            self._open[number] = (due, start)
            while not outcome:
                calls += 1
                try:
                    self._contestant.call(job, start + JOB_SECONDS - time.monotonic())
                    outcome = _in_time(start)
                except Exception as exc:  # noqa: BLE001 (any error of a peer is a result)
                    pause = self._after_error(exc, start, time.monotonic())
                    if pause is None:
                        outcome = self._lost(start)
                    else:
                        time.sleep(pause)
            del self._open[number]
            self._add(due, start, time.monotonic(), calls, outcome)

    async def _run_async(self) -> None:
        tasks = [asyncio.create_task(self._aslot(n)) for n in range(self._plan.slots)]
        _, pending = await asyncio.wait(tasks, timeout=self._plan.end + _DRAIN_SECONDS - time.monotonic())
        kept = dict(self._open)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        self._open = kept

    async def _aslot(self, number: int) -> None:
        await asyncio.sleep(max(0.0, self._plan.start - time.monotonic()))
        while (got := self._next()) is not None:
            due, job = got
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            start, calls, outcome = time.monotonic(), 0, ""
            self._open[number] = (due, start)
            while not outcome:
                calls += 1
                try:
                    await self._contestant.acall(job, start + JOB_SECONDS - time.monotonic())
                    outcome = _in_time(start)
                except Exception as exc:  # noqa: BLE001 (any error of a peer is a result)
                    pause = self._after_error(exc, start, time.monotonic())
                    if pause is None:
                        outcome = self._lost(start)
                    else:
                        await asyncio.sleep(pause)
            del self._open[number]
            self._add(due, start, time.monotonic(), calls, outcome)

    def _lost(self, start: float) -> str:
        return "failed" if start + JOB_SECONDS <= self._plan.end else "unfinished"


def _in_time(start: float) -> str:
    return "ok" if time.monotonic() - start <= JOB_SECONDS else "failed"


def _pause_of(exc: Exception) -> float:
    headers: Any = getattr(getattr(exc, "response", None), "headers", None) or {}
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.001, float(headers.get(name)) / unit)
        except (TypeError, ValueError):
            continue
    return 1.0


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
