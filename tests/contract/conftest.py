"""Every store test runs on SQLite and, where its programs are on PATH, on a PostgreSQL of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.clock import ManualClock
from app.property.store import Database, upgrade


def _programs() -> Path | None:
    """The folder of PostgreSQL's programs: on PATH, or where Debian keeps them off it."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


@pytest.fixture(scope="session")
def postgresql_socket() -> Iterator[Path]:
    """The socket folder of a PostgreSQL server that only this test session knows."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL: initdb and postgres are neither on PATH nor in /usr/lib/postgresql")
    # a short path: a socket's has at most 107 bytes
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    as_user: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        if shutil.which("setpriv") is None:
            pytest.skip("no PostgreSQL: it does not run as root, and there is no setpriv to change that")
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        shutil.chown(folder, "nobody", "nogroup")
    make = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*as_user, *make], check=True, stdout=subprocess.DEVNULL, timeout=60)
    serve = [programs / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([*as_user, *serve], stderr=log, stdout=log)
    try:
        _wait_until_ready(folder, server)
        yield folder
    finally:
        server.send_signal(signal.SIGINT)  # "fast shutdown": does not wait for clients
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(folder: Path, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert server.poll() is None, (folder / "log").read_text()
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("PostgreSQL did not start: " + (folder / "log").read_text())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database at this version's schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite3'}"
    folder = request.getfixturevalue("postgresql_socket")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    url = f"postgresql://postgres@/{name}?host={folder}"
    upgrade(url)
    return url


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(database_url: str, clock: ManualClock) -> Iterator[Database]:
    database = Database(database_url, clock)
    yield database
    database.close()
