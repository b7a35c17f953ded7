"""Properties as the doors show them: rows of `properties` with their sources and the ids that they replace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from app.property.storage.jobs.attempts import tried_for
from app.property.storage.properties.claims import heard_of
from app.property.storage.properties.rows import shown
from app.property.storage.tables import properties, records

#: of a record's row, what is shown: what it says itself is most of it, and is not
_SHOWN = [column for column in records.c if column.name not in ("record", "evidence")]


def views(connection: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """`rows` in the shape of `PropertyStore.get`, in their order; a query each for what belongs to all of them."""
    ids = [row.id for row in rows]
    sources: dict[str, list[Row[Any]]] = {}
    for source in connection.execute(
        select(*_SHOWN).where(records.c.property_id.in_(ids)).order_by(records.c.fetched_at, records.c.id)
    ):
        sources.setdefault(source.property_id, []).append(source)
    replaced = _replaced(connection, ids)
    heard = heard_of(connection, ids)
    tried = tried_for(connection, ids)
    return [
        shown(row, sources.get(row.id, []), replaced.get(row.id, []), heard.get(row.id, []), tried.get(row.id, ()))
        for row in rows
    ]


def _replaced(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    """The ids of the properties that were folded into each of `ids`."""
    query = select(properties.c.id, properties.c.merged_into).where(properties.c.merged_into.in_(ids))
    found: dict[str, list[str]] = {}
    for row in connection.execute(query.order_by(properties.c.id)):
        found.setdefault(row.merged_into, []).append(row.id)
    return found
