"""A PostgreSQL server that only its block knows, from the machine's own programs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest


def programs() -> Path | None:
    """The folder of PostgreSQL's programs: on PATH, or where Debian keeps them off it."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def why_not() -> str | None:
    """The reason why no server can be started here, or None."""
    if programs() is None:
        return "no PostgreSQL: initdb and postgres are neither on PATH nor in /usr/lib/postgresql"
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        return "no PostgreSQL: it does not run as root, and there is no setpriv to change that"
    return None


def owned_by_server(folder: Path) -> None:
    """Give `folder` to the user under whom the server runs: PostgreSQL refuses to run as root."""
    if os.getuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")


@contextmanager
def postgresql_server() -> Iterator[Path]:
    """The socket folder of a server; user `postgres`, no password. Skips the test where `why_not()`."""
    reason, found = why_not(), programs()
    if reason is not None or found is None:
        pytest.skip(reason or "")
    # a short path: a socket's has at most 107 bytes
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"] if os.getuid() == 0 else []
    owned_by_server(folder)
    make = [found / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*as_user, *make], check=True, stdout=subprocess.DEVNULL, timeout=60)
    serve = [found / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
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
