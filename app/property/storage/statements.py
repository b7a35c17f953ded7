"""Helpers for SQL statements, and the base class of stores."""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Table, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TypedReturnsRows

from app.property.storage.database import Database
from app.property.storage.paging import Order, Page
from app.property.storage.types import Base

#: Maximum number of values in an IN list, or of rows in an INSERT. SQLite accepts 32,766 parameters per statement, and
#: the widest table that is inserted in chunks has 32 columns.
CHUNK = 1000


def chunks[T](values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def new_id() -> str:
    return uuid.uuid4().hex


def clean(text: str | None) -> str | None:
    """Remove NUL characters and replace lone surrogates with `?`, because PostgreSQL rejects both."""
    if text is None:
        return None
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value as hex digits. The order of object keys does not change the result."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def insert_into(connection: Connection, table: Table | type[Any]) -> Any:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def insert_if_new(connection: Connection, table: Table | type[Any]) -> Any:
    return insert_into(connection, table).on_conflict_do_nothing()


def entities[T](
    connection: Connection, statement: TypedReturnsRows[T], rows: Sequence[dict[str, Any]] | None = None
) -> list[T]:
    """Execute a statement and return its mapped objects, detached from any session."""
    with Session(connection, expire_on_commit=False) as session:
        return list(session.scalars(statement, rows, execution_options={"synchronize_session": False}))


class Store:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = database.clock

    def _read[T](self, query: TypedReturnsRows[T]) -> list[T]:
        with self._database.reading() as connection:
            return entities(connection, query)

    def _rows(self, query: Executable) -> Sequence[Any]:
        with self._database.reading() as connection:
            return connection.execute(query).all()

    def _page[T](self, order: Order, query: Any, cursor: str | None, limit: int) -> Page[T]:
        found = self._read(order.page_query(query, cursor, limit))
        return Page(found[:limit], order.next_cursor(found, limit))

    def _scalar[T](self, query: TypedReturnsRows[T]) -> T | None:
        with self._database.reading() as connection:
            return connection.execute(query).scalar()


def insert_all(connection: Connection, objects: Sequence[Base]) -> None:
    """Insert mapped objects, and set their attributes to the column defaults."""
    with Session(connection, expire_on_commit=False) as session:
        session.add_all(objects)
        session.flush()


def delete_some(database: Database, table: type[Base], which: ColumnElement[bool], at_once: int) -> int:
    """Delete up to `at_once` rows that match `which`, and return their number.

    If no rows match, no write transaction begins.
    """
    key = tuple(table.__table__.primary_key.columns)
    some = select(*key).where(which).limit(at_once)
    with database.reading() as connection:
        if connection.execute(some.limit(1)).first() is None:
            return 0
    statement = delete(table).where(tuple_(*key).in_(some), which)
    return database.repeat_paced(lambda connection: connection.execute(statement).rowcount)


def upsert(connection: Connection, table: Table | type[Any], key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Set `values` in the row with the unique key `key`. If there is no such row, insert it."""
    statement = insert_into(connection, table).values({**key, **values})
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=dict(values)))
