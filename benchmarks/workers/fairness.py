"""Measure how long a small batch takes if it is queued after a huge one of the same priority, and on an idle fleet."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.postgresql import PostgreSQL
from benchmarks.workers.fleet import Fleet, fleet
from benchmarks.workers.options import Options, Pool
from benchmarks.workers.tables import DATABASE_NAMES, Rows, median, number, prose, table
from simulators.site import homes

_HUGE, _SMALL = 10_000, 20
_WORKER = Pool("prefork", 4)
_SITE_SECONDS = 0.2
#: The time between submitting the huge batch and submitting the small one.
_HEAD_START_SECONDS = 5.0
_PATIENCE_SECONDS = 300.0


def measure(options: Options, servers: Mapping[str, PostgreSQL | None]) -> Iterator[dict[str, Any]]:
    huge = options.scaled(_HUGE, least=100)
    for repeat in range(1, options.repeats + 1):
        for database, server in servers.items():
            with fleet(server, site_seconds=_SITE_SECONDS) as running:
                yield {"database": database, "repeat": repeat, "huge": huge, "small": _SMALL, **_one(running, huge)}


def _one(running: Fleet, huge: int) -> dict[str, Any]:
    first = homes.COUNT + 1 - 3 * _SMALL  # the small batches get the last homes, so that jobs fetch different pages
    running.start_worker(_WORKER)
    _seconds(running, first)  # a warm-up: the result is ignored
    alone = _seconds(running, first + _SMALL)
    batch = running.submit(running.targets(1, min(huge, first - 1))).batch
    resume = time.monotonic() + _HEAD_START_SECONDS
    running.wait_until(lambda: time.monotonic() > resume, "the head start", 2 * _HEAD_START_SECONDS)
    behind = _seconds(running, first + 2 * _SMALL)
    left = running.stores.jobs.counts(batch)["queued"]
    return {"alone_seconds": alone, "behind_seconds": behind, "huge_left": left, "complaints": running.complaints()}


def _seconds(running: Fleet, first: int) -> float | None:
    began = time.perf_counter()
    batch = running.submit(running.targets(first, _SMALL)).batch
    try:
        running.wait_for_batch(batch, _PATIENCE_SECONDS)
    except TimeoutError:
        return None
    return round(time.perf_counter() - began, 2)


def section(rows: Rows) -> str:
    heads = ["database", "idle fleet", "behind the huge batch", "its jobs still queued"]
    lines = []
    for database in dict.fromkeys(row["database"] for row in rows):
        ours = [row for row in rows if row["database"] == database]
        shown = [_shown(ours, figure) for figure in ("alone_seconds", "behind_seconds")]
        lines.append([DATABASE_NAMES[database], *shown, number(median(ours, "huge_left"), 0)])
    huge = number(median(rows, "huge"), 0)
    about = (
        f"Time until {_SMALL} jobs are done by {_WORKER.slots} children, {_SITE_SECONDS} s per page: alone, and "
        f"{_HEAD_START_SECONDS:.0f} s after a batch of {huge} jobs of the same priority."
    )
    return f"## A small batch behind a huge one\n\n{prose(about)}\n\n{table(heads, lines)}"


def _shown(rows: Rows, figure: str) -> str:
    if any(row[figure] is None for row in rows):
        return f"more than {_PATIENCE_SECONDS:.0f} s"
    return f"{number(median(rows, figure), 1)} s"
