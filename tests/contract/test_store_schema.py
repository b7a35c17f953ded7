"""Migrations, and errors for databases with another schema."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select

from app.errors.storage import DatabaseOutdatedError, OldSchemaError, StoreError
from app.property.storage.database import Database
from app.property.storage.engine import make_engine, parse_url
from app.property.storage.inspection import inspect_database
from app.property.storage.jobs.models import Batch
from app.property.storage.schema import _MIGRATIONS, HEAD, upgrade
from app.property.storage.tables import metadata
from tests.contract.conftest import set_version
from tests.plugins.stores import Stores


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


@pytest.mark.parametrize(
    ("revision", "refusal"), [("0025", r"schema 0025.*with that version.*runbooks/upgrade"), ("9999", "9999")]
)
def test_a_database_of_another_version_is_refused_and_unchanged(database_url: str, revision: str, refusal: str) -> None:
    """For a version before 1.0, the error suggests an export with the old version."""
    set_version(database_url, revision)
    for work in (Database(database_url).open, lambda: upgrade(database_url)):
        with pytest.raises(OldSchemaError if revision < HEAD else StoreError, match=refusal):
            work()
    assert inspect_database(database_url).revision == revision


def _empty(url: str) -> None:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).unlink()
        return
    with psycopg.connect(url) as raw:
        raw.execute("DROP SCHEMA public CASCADE")
        raw.execute("CREATE SCHEMA public")


def test_a_time_is_read_as_the_same_time_in_utc(db: Stores) -> None:
    moment = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-7)))
    row = {"id": "b", "created_at": moment, "priority": 1, "targets": 0, "duplicates": 0}
    db.execute(insert(Batch).values(row))
    ((found,),) = db.execute(select(Batch.created_at))
    assert (found, found.tzinfo) == (moment, UTC)


def test_a_time_without_a_timezone_is_refused(db: Stores) -> None:
    row = {"id": "b", "created_at": db.clock.now().replace(tzinfo=None), "priority": 1, "targets": 0, "duplicates": 0}
    with pytest.raises(StoreError, match="timezone"):
        db.execute(insert(Batch).values(row))
