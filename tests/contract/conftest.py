"""Run every store test on SQLite and, if the programs of PostgreSQL are on PATH, on a PostgreSQL server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, Table, func, select

from app.clock import ManualClock
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.privacy.names_key import NamesKey
from app.property.storage.schema import upgrade
from app.property.storage.types import Base
from app.property.storage.watches.repository import Watches
from tests.plugins.postgresql_server import POSTGRESQL

#: Marks a test of a rule that applies to PostgreSQL only.
ON_POSTGRESQL = pytest.mark.parametrize("database_url", [POSTGRESQL], indirect=True)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database with the current schema."""
    if request.param == "sqlite":
        path = tmp_path / "store.sqlite3"
        path.write_bytes(_migrated_sqlite())
        return f"sqlite:///{path}"
    return str(request.getfixturevalue("postgresql").new_database())


@cache
def _migrated_sqlite() -> bytes:
    """Return a migrated database file. Tests copy the file because a migration takes 0.2 seconds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.sqlite3"
        upgrade(f"sqlite:///{path}")
        return path.read_bytes()


@pytest.fixture
def database(database_url: str, clock: ManualClock) -> Iterator[Database]:
    database = Database(database_url, clock, names_key=NamesKey("k" * 32), busy_timeout_seconds=120)
    yield database
    database.close()


@pytest.fixture
def jobs(database: Database) -> JobStore:
    return JobStore(database)


@pytest.fixture
def watches(database: Database) -> Watches:
    return Watches(database)


def count(database: Database, table: Table | type[Base], *conditions: ColumnElement[bool]) -> int:
    """Return how many rows of a table match the conditions."""
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
