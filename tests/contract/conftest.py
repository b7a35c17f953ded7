"""Every store test runs on SQLite and, where its programs are on PATH, on a PostgreSQL of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.clock import ManualClock
from app.property.store import Database, upgrade
from tests.plugins.postgresql_server import postgresql_server


@pytest.fixture(scope="session")
def postgresql_socket() -> Iterator[Path]:
    """The socket folder of a PostgreSQL server that only this test session knows."""
    with postgresql_server() as folder:
        yield folder


#: of a rule that the other databases have no use for
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


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
