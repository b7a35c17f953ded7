"""Tests of `propintel db current` and `propintel db upgrade`."""

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from app.property.storage.database import Database
from app.property.storage.inspection import inspect_database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Property
from app.property.storage.schema import HEAD, upgrade
from benchmarks.saving import save_record
from tests.contract.test_store_properties import ADDRESS, source
from tests.plugins.warm_start import WarmParent

DB = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def db(database_url: str, tmp_path: Path, warm_parent: WarmParent) -> DB:
    upgrade(database_url)
    database = Database(database_url)
    JobStore(database).enqueue(["http://homes.example/1"])
    database.close()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DATABASE_URL": database_url, "PROPINTEL_HOME": str(tmp_path / "home")}
        return warm_parent.run_propintel("db", *arguments, env=env, cwd=tmp_path)

    return run


def test_an_upgrade_reports_the_versions_before_and_after(db: DB, database_url: str) -> None:
    assert json.loads(db("current").stdout) == {"current": HEAD, "head": HEAD}
    assert json.loads(db("upgrade").stdout) == {"before": HEAD, "after": HEAD}
    assert inspect_database(database_url).revision == HEAD


def test_properties_of_an_older_version_are_reported_and_reindexed(db: DB, database_url: str) -> None:
    with closing(Database(database_url)) as database:
        save_record(PropertyStore(database), source("https://a.example/1", ParcelNumber="11-22-333", **ADDRESS))
        with database.writing() as connection:
            connection.execute(update(Property).values(identity_version=0))
    assert "propintel db reindex" in db("upgrade").stderr
    reindexed = db("reindex")
    assert (reindexed.returncode, json.loads(reindexed.stdout)) == (0, {"reindexed": 1, "failed": [], "left": 0})
    assert "reindex" not in db("upgrade").stderr


def test_an_inspection_creates_no_file(tmp_path: Path) -> None:
    file = tmp_path / "absent" / "store.sqlite3"
    found = inspect_database(f"sqlite:///{file}")
    assert (found.exists, found.revision) == (False, None)
    assert not file.parent.exists()
