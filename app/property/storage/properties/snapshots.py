"""All properties as they were at one moment, a page at a time: what an export reads.

Between pages of `PropertyStore.page` the world goes on, so a property that changes meanwhile is met twice. A file is
better off without that: here each comes once, and the last `updated_at` is one up to which everything was seen.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.property.storage.database import Database
from app.property.storage.paging import Order
from app.property.storage.properties.views import views
from app.property.storage.tables import properties

_ORDER = Order("properties", (properties.c.updated_at, properties.c.id))
#: properties in memory at a time
PAGE = 200


def snapshot(
    database: Database, *, changed_since: datetime | None = None, page: int = PAGE
) -> Generator[dict[str, Any]]:
    """Each property once, in the shape of `PropertyStore.get`, what changed last at the end.

    One read transaction from the first to the last: writers do not wait for it, but what they replace is kept until it
    ends. `changed_since` leaves out those unchanged since then. Raises errors of the database.
    """
    query = select(properties).where(properties.c.merged_into.is_(None))
    if changed_since is not None:
        query = query.where(properties.c.updated_at >= changed_since)
    cursor: str | None = None
    with database.reading() as connection:
        _see_one_state(database, connection)
        while True:
            found = connection.execute(_ORDER.page_query(query, cursor, page)).all()
            yield from views(connection, found[:page])
            cursor = _ORDER.next_cursor(found, page)
            if cursor is None:
                return


def _see_one_state(database: Database, connection: Connection) -> None:
    """SQLite's read transactions do so anyway; PostgreSQL's see, unless told, what was committed before a statement."""
    if not database.is_sqlite:
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
