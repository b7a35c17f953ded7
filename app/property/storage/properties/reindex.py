"""Files properties anew that an older version filed under other keys, and merges those that turn out to be one.

`properties.key_rules` says by which rules a property is filed. One property is one transaction, so workers may go on.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select, tuple_, update

from app.property.merging.identity import KEY_RULES
from app.property.storage.database import Database
from app.property.storage.properties.locks import lock_pages, lock_rows
from app.property.storage.properties.rebuild import rebuild
from app.property.storage.properties.resolve import merge_same
from app.property.storage.properties.source_records import records_of
from app.property.storage.properties.tables import Property

_DUE = Property.merged_into.is_(None), Property.key_rules < KEY_RULES
#: a place in the queue of properties that are due: their rules, and their id
Place = tuple[int, str]
BEGIN: Place = (-1, "")


def count_due(connection: Connection) -> int:
    """Return how many properties are filed by older rules."""
    return int(connection.execute(select(func.count()).select_from(Property).where(*_DUE)).scalar_one())


def due_after(database: Database, place: Place, limit: int) -> list[Place]:
    """Return the next properties that are due, in a stable order."""
    c = Property
    query = select(c.key_rules, c.id).where(*_DUE, tuple_(c.key_rules, c.id) > tuple_(*place))
    with database.reading() as connection:
        rows = connection.execute(query.order_by(c.key_rules, c.id).limit(limit)).all()
    return [(row.key_rules, row.id) for row in rows]


def reindex_one(database: Database, property_id: str) -> bool:
    """File one property anew; False if it is not due any more."""

    def work(connection: Connection) -> bool:
        lock_pages(database, connection, records_of(connection, property_id))
        lock_rows(connection, [property_id])
        if connection.execute(select(Property.id).where(Property.id == property_id, *_DUE)).first() is None:
            return False
        current_id, judged = property_id, set[str]()
        rebuild(database, connection, current_id)
        left = records_of(connection, current_id)
        while left:
            record = left.pop(0)
            judged.add(record.url)
            current_id, is_merged = merge_same(database, connection, record, current_id)
            if is_merged:
                rebuild(database, connection, current_id, changed=True)
                left = [one for one in records_of(connection, current_id) if one.url not in judged]
        connection.execute(update(Property).where(Property.id == current_id).values(key_rules=KEY_RULES))
        return True

    return database.repeat(work)
