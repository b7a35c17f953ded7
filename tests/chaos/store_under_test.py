"""The database of a chaos run. It can be locked, and its small separate disk can be filled.

`query` uses its own connection, not the fleet's.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from app.property.storage.schema import upgrade
from benchmarks.postgresql import owned_by_server
from tests.chaos.plan import DatabaseKind
from tests.plugins.postgresql_server import postgresql_server

#: The errors that a query raises while the database is locked or full.
UNANSWERED = (sqlite3.Error, psycopg.Error)
_DISK_MEGABYTES = 256
_FILL_BYTES = 1 << 16


class StoreUnderTest:
    """A database on the small disk."""

    url: str

    def __init__(self, disk: Path) -> None:
        self._disk = disk

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows. Raises one of `UNANSWERED` if there is no response within a second."""
        raise NotImplementedError

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Let every other write to the jobs table wait during the `with` block."""
        raise NotImplementedError

    @contextmanager
    def full(self) -> Iterator[None]:
        filler = self._disk / "filler"
        descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            size = _FILL_BYTES
            while size:
                try:
                    os.write(descriptor, bytes(size))
                except OSError:
                    size //= 2
            if os.statvfs(self._disk).f_bavail:
                raise RuntimeError(f"{self._disk} could not be filled")
            yield
        finally:
            os.close(descriptor)
            filler.unlink()


class Sqlite(StoreUnderTest):
    def __init__(self, disk: Path) -> None:
        super().__init__(disk)
        self._file = disk / "store.sqlite3"
        self.url = f"sqlite:///{self._file}"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=1)) as connection:
            return connection.execute(sql).fetchall()

    @contextmanager
    def locked(self) -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(self._file, timeout=15, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")


class PostgreSQL(StoreUnderTest):
    """A database in a tablespace on the small disk. The server's other files are not on it."""

    def __init__(self, socket: Path, disk: Path) -> None:
        super().__init__(disk)
        self._socket = socket
        space = disk / "space"
        space.mkdir()
        owned_by_server(disk)
        owned_by_server(space)
        with self._connect("postgres") as admin:
            admin.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
            admin.execute("CREATE DATABASE chaos TABLESPACE small")
        self.url = f"postgresql://postgres@/chaos?host={socket}"
        upgrade(self.url)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self._connect("chaos") as connection:
            connection.execute("SET statement_timeout = 1000")
            return connection.execute(sql).fetchall()

    @contextmanager
    def locked(self) -> Iterator[None]:
        with psycopg.connect(host=str(self._socket), user="postgres", dbname="chaos") as connection:
            connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
            yield

    def _connect(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self._socket), user="postgres", dbname=name, autocommit=True)


@contextmanager
def open_store(kind: DatabaseKind) -> Iterator[StoreUnderTest]:
    """Open a new, empty database of this kind. Its disk is removed at the end."""
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(_small_disk())
        if kind == "sqlite":
            yield Sqlite(disk)
        else:
            yield PostgreSQL(stack.enter_context(postgresql_server()).folder, disk)


@contextmanager
def _small_disk() -> Iterator[Path]:
    """Mount a small tmpfs and yield its folder. Requires root."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m,mode=755", "chaos", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def can_mount() -> bool:
    if os.getuid() != 0 or shutil.which("mount") is None:
        return False
    try:
        with _small_disk():
            return True
    except subprocess.CalledProcessError:
        return False


def patient_query(store: StoreUnderTest, sql: str, seconds: float = 30.0) -> list[tuple[Any, ...]]:
    """Return `store.query(sql)`, retrying for up to `seconds` while the database does not respond."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return store.query(sql)
        except UNANSWERED:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
