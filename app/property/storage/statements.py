"""Rows and values on their way: in pieces that fit a statement, as text that every database takes."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TypedReturnsRows

from app.property.storage.database import Database
from app.property.storage.types import Base

#: values of one IN list or rows of one INSERT: SQLite takes 32,766 parameters a statement, a job has 26
CHUNK = 1000


def chunks[T](values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """`values` in pieces of at most `size`; none for an empty sequence."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def new_id() -> str:
    """A name that nothing else has: of a job, a batch, a property."""
    return uuid.uuid4().hex


def clean(text: str | None) -> str | None:
    """`text` as PostgreSQL takes it: no NUL, no half of a surrogate pair."""
    if text is None:
        return None
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def digest(value: Any) -> str:
    """One hash for one JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def insert_into(connection: Connection, table: Table | type[Any]) -> Any:
    """An INSERT in the database's own words, which can say what becomes of a row that is there already."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def insert_if_new(connection: Connection, table: Table | type[Any]) -> Any:
    """An INSERT that leaves rows alone which are there already, by whichever unique key."""
    return insert_into(connection, table).on_conflict_do_nothing()


def entities[T](
    connection: Connection, statement: TypedReturnsRows[T], rows: Sequence[dict[str, Any]] | None = None
) -> list[T]:
    """Return the mapped objects that a SELECT, or another statement that returns some, finds: each of them detached.

    `rows` are those of an INSERT.
    """
    with Session(connection, expire_on_commit=False) as session:
        return list(session.scalars(statement, rows, execution_options={"synchronize_session": False}))


def insert_all(connection: Connection, objects: Sequence[Base]) -> None:
    """Insert new mapped objects, which get what their columns have by default."""
    with Session(connection, expire_on_commit=False) as session:
        session.add_all(objects)
        session.flush()


def delete_some(database: Database, table: type[Base], which: ColumnElement[bool], at_once: int) -> int:
    """Delete rows, `at_once` at most, in a transaction of its own; return how many. No writer is stopped for none, and
    writers get their turn between two of these.

    A row that somebody else changed meanwhile, for whom it waited, goes only if it is still one of these.
    """
    key = tuple(table.__table__.primary_key.columns)
    some = select(*key).where(which).limit(at_once)
    with database.reading() as connection:
        if connection.execute(some.limit(1)).first() is None:
            return 0
    gone = delete(table).where(tuple_(*key).in_(some), which)
    with database.turn():
        return database.repeat(lambda connection: connection.execute(gone).rowcount)


def upsert(connection: Connection, table: Table | type[Any], key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Put `values` into the row of `key` (its primary key), which is made if it is not there."""
    statement = insert_into(connection, table).values({**key, **values})
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=dict(values)))
