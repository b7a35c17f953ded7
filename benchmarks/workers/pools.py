"""Compare threads with prefork for jobs that mostly wait: jobs per second, CPU per job, memory per concurrent job.

Every job fetches a different page from a slow site and may ask a slow model. All jobs are queued while the worker is
suspended, so that all slots stay busy until the last job starts. When the last job starts, all but `slots` jobs have
ended, so the rate is the number of ended jobs divided by the time from the first start to the last. In an ideal pool, a
job takes only the response times of site and model.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psutil

from app.property.storage.jobs.models import Job, JobState
from benchmarks.postgresql import PostgreSQL
from benchmarks.workers.fleet import Fleet, fleet
from benchmarks.workers.options import Options, Pool
from benchmarks.workers.tables import DATABASE_NAMES, Rows, median, number, prose, table
from benchmarks.workers.usage import Busy, PeakMemory, cpu_seconds, stopped, wait_for_rest
from simulators.site import homes

POOLS = (
    Pool("solo", 1),
    *(Pool("prefork", slots) for slots in (4, 8, 16)),
    *(Pool("threads", slots) for slots in (16, 32, 64, 128)),
)
_SITE_SECONDS = 0.5
_MODEL_SECONDS = 1.5
#: The ratio of mean to median of the simulator's latency, which is log-normal with a spread of 0.25.
_MEAN_OVER_MEDIAN = math.exp(0.25**2 / 2)
_JOBS_A_SLOT = 20
_MOST_SECONDS = 900


def measure(options: Options, servers: Mapping[str, PostgreSQL | None]) -> Iterator[dict[str, Any]]:
    for repeat in range(1, options.repeats + 1):
        for database, server in servers.items():
            for pool in options.pools:
                jobs = pool.slots * options.scaled(_JOBS_A_SLOT, least=3)
                yield {"database": database, "repeat": repeat, "pool": str(pool), **_one(server, pool, jobs)}


def _one(server: PostgreSQL | None, pool: Pool, count: int) -> dict[str, Any]:
    with fleet(server, site_seconds=_SITE_SECONDS, model_seconds=_MODEL_SECONDS) as running:
        worker = running.start_worker(pool)
        warm = running.submit(running.targets(count + 1, pool.slots)).batch  # a warm-up: loads what later jobs reuse
        running.wait_for_batch(warm, _MOST_SECONDS)
        wait_for_rest(worker)
        called = running.model_calls()
        with stopped(worker):
            batch = running.submit(running.targets(1, count)).batch
            before = cpu_seconds(worker)
        with PeakMemory(worker) as memory, Busy() as machine:
            running.wait_for_batch(batch, _MOST_SECONDS)
        return {
            **_figures(running, batch, pool, running.model_calls() - called),
            "cpu_ms_a_job": round(1000 * (cpu_seconds(worker) - before) / count, 2),
            "memory_mb": round(memory.mb, 1),
            "memory_mb_a_slot": round(memory.mb / pool.slots, 2),
            "machine_busy": round(machine.share, 3),
            "processes": len(psutil.Process(worker.pid).children(recursive=True)) + 1,
            "complaints": running.complaints(),
        }


def _figures(running: Fleet, batch: str, pool: Pool, calls: int) -> dict[str, Any]:
    jobs = running.stores.jobs.list(batch=batch, limit=homes.COUNT)
    count = len(jobs)
    ideal = _SITE_SECONDS + calls / count * _MODEL_SECONDS * _MEAN_OVER_MEDIAN
    rate = _rate(jobs, pool.slots)
    return {
        "jobs": count,
        "done": sum(1 for job in jobs if job.state is JobState.DONE),
        "errors": dict(Counter(job.error["code"] for job in jobs if job.error is not None)),
        "retried": sum(1 for job in jobs if job.attempts > 1),
        "model_calls": calls,
        "jobs_a_second": round(rate, 3),
        "share_of_ideal": round(rate * ideal / pool.slots, 4),
    }


def _rate(jobs: Sequence[Job], slots: int) -> float:
    starts = sorted(job.started_at for job in jobs if job.started_at is not None)
    return (len(starts) - slots) / (starts[-1] - starts[0]).total_seconds()


def section(rows: Rows) -> str:
    heads = ["database", "pool", "jobs/s", "of ideal", "CPU per job", "memory", "per slot", "machine busy", "failed"]
    lines = []
    for database in dict.fromkeys(row["database"] for row in rows):
        ours = [row for row in rows if row["database"] == database]
        pools = sorted(dict.fromkeys(row["pool"] for row in ours), key=_order)
        lines += [
            [DATABASE_NAMES[database], *_line(pool, [row for row in ours if row["pool"] == pool])] for pool in pools
        ]
    parts = ["## Threads or prefork", prose(_ABOUT), table(heads, lines), _advice(rows)]
    return "\n\n".join(part for part in parts if part)


_ABOUT = f"""
A page takes {_SITE_SECONDS} s, the model {_MODEL_SECONDS} s (median, log-normal); keys are never the limit. One worker,
`pool:slots`. The ideal is a pool whose slots only wait. CPU is of parent and children; memory is the peak PSS.
"""


def _advice(rows: Rows) -> str:
    of = {kind: [row for row in rows if row["pool"].startswith(kind)] for kind in ("prefork", "threads")}
    if not all(of.values()):
        return ""
    most = max(int(row["pool"].split(":")[1]) for row in of["threads"])
    kept = [int(r["pool"].split(":")[1]) for r in of["threads"] if r["share_of_ideal"] >= _WELL_USED]
    largest = [row for row in of["threads"] if row["pool"] == f"threads:{most}"]
    return prose(
        _ADVICE.format(
            child=number(median(of["prefork"], "memory_mb_a_slot"), 0),
            thread=number(median(largest, "memory_mb_a_slot"), 0),
            most=most,
            rate=number(max(row["jobs_a_second"] for row in of["threads"]), 0),
            well=f" (slots are well used up to {max(kept)})" if kept else "",
        )
    )


#: Slots count as well used if the pool reaches this share of the ideal rate.
_WELL_USED = 0.8
_ADVICE = """
**Prefork** is the default: it uses every core, time limits hold, and a crash costs one job. About {child} MB per
concurrent job.

**Threads** suit jobs that mostly wait: {thread} MB per concurrent job with {most} of them. Python runs one thread at a
time, so one worker reaches about {rate} jobs/s{well}; start more workers for more cores. Celery enforces no time
limits in threads (nor in solo): a job is bounded by the fetcher's 60 s per page and `OPENAI_TIMEOUT_SECONDS`, and a
crash costs all jobs of the process until their leases expire. **Solo** is for debugging.
"""


def _order(pool: str) -> tuple[int, int]:
    name, slots = pool.split(":")
    return ("solo", "prefork", "threads").index(name), int(slots)


def _line(pool: str, rows: Rows) -> list[str]:
    failed = sum(row["jobs"] - row["done"] for row in rows)
    return [
        pool,
        number(median(rows, "jobs_a_second"), 2),
        f"{median(rows, 'share_of_ideal'):.0%}",
        f"{number(median(rows, 'cpu_ms_a_job'), 1)} ms",
        f"{number(median(rows, 'memory_mb'), 0)} MB",
        f"{number(median(rows, 'memory_mb_a_slot'), 1)} MB",
        f"{median(rows, 'machine_busy'):.0%}",
        f"{failed} of {sum(row['jobs'] for row in rows):,}",
    ]
