"""Recompute outdated keys of properties, and merge properties that match by their new keys.

`properties.identity_version` is the version of the rules by which the keys were made.
"""

from sqlalchemy import Connection, func, select, tuple_, update

from app.property.merging.identity import IDENTITY_VERSION
from app.property.storage.database import Database
from app.property.storage.properties.locks import lock_pages, lock_rows
from app.property.storage.properties.rebuild import rebuild
from app.property.storage.properties.resolve import merge_same
from app.property.storage.properties.source_records import records_of
from app.property.storage.properties.tables import Property

_DUE = Property.merged_into.is_(None), Property.identity_version < IDENTITY_VERSION
#: Position among the properties to reindex: (identity version, property id).
Place = tuple[int, str]
BEGIN: Place = (-1, "")


def count_due(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(Property).where(*_DUE)).scalar_one())


def due_after(database: Database, place: Place, limit: int) -> list[Place]:
    """Return the next `limit` properties to reindex after `place`, in ascending order."""
    c = Property
    query = select(c.identity_version, c.id).where(*_DUE, tuple_(c.identity_version, c.id) > tuple_(*place))
    with database.reading() as connection:
        rows = connection.execute(query.order_by(c.identity_version, c.id).limit(limit)).all()
    return [(row.identity_version, row.id) for row in rows]


def reindex_one(database: Database, property_id: str) -> bool:
    """Recompute a property's keys and merge its matches. Return False if the keys were not outdated."""

    def work(connection: Connection) -> bool:
        lock_pages(database, connection, records_of(connection, property_id))
        lock_rows(connection, [property_id])
        if connection.execute(select(Property.id).where(Property.id == property_id, *_DUE)).first() is None:
            return False
        current_id, compared = property_id, set[str]()
        rebuild(database, connection, current_id)
        left = records_of(connection, current_id)
        while left:
            record = left.pop(0)
            compared.add(record.url)
            current_id, is_merged = merge_same(database, connection, record, current_id)
            if is_merged:
                rebuild(database, connection, current_id, changed=True)
                left = [one for one in records_of(connection, current_id) if one.url not in compared]
        connection.execute(update(Property).where(Property.id == current_id).values(identity_version=IDENTITY_VERSION))
        return True

    return database.repeat(work)
