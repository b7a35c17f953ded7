"""Each database failure, here on SQLite, is raised as one of the project's errors and leaves nothing half-written."""

import pickle
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from app.errors import ConfigurationError
from app.errors.storage import DatabaseLockedError, DatabaseUnavailableError, DiskFullError, StoreError
from app.property.storage.database import Database, database_url
from app.property.storage.engine import parse_url
from app.property.storage.errors import shown, translate
from app.property.storage.jobs.repository import JobStore
from app.property.storage.schema import HEAD, upgrade
from app.settings import Settings
from tests.contract.conftest import at_once

URL = "https://site.example/1"


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_the_default_is_a_file_in_a_private_folder_that_migrates_itself(tmp_path: Path) -> None:
    for home, prepare in ((tmp_path / "deep" / "home", None), (tmp_path / "manual", upgrade)):
        url = database_url(Settings.of(propintel_home=home))
        assert prepare is None or prepare(url) == (None, HEAD)
        with closing(Database(url)) as database, database.reading() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert (home / "propintel.sqlite3").is_file()
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_writer_that_waited_too_long_reports_a_locked_database(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    database = Database(sqlite_url(path), busy_timeout_seconds=0.1)
    jobs = JobStore(database)
    jobs.enqueue([URL])
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseLockedError, match=str(path)) as caught:
        jobs.enqueue(["https://site.example/2"])
    assert caught.value.transient
    holder.execute("ROLLBACK")
    holder.close()
    assert len(jobs.enqueue(["https://site.example/2"]).new) == 1
    database.close()


def test_a_full_disk_is_named_and_leaves_nothing_behind(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "a.sqlite3"))
    jobs = JobStore(database)
    jobs.enqueue([URL])
    with database.reading() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        # the limit applies only to this connection, which the thread will use again
        connection.execute(text(f"PRAGMA max_page_count = {pages + 4}"))
    with pytest.raises(DiskFullError, match="Free disk space") as caught:
        jobs.enqueue([f"https://site.example/{'x' * 500}/{n}" for n in range(500)])
    assert caught.value.transient
    assert jobs.counts()["queued"] == 1
    database.close()
    assert isinstance(translate(OSError(28, "No space left on device"), database.url), DiskFullError)


@pytest.mark.parametrize("problem", ["folder is a file", "path is a folder"])
def test_a_place_that_cannot_be_opened_is_named(tmp_path: Path, problem: str) -> None:
    if problem == "folder is a file":
        (tmp_path / "file").write_text("")
        path = tmp_path / "file" / "home" / "a.sqlite3"
    else:
        path = tmp_path / "a.sqlite3"
        path.mkdir()
    with pytest.raises(DatabaseUnavailableError, match=r"a\.sqlite3"):
        Database(sqlite_url(path)).open()


def test_a_file_that_is_not_a_database_is_a_permanent_error(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    path.write_text("this is not a database, however long it may be" * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        Database(sqlite_url(path)).open()
    assert not caught.value.transient


def test_an_unreachable_server_is_named_without_its_password() -> None:
    database = Database("postgresql://scott:tiger@127.0.0.1:1/db?password=leopard&sslmode=disable")
    with pytest.raises(DatabaseUnavailableError) as caught:
        database.open()
    everything = [str(caught.value), repr(caught.value), repr(database), str(caught.value.args)]
    assert "127.0.0.1:1/db" in everything[0]
    assert not any(secret in word for secret in ("tiger", "leopard") for word in everything)
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args  # noqa: S301 (our own)


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:tiger@h/d", "sqlite://", "sqlite:///:memory:", ""])
def test_an_invalid_url_is_a_configuration_error_that_shows_no_value(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as caught:
        Database(url)
    assert "tiger" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_common_url_schemes_of_postgresql_are_accepted(scheme: str) -> None:
    url = parse_url(f"{scheme}://u:tiger@db.example/props")
    assert url.drivername == "postgresql+psycopg"
    assert shown(url) == "postgresql+psycopg://db.example/props"


def test_concurrent_threads_can_open_a_new_database(tmp_path: Path) -> None:
    def open_it() -> None:
        with closing(Database(sqlite_url(tmp_path / "a.sqlite3"))) as database:
            database.open()

    at_once(*[open_it] * 8)


_FORK = """
import os, sys
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore

database = Database(sys.argv[1])
jobs = JobStore(database)
jobs.enqueue(["https://site.example/1"])
with database.reading() as connection:
    parents = connection.connection.dbapi_connection
child = os.fork()
if child == 0:
    with database.reading() as connection:
        own = connection.connection.dbapi_connection is not parents
    made = len(jobs.enqueue(["https://site.example/2"]).new)
    database.close()
    os._exit(0 if own and made == 1 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the child could not work"
assert jobs.counts()["queued"] == 2
database.close()
"""


def test_a_forked_child_opens_its_own_connections_and_the_parents_stay_usable(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _FORK, sqlite_url(tmp_path / "a.sqlite3")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
