"""Run one contestant in one mode, from starting the servers to collecting the raw data."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.keypool import processes
from benchmarks.keypool.contestants import Entry
from benchmarks.keypool.modes import Event, Mode, unlimited_key
from benchmarks.keypool.worker.driver import JOB_SECONDS, Plan

_LEAD_SECONDS = 1.0


@dataclass(frozen=True)
class Size:
    """The options of a run, with times in seconds.

    `start_level` is how full the simulator's buckets are at first, 0 to 1.
    """

    processes: int = 8
    slots: int = 16
    warmup: float = 15.0
    window: float = 120.0
    max_wait_seconds: float = 30.0
    strategy: str = "round_robin"
    start_level: float = 0.0


Snapshot = Mapping[str, Any]
Segment = tuple[Snapshot, Snapshot]


@dataclass(frozen=True)
class Raw:
    """The raw data of one run.

    Each of the `segments` is a part of the window without a change of limits, as its (first, last) snapshot.
    """

    window: tuple[float, float]
    first: Snapshot
    segments: tuple[Segment, ...]
    last: Snapshot
    refusals: Mapping[str, list[float]]
    workers: tuple[Mapping[str, Any], ...]
    simulator_cpu_share: float
    log: str
    per_second: float


class Run:
    def __init__(self, entry: Entry, mode: Mode, size: Size, repeat: int) -> None:
        self._entry = entry
        self._mode = mode
        self._size = size
        self._seed = 1000 * repeat
        self._count = mode.processes or size.processes
        self._slots = mode.slots or size.slots
        self._keys = mode.keys() if entry.pooled else unlimited_key()

    def go(self) -> Raw:
        """Start the servers and workers, and measure. Raises `BenchmarkError` if a process does not start or answer."""
        with ExitStack() as running:
            needs_redis = self._entry.uses_redis
            redis = running.enter_context(processes.redis_server()) if needs_redis else None
            home = running.enter_context(tempfile.TemporaryDirectory(prefix="bench-keypool-"))
            config = {"server": self._server_options(), "keys": self._keys}
            simulator = running.enter_context(processes.simulator(config))
            workers = running.enter_context(processes.workers())
            setup = {
                "contestant": self._entry.module,
                "option": self._entry.option,
                "keys": self._keys,
                "base_url": simulator.base_url,
                "redis_url": redis.url if redis else "",
                "home": home,
                "slots": self._slots,
                "max_wait_seconds": self._size.max_wait_seconds,
                "strategy": self._size.strategy,
                "streams": self._mode.streams,
            }
            workers.start(self._entry.python, self._count, setup)
            return self._measure(simulator, redis, workers)

    def _measure(
        self, simulator: processes.Simulator, redis: processes.RedisServer | None, workers: processes.Workers
    ) -> Raw:
        first = simulator.get("/control/stats")
        start = time.monotonic() + _LEAD_SECONDS
        window = start + self._size.warmup
        end = window + self._size.window
        workers.begin([self._plan(n, start, window, end) for n in range(self._count)])
        _sleep_until(window)
        cpu = simulator.cpu_seconds()
        snapshots = [simulator.get("/control/stats")]
        for event in self._mode.events:
            _sleep_until(window + event.at * self._size.window)
            snapshots += self._apply(event, simulator, redis)
        _sleep_until(end)
        snapshots.append(simulator.get("/control/stats"))
        share = (simulator.cpu_seconds() - cpu) / self._size.window
        reports = workers.results(JOB_SECONDS)
        return Raw(
            window=(window, end),
            first=first,
            segments=tuple(zip(snapshots[::2], snapshots[1::2], strict=True)),
            last=simulator.get("/control/stats"),
            refusals=simulator.get("/control/refusals"),
            workers=tuple(reports),
            simulator_cpu_share=share,
            log=workers.log(),
            per_second=self._mode.per_second,
        )

    def _server_options(self) -> dict[str, Any]:
        level = self._size.start_level if self._mode.load == "closed" else 1.0
        return {"start_level": level, **self._mode.server_options(), "seed": self._seed + 1}

    def _plan(self, number: int, start: float, window: float, end: float) -> Plan:
        closed = self._mode.load == "closed" and self._entry.pooled
        # the baseline has no limits, so it gets as many jobs per second as the pool, to make its CPU time comparable
        share = self._mode.rate if self._mode.load == "open" else 1.0
        rate = None if closed else share * self._mode.per_second / self._count
        return Plan(start, window, end, self._slots, self._seed + number, rate)

    def _apply(self, event: Event, simulator: processes.Simulator, redis: processes.RedisServer | None) -> list[Any]:
        if event.limits is not None:
            taken = simulator.get("/control/stats")
            changed = [
                {"key": k["key"], "rpm": k["rpm"] * event.limits, "tpm": k["tpm"] * event.limits} for k in self._keys
            ]
            simulator.post("/control/keys", changed)
            return [taken, simulator.get("/control/stats")]
        if event.redis_down_seconds is not None and redis is not None:
            redis.kill()
            time.sleep(event.redis_down_seconds)
            redis.start()
        if event.server_down_seconds is not None:
            failing = [{"key": k["key"], "behavior": "flaky", "failure_rate": 1.0} for k in self._keys]
            simulator.post("/control/keys", failing)
            time.sleep(event.server_down_seconds)
            simulator.post("/control/keys", [{"key": k["key"], "behavior": "ok"} for k in self._keys])
        return []


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
