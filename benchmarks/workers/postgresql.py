"""A PostgreSQL of the benchmark's own, with its own defaults, on a socket; a database for each measurement."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from app.property.store import upgrade
from app.services.embedded_valkey import tied_to_parent
from benchmarks.results import BenchmarkError

_START_SECONDS = 60.0


class PostgreSQL:
    """A server that runs; `new_database` gives the URL of an empty database at this version's schema."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_database(self) -> str:
        name = f"bench_{uuid.uuid4().hex}"
        with self.connect() as admin:
            admin.execute(f"CREATE DATABASE {name}".encode())
        url = f"postgresql://postgres@/{name}?host={self._folder}"
        upgrade(url)
        return url

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self._folder), user="postgres", dbname="postgres", autocommit=True)


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Raises `BenchmarkError` where PostgreSQL's programs are missing, or with the server's own words."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:
        folder, as_user = Path(name), list[str]()
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "nobody", "nogroup")
            as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        data, log = folder / "data", folder / "log"
        make = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*as_user, *make], check=True, stdout=subprocess.DEVNULL, timeout=60)
        serve = [str(programs / "postgres"), "-D", str(data), "-k", name, "-c", "listen_addresses="]
        with log.open("w") as output:
            server = subprocess.Popen(
                tied_to_parent([*as_user, *serve]), stdout=output, stderr=output, start_new_session=True
            )
        try:
            running = PostgreSQL(folder)
            _wait(running, server, log)
            yield running
        finally:
            server.send_signal(signal.SIGINT)  # "fast shutdown": does not wait for clients
            server.wait(timeout=30)


@contextmanager
def servers_of(databases: Sequence[str]) -> Iterator[Mapping[str, PostgreSQL | None]]:
    """For each kind of database the server that it needs: None for SQLite. Raises as `postgresql`."""
    if "postgresql" not in databases:
        yield dict.fromkeys(databases)
        return
    with postgresql() as server:
        yield {name: server if name == "postgresql" else None for name in databases}


def _programs() -> Path:
    """The folder of PostgreSQL's programs: on PATH, or where Debian keeps them off it."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = next((folder for folder in folders if (folder / "postgres").exists()), None)
    if found is None:
        raise BenchmarkError("no PostgreSQL here: install Debian's package postgresql, or give --databases sqlite")
    return found


def _wait(running: PostgreSQL, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with suppress(psycopg.OperationalError):
            running.connect().close()
            return
        time.sleep(0.1)
    raise BenchmarkError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}")
