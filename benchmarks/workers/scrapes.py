"""Measure the cost of `/metrics` and of key statistics while a worker's children are busy.

Two loads are measured: a storm (`wrk` requests as fast as possible), and a scraper that requests every few seconds and
therefore never gets a cached response.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import psutil

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from benchmarks.postgresql import PostgreSQL
from benchmarks.results import BenchmarkError
from benchmarks.workers.fleet import Fleet, fleet
from benchmarks.workers.options import Options, Pool
from benchmarks.workers.tables import DATABASE_NAMES, Rows, number, prose, table
from benchmarks.workers.usage import cpu_seconds

TARGET_MS = 50.0
KEYS = 300
POOL = Pool("prefork", 8)
ENDPOINTS = {"metrics": "/metrics", "stats": "/api/v1/admin/openai/stats"}
_CONNECTIONS = (1, 8)
_STORM_SECONDS = 20
_SCRAPES = 20
#: The pause before each scrape, which is longer than a response is cached.
_SCRAPE_GAP_SECONDS = 1.2
_MODEL_SECONDS = 1.0
#: The number of queued jobs, which is more than the children finish during the measurement.
_QUEUED = 6_000
#: The rate limit is disabled, because all requests of the storm have the same caller.
_VARIABLES = {"JWT_SECRET": "s" * 32, "API_RATE_LIMIT_PER_MINUTE": "0"}
_WRK_REPORT = Path(__file__).with_name("wrk_report.lua")


def measure(options: Options, servers: Mapping[str, PostgreSQL | None]) -> Iterator[dict[str, Any]]:
    program = shutil.which("wrk")
    if program is None:
        raise BenchmarkError("there is no wrk on PATH; install Debian's package wrk")
    for database, server in servers.items():
        with fleet(server, site_seconds=0.0, model_seconds=_MODEL_SECONDS, keys=KEYS, **_VARIABLES) as running:
            running.submit(running.targets(1, options.scaled(_QUEUED, least=100)))
            running.start_worker(POOL)
            running.start_maintenance_worker()
            running.start_beat()
            web = running.start_web()
            running.wait_until(lambda: running.model_calls() >= POOL.slots, "the first answers", 120)
            for endpoint, path in ENDPOINTS.items():
                for row in _rows(options, running, program, f"{web.address}{path}", web.process):
                    yield {"database": database, "endpoint": endpoint, "keys": KEYS, **row}
            if running.stores.jobs.counts()["queued"] == 0:
                raise BenchmarkError("the worker had nothing left to do before the end; queue more")


def _rows(options: Options, running: Fleet, program: str, url: str, web: psutil.Process) -> Iterator[dict[str, Any]]:
    token = issue_token(running.settings, Role.MANAGER, timedelta(hours=1), clock=SystemClock(), subject="tester")
    seconds = options.scaled(_STORM_SECONDS, least=2)
    for connections in _CONNECTIONS:
        for repeat in range(1, options.repeats + 1):
            with Cost(running, web) as cost:
                found = _storm(program, url, token, connections, seconds)
            yield {"load": f"wrk:{connections}", "repeat": repeat, **found, **cost.each(found["requests"])}
    with Cost(running, web) as cost:
        found = _scrapes(url, token, options.scaled(_SCRAPES, least=3))
    yield {"load": "scrape", "repeat": 1, **found, **cost.each(found["requests"])}


def _storm(program: str, url: str, token: str, connections: int, seconds: int) -> dict[str, Any]:
    command = [program, f"--connections={connections}", "--threads=1", f"--duration={seconds}s", "--timeout=10s"]
    done = subprocess.run(
        [*command, f"--script={_WRK_REPORT}", f"--header=Authorization: Bearer {token}", url],
        capture_output=True, text=True, timeout=seconds + 60, check=False,
    )  # fmt: skip
    figures = done.stdout.rpartition("report ")[2].split()
    if done.returncode or len(figures) != 5:
        raise BenchmarkError(f"wrk failed on {url}:\n{done.stdout[-500:]}{done.stderr[-500:]}")
    requests, errors, p50, p99, most = (int(figure) for figure in figures)
    return {"requests": requests, "errors": errors, "p50_ms": p50 / 1000, "p99_ms": p99 / 1000, "most_ms": most / 1000}


def _scrapes(url: str, token: str, count: int) -> dict[str, Any]:
    taken, errors = [], 0
    with httpx2.Client(timeout=20, trust_env=False, headers={"Authorization": f"Bearer {token}"}) as http:
        for _ in range(count):
            time.sleep(_SCRAPE_GAP_SECONDS)
            began = time.perf_counter()
            errors += http.get(url).status_code != 200
            taken.append(1000 * (time.perf_counter() - began))
    taken.sort()
    nearly_all = taken[min(len(taken) - 1, int(0.99 * len(taken)))]
    return {
        "requests": count,
        "errors": errors,
        "p50_ms": statistics.median(taken),
        "p99_ms": nearly_all,
        "most_ms": taken[-1],
    }


class Cost:
    """A context manager that measures the CPU time of the web server and of Valkey."""

    def __init__(self, running: Fleet, web: psutil.Process) -> None:
        self._processes = {"web": web, "valkey": psutil.Process(int(running.broker.info("server")["process_id"]))}
        self._spent: dict[str, float] = {}

    def __enter__(self) -> Cost:
        self._spent = {name: -cpu_seconds(process) for name, process in self._processes.items()}
        return self

    def __exit__(self, *_: object) -> None:
        for name, process in self._processes.items():
            self._spent[name] += cpu_seconds(process)

    def each(self, requests: int) -> dict[str, float]:
        """Return the CPU milliseconds per request. Valkey also serves the workers, so its value is an upper bound."""
        return {f"{name}_cpu_ms": round(1000 * spent / max(1, requests), 3) for name, spent in self._spent.items()}


def section(rows: Rows) -> str:
    heads = ["database", "endpoint", "load", "requests/run", "p50", f"p99 (target ≤ {TARGET_MS:.0f} ms)", "longest"]
    heads += ["web CPU per request"]
    lines = []
    for place in dict.fromkeys((row["database"], row["endpoint"], row["load"]) for row in rows):
        ours = [row for row in rows if (row["database"], row["endpoint"], row["load"]) == place]
        p99 = statistics.median(row["p99_ms"] for row in ours)
        failed = sum(row["errors"] for row in ours)
        lines.append(
            [
                DATABASE_NAMES[place[0]],
                ENDPOINTS[place[1]],
                _LOADS[place[2]] + (f", {failed} failed" if failed else ""),
                number(statistics.median(row["requests"] for row in ours), 0),
                f"{number(statistics.median(row['p50_ms'] for row in ours), 1)} ms",
                f"{number(p99, 1)} ms" + ("" if p99 <= TARGET_MS else " **missed**"),
                f"{number(max(row['most_ms'] for row in ours), 1)} ms",
                f"{number(statistics.median(row['web_cpu_ms'] for row in ours), 2)} ms",
            ]
        )
    return f"## Metrics and statistics under load\n\n{prose(_ABOUT)}\n\n{table(heads, lines)}"


_LOADS = {"wrk:1": "wrk, 1 connection", "wrk:8": "wrk, 8 connections", "scrape": "one every 1.2 s"}
_ABOUT = f"""
{KEYS} keys, {POOL.slots} busy worker processes, the maintenance worker, beat, one web process, and `wrk`, on the same
cores. `wrk` sends the next request at once. A request every 1.2 s never meets a cached answer, as with Prometheus.
"""
