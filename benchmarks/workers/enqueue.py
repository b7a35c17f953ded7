"""Enqueue ten thousand targets: from a file with `propintel enqueue`, over HTTP, and with bare `apply_async`."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from benchmarks.postgresql import PostgreSQL
from benchmarks.results import BenchmarkError
from benchmarks.workers.bare import do_nothing
from benchmarks.workers.fleet import Fleet, fleet
from benchmarks.workers.options import Options
from benchmarks.workers.tables import DATABASE_NAMES, Rows, median, number, prose, table

_TARGETS = 10_000
_MOST_SECONDS = 600
_SECRET = "only-for-the-benchmark-0123456789abcdef"  # noqa: S105 (signs tokens of a server that lives for seconds)


def measure(options: Options, servers: Mapping[str, PostgreSQL | None]) -> Iterator[dict[str, Any]]:
    count = options.scaled(_TARGETS, least=20)
    ways: dict[str, Callable[[Fleet, list[str]], float]] = {"file": _by_file, "http": _over_http, "bare": _bare}
    for repeat in range(1, options.repeats + 1):
        for database, server in servers.items():
            for way, act in ways.items():
                with fleet(server, JWT_SECRET=_SECRET) as running:
                    seconds = act(running, running.targets(1, count))
                    yield {
                        "database": database,
                        "repeat": repeat,
                        "way": way,
                        "targets": count,
                        "seconds": round(seconds, 3),
                        "rows": running.stores.jobs.counts()["queued"],
                        "messages": running.messages(),
                    }


def _by_file(running: Fleet, targets: list[str]) -> float:
    file = running.home / "targets.txt"
    file.write_text("\n".join(targets), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("propintel")), "enqueue", "--file", str(file), "--format", "json"]
    began = time.perf_counter()
    done = subprocess.run(
        command, env=running.env, cwd=running.home, capture_output=True, text=True, timeout=_MOST_SECONDS, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode or len(json.loads(done.stdout)["jobs"]) != len(targets):
        raise BenchmarkError(f"propintel enqueue ended with {done.returncode}: {done.stderr[-2000:]}")
    return seconds


def _over_http(running: Fleet, targets: list[str]) -> float:
    address = running.start_web().address
    token = issue_token(running.settings, Role.OPERATOR, timedelta(hours=1), clock=SystemClock(), subject="tester")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=address, headers=headers, timeout=_MOST_SECONDS, trust_env=False) as http:
        http.get("/api/v1/jobs").raise_for_status()
        began = time.perf_counter()
        answer = http.post("/api/v1/jobs", json={"targets": targets})
        seconds = time.perf_counter() - began
    if answer.status_code != 202 or len(answer.json()["data"]["jobs"]) != len(targets):
        raise BenchmarkError(f"POST /api/v1/jobs answered {answer.status_code}: {answer.text[:2000]}")
    return seconds


def _bare(running: Fleet, targets: list[str]) -> float:
    task = running.sender.tasks[do_nothing.name]
    began = time.perf_counter()
    for target in targets:
        task.apply_async((target,))
    return time.perf_counter() - began


_WAYS = {
    "file": "`propintel enqueue --file`, the whole process",
    "http": "`POST /api/v1/jobs`, one request",
    "bare": "`apply_async` of a task that does nothing, one by one",
}


def section(rows: Rows) -> str:
    heads = ["database", "way", "seconds", "targets/s", "rows", "messages"]
    lines = []
    for database, way in dict.fromkeys((row["database"], row["way"]) for row in rows):
        ours = [row for row in rows if (row["database"], row["way"]) == (database, way)]
        seconds, targets = median(ours, "seconds"), median(ours, "targets")
        counts = [number(median(ours, name), 0) for name in ("rows", "messages")]
        lines.append([DATABASE_NAMES[database], _WAYS[way], number(seconds, 2), number(targets / seconds, 0), *counts])
    about = f"{number(median(rows, 'targets'), 0)} targets, from the call to its answer; no worker runs."
    return f"## Enqueueing\n\n{prose(about)}\n\n{table(heads, lines)}"
