"""Measure a job's overhead over a bare Celery task: claim, lease, finish, and the check whether its property is fresh.

The job's property is already stored, so nothing is fetched or read. In one worker, rounds of jobs alternate with rounds
of bare tasks. The worker is suspended while a round is queued.
"""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import psutil

from app.property.page import Page
from app.property.reading.pipeline import extract
from app.property.source_record import SourceRecord
from benchmarks.postgresql import PostgreSQL
from benchmarks.saving import save_record
from benchmarks.workers.bare import do_nothing
from benchmarks.workers.fleet import Fleet, fleet
from benchmarks.workers.options import Options, Pool
from benchmarks.workers.tables import DATABASE_NAMES, Rows, median, number, prose, table
from benchmarks.workers.usage import cpu_seconds, stopped, wait_for_rest
from simulators.site import homes
from tasks._celery.publish import send_jobs

TARGET_MS = 5.0
POOLS = (Pool("prefork", 1), Pool("solo", 1))
_ROUND = 200
_ROUNDS = 10
_MOST_SECONDS = 300


def measure(options: Options, servers: Mapping[str, PostgreSQL | None]) -> Iterator[dict[str, Any]]:
    size, rounds = options.scaled(_ROUND, least=5), options.scaled(_ROUNDS, least=2)
    for database, server in servers.items():
        for pool in POOLS:
            yield {"database": database, "pool": pool.name, **_one(server, pool, size, rounds)}


def _one(server: PostgreSQL | None, pool: Pool, size: int, rounds: int) -> dict[str, Any]:
    with fleet(server) as running:
        # do not replace children, because a child's start would distort a round
        worker = running.start_worker(pool, "--include=benchmarks.workers.bare", "--max-tasks-per-child=1000000")
        batches = [_fresh_jobs(running, 1 + number * size, size) for number in range(rounds + 1)]
        wait_for_rest(worker)
        bare, jobs, skipped = [], [], 0
        for number, ids in enumerate(batches):
            spent = [_cpu_ms(running, worker, send, ids) for send in (_send_bare, _send_jobs)]
            # `messages` does not count a message on its way from the queue to the worker
            running.wait_for_batch(running.stores.jobs.get(ids[0]).batch_id, _MOST_SECONDS)
            if number:  # the first round is a warm-up
                bare.append(spent[0])
                jobs.append(spent[1])
            states = [running.stores.jobs.get(job_id) for job_id in ids]
            skipped += sum(1 for job in states if job.state != "done" or job.attempts != 1)
        return {
            "tasks": size * rounds,
            "not_done": skipped,
            "bare_ms": round(statistics.median(bare), 3),
            "job_ms": round(statistics.median(jobs), 3),
            "overhead_ms": round(statistics.median(j - b for j, b in zip(jobs, bare, strict=True)), 3),
            "complaints": running.complaints(),
        }


def _fresh_jobs(running: Fleet, first: int, size: int) -> list[str]:
    targets = running.targets(first, size)
    jobs = running.stores.jobs.enqueue(targets).jobs
    for place, target in enumerate(targets):
        save_record(running.stores.properties, _record(first + place, target))
    return [job.id for job in jobs]


@cache
def _record(number: int, target: str) -> SourceRecord:
    now, body = datetime.now(UTC), homes.page(number).encode()
    page = Page(target, target, "text/html", body.decode(), body, now)
    found = extract(page)
    values = dict(found.record.values)
    evidence = {name: found.record.evidence[name] for name in values}
    return SourceRecord(target, target, found.kind, page.sha256, now, values, evidence)


def _send_jobs(running: Fleet, ids: Sequence[str]) -> None:
    send_jobs(running.sender, running.stores.jobs, [running.stores.jobs.get(job_id) for job_id in ids])


def _send_bare(running: Fleet, ids: Sequence[str]) -> None:
    task = running.sender.tasks[do_nothing.name]
    for job_id in ids:
        task.apply_async((job_id,))


def _cpu_ms(
    running: Fleet, worker: psutil.Process, send: Callable[[Fleet, Sequence[str]], None], ids: Sequence[str]
) -> float:
    with stopped(worker):
        send(running, ids)
        before = cpu_seconds(worker)
    running.wait_until(lambda: not running.messages(), "the end of a round", _MOST_SECONDS)
    return 1000 * (cpu_seconds(worker) - before) / len(ids)


def section(rows: Rows) -> str:
    heads = ["database", "pool", "bare task", "scrape job", "overhead", f"target ≤ {TARGET_MS:.0f} ms"]
    lines = []
    for database, pool in dict.fromkeys((row["database"], row["pool"]) for row in rows):
        ours = [row for row in rows if (row["database"], row["pool"]) == (database, pool)]
        over = median(ours, "overhead_ms")
        figures = [f"{number(value, 2)} ms" for value in (median(ours, "bare_ms"), median(ours, "job_ms"), over)]
        lines.append([DATABASE_NAMES[database], pool, *figures, "kept" if over <= TARGET_MS else "**missed**"])
    about = _ABOUT.format(tasks=number(median(rows, "tasks"), 0))
    return f"## Overhead of a job\n\n{prose(about)}\n\n{table(heads, lines)}"


_ABOUT = """
CPU of the worker and its child per task, {tasks} tasks of each kind in alternating rounds, medians. The bare task does
nothing, with the same settings: late acknowledgment, events, no result. The job finds its property fresh, which leaves
claim, lease, property lookup, and finish.
"""
