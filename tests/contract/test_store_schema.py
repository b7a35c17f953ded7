"""Migrations, and the reaction to databases with another schema."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select

from app.clock import ManualClock
from app.errors.storage import DatabaseOutdatedError, OldSchemaError, StoreError
from app.property.storage.database import Database
from app.property.storage.engine import make_engine, parse_url
from app.property.storage.inspection import inspect_database
from app.property.storage.jobs.models import Batch as BatchRow
from app.property.storage.schema import _MIGRATIONS, HEAD, upgrade
from app.property.storage.tables import metadata


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(_MIGRATIONS)).get_current_head() == HEAD


def test_the_migrations_create_exactly_the_tables_of_the_code(database_url: str) -> None:
    _empty(database_url)
    assert upgrade(database_url) == (None, HEAD)
    assert upgrade(database_url) == (HEAD, HEAD)
    engine = make_engine(parse_url(database_url), 1)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_an_empty_database_is_migrated_or_the_error_names_the_command(database_url: str) -> None:
    _empty(database_url)
    database = Database(database_url)
    if database.is_sqlite:
        database.open()
    else:
        with pytest.raises(DatabaseOutdatedError, match="propintel db upgrade"):
            database.open()
    database.close()


@pytest.mark.parametrize("revision", ["0001", "0025"])
def test_a_database_of_a_version_before_1_0_is_refused_and_unchanged(database_url: str, revision: str) -> None:
    """The error suggests an export with the old version and an import into an empty database."""
    upgrade(database_url)
    _set_version(database_url, revision)
    for work in (Database(database_url).open, lambda: upgrade(database_url)):
        with pytest.raises(OldSchemaError, match=rf"schema {revision}.*with that version.*runbooks/upgrade"):
            work()
    assert inspect_database(database_url).revision == revision


def test_a_database_of_a_newer_version_is_refused_and_unchanged(database_url: str) -> None:
    upgrade(database_url)
    _set_version(database_url, "9999")
    with pytest.raises(StoreError, match="9999"):
        Database(database_url).open()
    with pytest.raises(StoreError, match="9999"):
        upgrade(database_url)


def _empty(url: str) -> None:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).unlink()
        return
    with psycopg.connect(url) as raw:
        raw.execute("DROP SCHEMA public CASCADE")
        raw.execute("CREATE SCHEMA public")


def _set_version(url: str, version: str) -> None:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
            raw.execute("UPDATE alembic_version SET version_num = ?", (version,))
        return
    with psycopg.connect(url) as raw:
        raw.execute("UPDATE alembic_version SET version_num = %s", (version,))


@pytest.fixture
def moment() -> datetime:
    return datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-7)))


def test_a_time_is_read_as_the_same_time_in_utc(database: Database, moment: datetime) -> None:
    row = {"id": "b", "created_at": moment, "priority": 1, "targets": 0, "duplicates": 0}
    with database.writing() as connection:
        connection.execute(BatchRow.__table__.insert().values(row))
    with database.reading() as connection:
        found = connection.execute(select(BatchRow.created_at)).scalar_one()
    assert found == moment
    assert found.tzinfo is UTC


def test_a_time_without_a_timezone_is_refused(database: Database, clock: ManualClock) -> None:
    row = {"id": "b", "created_at": clock.now().replace(tzinfo=None), "priority": 1, "targets": 0, "duplicates": 0}
    with pytest.raises(StoreError, match="timezone"), database.writing() as connection:
        connection.execute(BatchRow.__table__.insert().values(row))
