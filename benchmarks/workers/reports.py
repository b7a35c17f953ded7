"""Measure key reports while the fleet is busy: whether all are made, how late they are, and the cost of recovery.

Ten thousand jobs are queued, all children of one worker wait for a slow site, and another worker consumes the queue
`maintenance`. Times come from Celery's events.
"""

import itertools
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from celery import Celery

from benchmarks.postgresql import PostgreSQL
from benchmarks.results import BenchmarkError
from benchmarks.workers.fleet import Fleet, fleet
from benchmarks.workers.options import Options, Pool
from benchmarks.workers.tables import DATABASE_NAMES, Rows, number, prose, table

TARGET_LATE_SECONDS = 2.0
_INTERVAL_SECONDS = 5
_QUEUED = 10_000
_WINDOW_SECONDS = 120
#: The site's response time: long enough to keep the children busy, but below the fetcher's timeout.
_SITE_SECONDS = 15.0
_REPORT, _RECOVERY = "tasks.health.report_key_stats", "tasks.recovery.recover_jobs"


@dataclass
class Events:
    """The successful tasks by name: when they ended (seconds since the epoch), and how many seconds they ran."""

    ended_at: dict[str, list[float]] = field(default_factory=dict)
    runtimes: dict[str, list[float]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def note(self, event: dict[str, Any]) -> None:
        if event["type"] == "task-received":
            self._names[event["uuid"]] = event["name"]
        elif event["type"] == "task-succeeded":
            name = self._names.get(event["uuid"], "")
            self.ended_at.setdefault(name, []).append(float(event["timestamp"]))
            self.runtimes.setdefault(name, []).append(float(event["runtime"]))


class Watch:
    def __init__(self, app: Celery) -> None:
        self.events = Events()
        self._app = app
        self._over = False
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def _run(self) -> None:
        with self._app.connection() as connection:
            receiver = self._app.events.Receiver(connection, handlers={"*": self.events.note})
            while not self._over:
                try:
                    receiver.capture(limit=None, timeout=1, wakeup=False)
                except TimeoutError:
                    continue

    def __enter__(self) -> Events:
        self._thread.start()
        return self.events

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join(10)


def measure(options: Options, servers: Mapping[str, PostgreSQL | None]) -> Iterator[dict[str, Any]]:
    queued, seconds = options.scaled(_QUEUED, least=50), options.scaled(_WINDOW_SECONDS, least=3 * _INTERVAL_SECONDS)
    for database, server in servers.items():
        interval = str(_INTERVAL_SECONDS)
        with fleet(
            server, site_seconds=_SITE_SECONDS, model_seconds=1.0, KEY_REPORT_INTERVAL_SECONDS=interval
        ) as running:
            yield {"database": database, "seconds": seconds, **_one(running, queued, seconds)}


def _one(running: Fleet, queued: int, seconds: int) -> dict[str, Any]:
    running.submit(running.targets(1, queued))
    running.start_worker(Pool("prefork", 4))
    running.start_maintenance_worker()
    with Watch(running.sender) as events:
        running.start_beat()
        # the first report is slow, because the worker has just started, so counting begins with the second
        running.wait_until(lambda: len(events.ended_at.get(_REPORT, ())) > 1, "the first reports", 60)
        before, sent = running.stores.jobs.counts(), len(events.ended_at.get(_RECOVERY, ()))
        until = time.monotonic() + seconds + _INTERVAL_SECONDS / 2
        running.wait_until(lambda: time.monotonic() > until, "the end of the window", seconds + 60)
    after = running.stores.jobs.counts()
    if after["queued"] < 0.5 * before["queued"]:
        raise BenchmarkError(f"only {after['queued']} jobs were still queued at the end; the site was not slow enough")
    recovery = events.runtimes.get(_RECOVERY, [])[sent:]
    return {
        **lateness(events.ended_at[_REPORT][1:], seconds),
        "queued_at_first": before["queued"],
        "queued_at_last": after["queued"],
        "recoveries": len(recovery),
        "recovery_ms_median": round(1000 * statistics.median(recovery), 1) if recovery else None,
        "recovery_ms_most": round(1000 * max(recovery), 1) if recovery else None,
        "messages": running.messages(),
        "complaints": running.complaints("maintenance"),
    }


def lateness(reported_at: Sequence[float], seconds: float) -> dict[str, Any]:
    """Return the numbers of due and seen reports, and the largest delay in seconds.

    One report is due in every interval. The report that came earliest in its interval counts as on time.
    `gap_most_seconds` is the longest time between two reports.
    """
    turns: dict[int, float] = {}
    for moment in reported_at:
        turns.setdefault(round((moment - reported_at[0]) / _INTERVAL_SECONDS), moment)
    expected = int(seconds // _INTERVAL_SECONDS) + 1
    phases = [moment - turn * _INTERVAL_SECONDS for turn, moment in turns.items() if turn < expected]
    gaps = [later - earlier for earlier, later in itertools.pairwise(reported_at)]
    return {
        "expected": expected,
        "seen": len(phases),
        "late_most_seconds": round(max(phases) - min(phases), 3),
        "gap_most_seconds": round(max(gaps, default=0.0), 3),
    }


def section(rows: Rows) -> str:
    heads = ["database", "jobs queued", "reports due", "seen", "latest", "longest gap", "recovery, median", "most"]
    lines = []
    for row in rows:
        kept = row["seen"] == row["expected"] and row["late_most_seconds"] <= TARGET_LATE_SECONDS
        recovery = [row["recovery_ms_median"], row["recovery_ms_most"]]
        lines.append(
            [
                DATABASE_NAMES[row["database"]],
                number(row["queued_at_last"], 0),
                str(row["expected"]),
                str(row["seen"]) + ("" if kept else " **missed**"),
                f"{number(row['late_most_seconds'], 2)} s",
                f"{number(row['gap_most_seconds'], 2)} s",
                *("–" if value is None else f"{number(value, 0)} ms" for value in recovery),
            ]
        )
    return f"## Reports on schedule\n\n{prose(_ABOUT)}\n\n{table(heads, lines)}"


_ABOUT = f"""
A report every {_INTERVAL_SECONDS} s while a slow site holds one worker's four children and all other jobs are queued.
The Procfile's maintenance worker makes the reports and recovers jobs every five seconds. Target: all reports, at most
{TARGET_LATE_SECONDS:.0f} s late.
"""
