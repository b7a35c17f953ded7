"""Measure what instrumentation (counters, log context, tracing hooks) costs in a job.

The worker is compared with the worker of the last revision without instrumentation. This old revision is unpacked into
a temporary folder, and runs with the same interpreter, simulators, and jobs. Both workers run all the time; rounds
alternate, and one worker is idle while the other works.
"""

import io
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import redis

from app.redis.embedded_valkey import EmbeddedValkey
from benchmarks.postgresql import PostgreSQL
from benchmarks.results import BenchmarkError
from benchmarks.workers.fleet import ROOT, Fleet, fleet
from benchmarks.workers.options import Options, Pool
from benchmarks.workers.tables import DATABASE_NAMES, Rows, median, number, prose, table
from benchmarks.workers.usage import cpu_seconds, stopped, wait_for_rest
from cli.services import Services
from tasks._celery.config import SCRAPE_QUEUE

TARGET_SHARE = 0.02
#: The revision to compare with: the last one without instrumentation.
PEER = "b787889"
POOL = Pool("prefork", 1)
_ROUND = 150
_ROUNDS = 10
_MOST_SECONDS = 300
_CLI = "import sys; from cli.main import main; sys.exit(main())"


@dataclass
class Side:
    """A worker that runs the code of the source tree `tree`, with `home` as its PROPINTEL_HOME."""

    tree: Path
    home: Path
    env: dict[str, str]
    broker: redis.Redis
    running: Fleet
    worker: psutil.Process = field(init=False)

    def start_worker(self) -> None:
        services = Services(self.home, self.env, cwd=self.tree, logs=self.home)
        node = ["--hostname=worker@%h", f"--queues={SCRAPE_QUEUE}", "--without-mingle", "--loglevel=INFO"]
        size = [f"--pool={POOL.name}", f"--concurrency={POOL.slots}", "--max-tasks-per-child=1000000"]
        child = services.start(self.running.supervisor, "worker", ["celery", "-A", "worker", "worker", *size, *node])
        services.wait_for_worker(self.running.supervisor, child)
        self.worker = psutil.Process(child.process.pid)

    def cpu_ms_a_job(self, targets: list[str]) -> float:
        """Process `targets`, and return the CPU milliseconds of the worker and its Valkey per job."""
        valkey = psutil.Process(int(self.broker.info("server")["process_id"]))
        with stopped(self.worker):
            batch = self._enqueue(targets)
            before = cpu_seconds(self.worker) + cpu_seconds(valkey)
        self.running.wait_until(lambda: not self._messages(), "the end of a round", _MOST_SECONDS)
        spent = cpu_seconds(self.worker) + cpu_seconds(valkey) - before
        # PEER has another command for the counts of a batch.
        shown = ("batches", "show", batch) if self.tree == ROOT else ("jobs", "--batch", batch)
        counts = self._cli(*shown, "--format", "json")["counts"]
        if counts["done"] != len(targets):
            raise BenchmarkError(f"of {len(targets)} jobs some were not done: {counts}; see {self.home}/worker.log")
        return 1000 * spent / len(targets)

    def _enqueue(self, targets: list[str]) -> str:
        file = self.home / "targets.txt"
        file.write_text("\n".join(targets), encoding="utf-8")
        return str(self._cli("enqueue", "--file", str(file), "--format", "json")["batch"])

    def _messages(self) -> int:
        waiting = sum(int(self.broker.llen(name)) for name in self.broker.scan_iter(f"{SCRAPE_QUEUE}*", _type="list"))
        return waiting + int(self.broker.hlen("unacked"))

    def _cli(self, *arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", _CLI, *arguments],
            env=self.env, cwd=self.tree, capture_output=True, text=True, timeout=_MOST_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode:
            raise BenchmarkError(f"propintel {arguments[0]} failed in {self.tree}:\n{done.stderr[-1000:]}")
        return json.loads(done.stdout)


def measure(options: Options, servers: Mapping[str, PostgreSQL | None]) -> Iterator[dict[str, Any]]:
    size, rounds = options.scaled(_ROUND, least=5), options.scaled(_ROUNDS, least=2)
    for database, server in servers.items():
        yield {"database": database, "peer": PEER, **_one(server, size, rounds)}


def _one(server: PostgreSQL | None, size: int, rounds: int) -> dict[str, Any]:
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="bi-", ignore_cleanup_errors=True)))
        running = closing.enter_context(fleet(server, site_seconds=0.0, model_seconds=0.0))
        peer = folder / "peer"
        _unpack(PEER, peer)
        sides = [
            _side(closing, running, server, tree, folder / name) for tree, name in ((ROOT, "with"), (peer, "without"))
        ]
        for side in sides:
            side.start_worker()
        spent: list[list[float]] = [[], []]
        for turn in range(rounds + 1):
            targets = running.targets(1 + turn * size, size)
            for which in (0, 1) if turn % 2 else (1, 0):
                wait_for_rest(sides[which].worker)
                found = sides[which].cpu_ms_a_job(targets)
                if turn:  # the first round warms up both fleets
                    spent[which].append(found)
        shares = [ours / theirs - 1 for ours, theirs in zip(*spent, strict=True)]
        return {
            "jobs": size * rounds,
            "with_ms": round(statistics.median(spent[0]), 3),
            "without_ms": round(statistics.median(spent[1]), 3),
            "share": round(statistics.median(shares), 4),
            "share_least": round(min(shares), 4),
            "share_most": round(max(shares), 4),
        }


def _side(closing: ExitStack, running: Fleet, server: PostgreSQL | None, tree: Path, home: Path) -> Side:
    home.mkdir(mode=0o700)
    valkey = closing.enter_context(EmbeddedValkey(home))
    url = server.new_database() if server is not None else ""
    env = {**running.env, "PROPINTEL_HOME": str(home), "PYTHONPATH": str(tree), "DATABASE_URL": url}
    broker = closing.enter_context(redis.Redis.from_url(valkey.url))
    return Side(tree, home, env, broker, running)


def _unpack(revision: str, folder: Path) -> None:
    done = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"git does not give revision {revision}: {done.stderr.decode(errors='replace')[:300]}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def section(rows: Rows) -> str:
    heads = ["database", "jobs per side", "without", "with", f"more (target ≤ {100 * TARGET_SHARE:.0f} %)", "rounds"]
    lines = []
    for database in dict.fromkeys(row["database"] for row in rows):
        ours = [row for row in rows if row["database"] == database]
        share = median(ours, "share")
        spread = f"{100 * median(ours, 'share_least'):.1f} to {100 * median(ours, 'share_most'):.1f} %"
        lines.append(
            [
                DATABASE_NAMES[database],
                number(median(ours, "jobs"), 0),
                f"{number(median(ours, 'without_ms'), 2)} ms",
                f"{number(median(ours, 'with_ms'), 2)} ms",
                f"{100 * share:.1f} %" + ("" if share <= TARGET_SHARE else " **missed**"),
                spread,
            ]
        )
    return f"## Cost of metrics\n\n{prose(_ABOUT)}\n\n{table(heads, lines)}"


_ABOUT = f"""
CPU of a worker with one child, and of its Valkey, per job: a page is fetched, read, sent to the model if needed,
merged, and stored. *Without* is revision {PEER}, the last without counters, in its own fleet, in alternating rounds.
"""
