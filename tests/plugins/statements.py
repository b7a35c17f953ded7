"""Record the SQL statements of a block, and show query plans."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.property.storage.database import Database


@contextmanager
def recorded(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Yield a list to which each SQL statement of the block is added, with its parameters."""
    found = list[tuple[str, Any]]()
    with database.reading() as connection:
        engine = connection.engine

    def note(*arguments: Any) -> None:
        found.append((arguments[2], arguments[3]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plan_of(database: Database, sql: str, parameters: Sequence[Any]) -> str:
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.reading() as connection:
        plan = connection.exec_driver_sql(f"{explain} {sql}", parameters).all()
    return "\n".join(str(row[-1]) for row in plan)
