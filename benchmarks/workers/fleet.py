"""A fleet for one measurement: real processes on loopback for Valkey, simulators, workers, beat, and the web server.

Each fleet has a temporary home. Its processes end with the thread that started them. Start it from the main thread, so
that an interrupted benchmark leaves no process behind.
"""

import os
import re
import secrets
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psutil
import redis
from celery import Celery

from app.property.storage.jobs.models import Enqueued
from app.redis.embedded_valkey import EmbeddedValkey, client
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings, load_settings
from benchmarks.postgresql import PostgreSQL
from benchmarks.results import BenchmarkError
from benchmarks.workers.options import Pool
from cli.demo_setup import DemoKeys, environment, service_environment, start_openai
from cli.processes import Child, StopSignals, Supervisor
from cli.services import Services, listens
from tasks._celery.config import SCRAPE_QUEUE
from tasks._celery.submission import make_sender, submit_targets

ROOT = Path(__file__).parents[2]
_LOUD = re.compile(r"^[\d:]+ (?:WARNING|ERROR|CRITICAL): (.*)$", re.M)
_NUMBERS = re.compile(r"[0-9a-f-]*\d[0-9a-f-]*")
_GRACE_SECONDS = 3.0
_START_SECONDS = 60.0
_KEYS = 4
_AMPLE = {"rpm": 1_000_000, "tpm": 1_000_000_000}


@dataclass(frozen=True)
class Web:
    address: str
    process: psutil.Process


@dataclass
class Fleet:
    """The processes of a measurement, and operations on them. `site` is the address of the slow site, or empty."""

    home: Path
    env: dict[str, str]
    settings: Settings
    stores: Stores
    sender: Celery
    broker: redis.Redis
    supervisor: Supervisor
    site: str
    _services: Services = field(init=False)

    def __post_init__(self) -> None:
        self._services = Services(self.home, self.env, cwd=ROOT, logs=self.home)

    # --- processes

    def start_worker(self, pool: Pool, *options: str) -> psutil.Process:
        """Start a worker that only runs jobs."""
        node = [
            f"--pool={pool.name}",
            f"--concurrency={pool.slots}",
            "--hostname=worker@%h",
            f"--queues={SCRAPE_QUEUE}",
        ]
        command = ["celery", "-A", "worker", "worker", *node, "--without-mingle", "--loglevel=INFO", *options]
        child = self._services.start(self.supervisor, "worker", command, grace_seconds=_GRACE_SECONDS)
        self._services.wait_for_worker(self.supervisor, child)
        return psutil.Process(child.process.pid)

    def start_maintenance_worker(self) -> None:
        """Start the Procfile's maintenance worker, which consumes the queue `maintenance`."""
        self._services.wait_for_worker(self.supervisor, self._services.maintenance_worker(self.supervisor))

    def start_beat(self) -> None:
        self._services.beat(self.supervisor)

    def start_web(self) -> Web:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = int(taken.getsockname()[1])
        child = self._services.web(self.supervisor, port)
        self.wait_until(lambda: listens(port), "the web server", _START_SECONDS)
        return Web(f"http://127.0.0.1:{port}", psutil.Process(child.process.pid))

    # --- jobs

    def targets(self, first: int, count: int) -> list[str]:
        return [f"{self.site or 'http://site.example'}/homes/{number}" for number in range(first, first + count)]

    def submit(self, targets: Sequence[str]) -> Enqueued:
        return submit_targets(self.stores.jobs, self.sender, self.settings, targets, priority=5, refresh=False)

    def messages(self) -> int:
        """Count the broker's messages for jobs, waiting or unacknowledged."""
        waiting = sum(int(self.broker.llen(name)) for name in self.broker.scan_iter(f"{SCRAPE_QUEUE}*", _type="list"))
        return waiting + int(self.broker.hlen("unacked"))

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        self.supervisor.wait_until(ready, what, seconds)

    def wait_for_batch(self, batch: str, seconds: float) -> None:

        def is_over() -> bool:
            counts = self.stores.jobs.counts(batch)
            return not (counts["queued"] + counts["running"] + counts["deferred"])

        self.wait_until(is_over, f"the end of batch {batch}", seconds)

    def model_calls(self) -> int:
        address = self.env["OPENAI_BASE_URL"].removesuffix("/v1")
        with httpx2.Client(timeout=20, trust_env=False) as http:
            return int(http.get(f"{address}/control/stats").raise_for_status().json()["totals"]["ok"])

    def complaints(self, name: str = "worker") -> dict[str, int]:
        """Return a process's five most frequent warnings with their counts.

        Numbers are replaced, so that similar warnings are counted together.
        """
        text = (self.home / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        warnings = (_NUMBERS.sub("#", line)[:160] for line in _LOUD.findall(text))
        return dict(Counter(warnings).most_common(5))


@contextmanager
def fleet(
    server: PostgreSQL | None,
    *,
    site_seconds: float | None = None,
    model_seconds: float | None = None,
    keys: int = _KEYS,
    **variables: str,
) -> Iterator[Fleet]:
    """Yield a fleet without workers, on a database of `server`, or on SQLite if `server` is None.

    With `site_seconds`, a site serves pages after this delay. With `model_seconds`, the OpenAI simulator answers with
    this median latency, and accepts `keys` keys. Raises `BenchmarkError`, and the errors of `Supervisor`.
    """
    with ExitStack() as running:
        home = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="bw-", ignore_cleanup_errors=True)))
        running.enter_context(EmbeddedValkey(home))
        supervisor = running.enter_context(Supervisor(StopSignals()))
        plain = service_environment(os.environ, home, openai={})
        site = "" if site_seconds is None else _start_site(supervisor, home, plain, site_seconds)
        openai = {} if model_seconds is None else _start_model(supervisor, home, plain, model_seconds, keys)
        url = server.new_database() if server is not None else ""
        env = {**plain, **openai, "DATABASE_URL": url, **variables}
        with environment(env):
            settings = load_settings()
        stores = running.enter_context(open_stores(settings))
        sender = running.enter_context(closing(make_sender(settings)))
        broker = running.enter_context(client(settings))
        yield Fleet(home, env, settings, stores, sender, broker, supervisor, site)


def _start_site(supervisor: Supervisor, home: Path, env: dict[str, str], seconds: float) -> str:
    command = [sys.executable, "-m", "benchmarks.workers.site", "--seconds", str(seconds)]
    child = supervisor.start("site", command, env=env, cwd=ROOT, log=home / "site.log", grace_seconds=_GRACE_SECONDS)
    supervisor.wait_until(lambda: "listening on " in child.words(), "the site", _START_SECONDS)
    return _address(child)


def _address(child: Child) -> str:
    found = [line.split()[-1] for line in child.words().splitlines() if line.startswith("listening on ")]
    if not found:
        raise BenchmarkError(f"{child.name} did not start:\n{child.words()}")
    return found[0]


def _start_model(supervisor: Supervisor, home: Path, env: dict[str, str], seconds: float, keys: int) -> dict[str, str]:
    made = tuple(f"sk-proj-{secrets.token_hex(24)}" for _ in range(keys))
    entries = [{"key": key, "project": f"proj_{n}", **_AMPLE} for n, key in enumerate(made)]
    config: dict[str, object] = {"server": {"latency_ms": 1000 * seconds}, "keys": entries}
    base_url = start_openai(supervisor, home, env, DemoKeys(made, config))
    return {"OPENAI_API_KEYS": ",".join(made), "OPENAI_BASE_URL": base_url}
