"""`propintel db current | upgrade | downgrade` on SQLite and PostgreSQL: nothing is dropped unless somebody said so."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from app.property.storage.engine import Database
from app.property.storage.inspection import inspect_database
from app.property.storage.jobs import JobStore
from app.property.storage.properties import PropertyStore
from app.property.storage.schema import HEAD, upgrade
from app.property.storage.tables import properties
from tests.contract.test_store_properties import ADDRESS, source
from tests.plugins.warm_start import WarmParent

DB = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def db(database_url: str, tmp_path: Path, warm_parent: WarmParent) -> DB:
    """`db("current")` runs `propintel db current` on the database, which has one job; `stdin` is no terminal."""
    upgrade(database_url)
    database = Database(database_url)
    JobStore(database).enqueue(["http://homes.example/1"])
    database.close()

    def run(*arguments: str, stdin: str | int = "") -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DATABASE_URL": database_url, "PROPINTEL_HOME": str(tmp_path / "home")}
        return warm_parent.run_propintel("db", *arguments, env=env, cwd=tmp_path, stdin=stdin)

    return run


def _answered(db: DB, answer: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As `db`, with somebody at a terminal who types `answer`."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer)
        return db(*arguments, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)


def test_down_and_up_again_with_what_each_step_says(db: DB, database_url: str) -> None:
    assert json.loads(db("current").stdout) == {"current": HEAD, "head": HEAD}
    down = db("downgrade", "0001", "--yes")
    assert (down.returncode, json.loads(down.stdout)) == (0, {"before": HEAD, "after": "0001"})
    assert json.loads(db("current").stdout) == {"current": "0001", "head": HEAD}
    assert json.loads(db("upgrade").stdout)["after"] == HEAD
    base = db("downgrade", "base", "--yes")
    assert (base.returncode, json.loads(base.stdout)) == (0, {"before": HEAD, "after": None})
    assert inspect_database(database_url).revision is None


def test_what_an_older_version_filed_is_told_of_and_filed_anew(db: DB, database_url: str) -> None:
    with closing(Database(database_url)) as database:
        known = PropertyStore(database).save_record(source("https://a.example/1", ParcelNumber="11-22-333", **ADDRESS))
        other = PropertyStore(database).save_record(source("https://b.example/1", ParcelNumber="99-88-777", **ADDRESS))
        with database.writing() as connection:
            connection.execute(update(properties).where(properties.c.id == known).values(key_rules=0))
    assert "propintel db refile" in db("upgrade").stderr
    told = db("refile")
    assert (told.returncode, json.loads(told.stdout)) == (
        0,
        {
            "refiled": 1,
            "joined": [],
            "apart": [{"property": known, "other": other, "why": "two parcel numbers"}],
            "failed": [],
            "left": 0,
        },
    )
    assert "two parcel numbers" not in db("refile").stdout
    assert "refile" not in db("upgrade").stderr


@pytest.mark.parametrize("revision", ["0001", "base"])
def test_without_a_terminal_and_without_yes_nothing_is_dropped(db: DB, database_url: str, revision: str) -> None:
    refused = db("downgrade", revision)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr
    assert inspect_database(database_url).revision == HEAD


def test_whoever_is_asked_decides(db: DB, database_url: str) -> None:
    """The question names what would be lost; only a yes drops it."""
    refused = _answered(db, b"n\n", "downgrade", "base")
    assert refused.returncode == 1
    assert "ALL jobs" in refused.stderr
    assert inspect_database(database_url).revision == HEAD
    assert _answered(db, b"y\n", "downgrade", "base").returncode == 0
    assert inspect_database(database_url).revision is None


def test_a_revision_that_does_not_exist_is_named(db: DB, database_url: str) -> None:
    failed = db("downgrade", "7777", "--yes")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "7777" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert inspect_database(database_url).revision == HEAD


def test_looking_makes_no_file_and_migrates_nothing(tmp_path: Path) -> None:
    file = tmp_path / "absent" / "store.sqlite3"
    found = inspect_database(f"sqlite:///{file}")
    assert (found.exists, found.revision) == (False, None)
    assert not file.parent.exists()
