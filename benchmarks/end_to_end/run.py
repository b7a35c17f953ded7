"""Serve the pages on loopback, start `propintel up`, enqueue all pages, and collect the stored records."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.clock import SystemClock
from app.property.storage.database import Database
from app.property.storage.properties.tables import SourceRow
from app.settings import VARIABLE_PREFIXES
from benchmarks.extraction.run import load_truth

_START_SECONDS = 60
_RUN_SECONDS = 240


@dataclass(frozen=True)
class EndToEnd:
    """The results: `jobs` as `propintel jobs list` prints them, and the stored record of each labeled file."""

    jobs: list[dict[str, Any]]
    records: dict[str, dict[str, Any]]


def run(folder: Path, home: Path, *, openai: dict[str, str] | None = None) -> EndToEnd:
    """Run all labeled pages of `folder` through a worker with its state in `home`.

    `openai` has the environment variables of a model's API; None means that no model is used. Raises `RuntimeError`
    with the last output if `propintel up` or another command fails, and `subprocess.TimeoutExpired` if the jobs do not
    end in time.
    """
    files = [row["file"] for row in load_truth(folder)]
    with _serving(folder) as address:
        file_of = {f"{address}/{name}": name for name in files}
        env = _environment(home, openai or {})
        targets = home / "targets.txt"
        targets.write_text("\n".join(file_of), encoding="utf-8")
        with _running_up(env, home):
            batch = _propintel(env, "enqueue", "--file", str(targets), "--wait", "--format", "json")["batch"]
        jobs = _propintel(env, "jobs", "list", "--batch", batch, "--limit", str(len(files)), "--format", "json")["jobs"]
    return EndToEnd(jobs, {file_of[url]: record for url, record in _stored(home) if url in file_of})


def _stored(home: Path) -> list[tuple[str, dict[str, Any]]]:
    database = Database(f"sqlite:///{home / 'propintel.sqlite3'}", SystemClock())
    try:
        with database.reading() as connection:
            return [(row.url, row.record) for row in connection.execute(select(SourceRow.url, SourceRow.record))]
    finally:
        database.close()


class _Pages(SimpleHTTPRequestHandler):
    """Serve files unchanged. The Content-Type header names no charset, so readers must find it in the page."""

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing to stderr."""


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Pages, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _environment(home: Path, openai: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(VARIABLE_PREFIXES)}
    return {
        **kept,
        "PROPINTEL_HOME": str(home),
        "PROPINTEL_ENV_FILE": "",
        "FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        **openai,
    }


@contextlib.contextmanager
def _running_up(env: dict[str, str], home: Path) -> Iterator[None]:
    log = home / "up.log"
    with log.open("wb") as output:
        up = subprocess.Popen([_program(), "up"], env=env, stdout=output, stderr=output, start_new_session=True)
    try:
        ready = threading.Event()
        for _ in range(_START_SECONDS * 10):
            if "worker and beat are up" in log.read_text(errors="replace"):
                break
            if up.poll() is not None or ready.wait(0.1):
                raise RuntimeError(f"propintel up did not start:\n{log.read_text(errors='replace')[-2000:]}")
        yield
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(60)


def _propintel(env: dict[str, str], *arguments: str) -> Any:
    done = subprocess.run(
        [_program(), *arguments], env=env, capture_output=True, text=True, timeout=_RUN_SECONDS, check=False
    )
    if done.returncode not in (0, 1):  # exit code 1: some jobs failed, which the results show
        raise RuntimeError(f"propintel {arguments[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def _program() -> str:
    return str(Path(sys.executable).parent / "propintel")
