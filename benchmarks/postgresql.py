"""Start a temporary PostgreSQL server from the installed programs. It listens only on a Unix socket."""

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

from app.property.storage.schema import upgrade
from app.redis.embedded_valkey import ending_with_parent
from benchmarks.results import BenchmarkError

_START_SECONDS = 60.0


class PostgreSQL:
    """A running server with its Unix socket in `folder`. Its user is `postgres`, without a password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._is_migrated = False

    def new_database(self) -> str:
        """Return the URL of an empty database with the current schema, copied from a migrated one."""
        name = f"bench_{uuid.uuid4().hex}"
        with self.connect() as admin:
            if not self._is_migrated:
                admin.execute("CREATE DATABASE migrated")
                upgrade(self._url("migrated"))
                self._is_migrated = True
            admin.execute(f"CREATE DATABASE {name} TEMPLATE migrated".encode())
        return self._url(name)

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True)

    def _url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: the one on PATH, else Debian's newest; None if there is none."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def why_not() -> str | None:
    if programs() is None:
        return (
            "no PostgreSQL: install the package postgresql, whose initdb is neither on PATH nor in /usr/lib/postgresql"
        )
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        return "no PostgreSQL: it does not run as root, and there is no setpriv to change that"
    return None


def owned_by_server(folder: Path) -> None:
    """If this process is root, make `nobody` the owner of `folder`, because PostgreSQL refuses to run as root."""
    if os.getuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")


@contextmanager
def postgresql(*settings: str) -> Iterator[PostgreSQL]:
    """Start a server with default settings, except for `settings` such as `fsync=off`, and delete it at the end.

    Raises `BenchmarkError` with the reason why no server is available, or with the server's error.
    """
    reason, found = why_not(), programs()
    if reason is not None or found is None:
        raise BenchmarkError(reason)
    as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"] if os.getuid() == 0 else []
    # the system's temporary folder keeps the path short: the path of a Unix socket has at most 107 bytes
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        owned_by_server(folder)
        data, log = folder / "data", folder / "log"
        make = [found / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([*as_user, *map(str, make)], check=True, stdout=subprocess.DEVNULL, timeout=60)
        serve = [*as_user, str(found / "postgres"), "-D", str(data), "-k", name]
        for setting in ("listen_addresses=", *settings):
            serve += ["-c", setting]
        with log.open("w") as output:
            server = subprocess.Popen(ending_with_parent(serve), stdout=output, stderr=output, start_new_session=True)
        try:
            running = PostgreSQL(folder)
            _wait(running, server, log)
            yield running
        finally:
            # "immediate shutdown" does not wait for clients and writes no data, which would be deleted anyway
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=30)


@contextmanager
def servers_of(databases: Sequence[str]) -> Iterator[Mapping[str, PostgreSQL | None]]:
    """Yield the server of each database (None for SQLite). Start PostgreSQL only if needed."""
    if "postgresql" not in databases:
        yield dict.fromkeys(databases)
        return
    with postgresql() as server:
        yield {name: server if name == "postgresql" else None for name in databases}


def _wait(running: PostgreSQL, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with suppress(psycopg.OperationalError):
            running.connect().close()
            return
        time.sleep(0.1)
    raise BenchmarkError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}")
