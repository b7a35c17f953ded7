"""Migrations up and down, and what a process does with a database at another schema."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, inspect, select, text

from app.clock import ManualClock
from app.errors.storage import DatabaseOutdatedError, StoreError
from app.property.storage.answers import AnswerStore, Question, StoredAnswer
from app.property.storage.connections import make_engine, parse_url
from app.property.storage.engine import Database
from app.property.storage.schema import _MIGRATIONS, HEAD, downgrade, upgrade
from app.property.storage.tables import batches, metadata, model_answers


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(_MIGRATIONS)).get_current_head() == HEAD


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(database_url: str) -> None:
    """An empty database gets the tables directly; one of an earlier version gets the same from the migrations."""
    engine = make_engine(parse_url(database_url), 1)
    created = _tables(engine)
    downgrade(database_url, "0001")
    assert upgrade(database_url) == ("0001", HEAD)
    assert _tables(engine) == created
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def _tables(engine: Engine) -> dict[str, object]:
    """What the database says of each table, in an order of its own making."""
    found = inspect(engine)
    return {
        name: [
            {column["name"]: {**column, "type": str(column["type"])} for column in found.get_columns(name)},
            found.get_pk_constraint(name),
            *(
                sorted(json.dumps(row, default=str, sort_keys=True) for row in ask(name))
                for ask in (
                    found.get_indexes,
                    found.get_foreign_keys,
                    found.get_unique_constraints,
                    found.get_check_constraints,
                )
            ),
        ]
        for name in found.get_table_names()
    }


def test_up_and_down_again_leaves_no_table(database_url: str) -> None:
    upgrade(database_url)
    assert upgrade(database_url) == (HEAD, HEAD)
    assert downgrade(database_url, "base") == (HEAD, None)
    database = Database(database_url)
    engine = make_engine(database.url, 1)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()
    assert upgrade(database_url) == (None, HEAD)


def test_an_outdated_database_migrates_itself_or_names_the_command(database_url: str) -> None:
    upgrade(database_url)
    downgrade(database_url, "base")
    database = Database(database_url)
    if database.is_sqlite:
        database.open()
    else:
        with pytest.raises(DatabaseOutdatedError, match="propintel db upgrade"):
            database.open()
    database.close()


def test_a_database_of_a_newer_version_is_refused_untouched(database_url: str) -> None:
    upgrade(database_url)
    _set_version(database_url, "9999")
    with pytest.raises(StoreError, match="9999"):
        Database(database_url).open()
    with pytest.raises(StoreError, match="9999"):
        upgrade(database_url)


def test_answers_survive_the_way_to_0002_and_back_and_calls_without_one_do_not(database_url: str) -> None:
    """Revision 0001 counted calls in the table of answers; only answers are of use since the key pool counts."""
    downgrade(database_url, "base")
    upgrade(database_url, "0001")
    engine = make_engine(Database(database_url).url, 1)
    row = "INSERT INTO model_answers (content_sha256, fields, model, prompt_sha256, answer, problem, prompt_tokens, "
    row += (
        "completion_tokens, created_at) VALUES (:body, '[\"Roof\"]', 'm', 'p', :answer, :problem, 9, 1, '2026-01-01')"
    )
    with engine.begin() as connection:
        kept = '{"model": "m-1", "values": {"Roof": [["tile"], "tile roof"]}}'
        connection.execute(text(row), {"body": "asked", "answer": kept, "problem": None})
        connection.execute(text(row), {"body": "failed", "answer": None, "problem": "refused"})
    engine.dispose()
    for _ in range(2):
        upgrade(database_url)
        database = Database(database_url)
        found = AnswerStore(database).model_answer(Question("asked", ("Roof",), "m", "p"))
        assert found == StoredAnswer({"Roof": (["tile"], "tile roof")}, "m-1", 9, 1)
        with database.reading() as connection:
            assert connection.execute(select(func.count()).select_from(model_answers)).scalar_one() == 1
        database.close()
        assert downgrade(database_url, "0001") == (HEAD, "0001")


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


def test_a_moment_comes_back_as_the_same_moment_in_utc(database: Database, moment: datetime) -> None:
    row = {"id": "b", "created_at": moment, "priority": 1, "targets": 0, "duplicates": 0}
    with database.writing() as connection:
        connection.execute(batches.insert().values(row))
    with database.reading() as connection:
        found = connection.execute(select(batches.c.created_at)).scalar_one()
    assert found == moment
    assert found.tzinfo is UTC


def test_a_moment_without_a_timezone_is_refused(database: Database, clock: ManualClock) -> None:
    row = {"id": "b", "created_at": clock.now().replace(tzinfo=None), "priority": 1, "targets": 0, "duplicates": 0}
    with pytest.raises(StoreError, match="timezone"), database.writing() as connection:
        connection.execute(batches.insert().values(row))
