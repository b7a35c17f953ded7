"""Which writers of properties wait for each other, on PostgreSQL: those whose records may be of one property. SQLite
has one writer at a time anyway.

Locks are taken in this order, and held until the transaction ends: purges (shared), keys, the job's row, rows of
properties, the feed. Only an idempotency key and the adding of watches are locked before purges: whoever purges holds
neither. If two transactions wait for each other all the same, the database ends one, and `Database.repeat`
runs it anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, Connection, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.property.merging import identity
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.privacy.suppressions import PURGE
from app.property.storage.properties.tables import Property

#: the subquery sorts, so that all transactions take the locks that they share in one order
_TAKE = text("SELECT pg_advisory_xact_lock(k) FROM (SELECT unnest(:keys) AS k ORDER BY 1) AS wanted").bindparams(
    bindparam("keys", type_=ARRAY(BigInteger))
)


def lock_pages(database: Database, connection: Connection, records: Sequence[SourceRecord]) -> None:
    """Hold up purges, and whoever stores a record that may be of one property with one of `records`: they share a key
    under which one of them is filed and the other is looked for."""
    database.advisory_lock(connection, PURGE, shared=True)
    if database.is_sqlite or not records:
        return
    keys = {
        key
        for record in records
        for key in (
            *identity.lookups_of(record),
            *identity.blocks_of(record.values),
            *identity.block_lookups_of(record.values),
        )
    }
    connection.execute(_TAKE, {"keys": [_number(key) for key in keys]})


def lock_rows(connection: Connection, property_ids: Collection[str]) -> None:
    """Hold up whoever changes one of these properties."""
    if connection.dialect.name == "sqlite" or not (wanted := sorted(property_ids)):
        return
    rows = select(Property.id).where(Property.id.in_(wanted)).order_by(Property.id)
    connection.execute(rows.with_for_update(key_share=True))


def lock_feed(database: Database, connection: Connection) -> None:
    """Hold up whoever gives a property a new moment or tells a change, so that nothing appears before what somebody may
    have seen. Taken last, since all writers wait for it."""
    database.advisory_lock(connection, "feed")


def _number(key: str) -> int:
    """The key as PostgreSQL's locks are named: 64 bits of its hash."""
    return int.from_bytes(hashlib.sha256(f"property {key}".encode("utf-8", "replace")).digest()[:8], signed=True)
