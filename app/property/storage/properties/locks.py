"""Lock properties on PostgreSQL, so that two writers do not store the same property at the same time.

SQLite needs no locks, because it has one writer at a time. Locks are held until the transaction ends. A transaction
takes locks in this order: the purge lock (shared), property keys, the job's row, rows of properties, the feed. Before
these, a transaction takes the locks for ticks, idempotency keys, and adding watches, if needed. In a deadlock, the
database cancels one transaction, and `Database.repeat` repeats it.
"""

import hashlib
from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, Connection, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.property.merging import identity
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.privacy.suppressions import PURGE
from app.property.storage.properties.tables import Property
from app.property.storage.statements import chunks

#: The keys are sorted, so that all transactions lock them in the same order.
_TAKE = text("SELECT pg_advisory_xact_lock(k) FROM (SELECT unnest(:keys) AS k ORDER BY 1) AS wanted").bindparams(
    bindparam("keys", type_=ARRAY(BigInteger))
)


def lock_pages(database: Database, connection: Connection, records: Sequence[SourceRecord]) -> None:
    """Lock out new purges, and other writers of records that share a key with one of `records`.

    First, wait for those that are running.
    """
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
    if connection.dialect.name == "sqlite" or not (wanted := sorted(property_ids)):
        return
    for some in chunks(wanted):
        rows = select(Property.id).where(Property.id.in_(some)).order_by(Property.id)
        connection.execute(rows.with_for_update(key_share=True))


def lock_feed(database: Database, connection: Connection) -> None:
    """Lock the change feed, so that update times and changes are committed in order.

    Take this lock last, because every writer that updates a property needs it.
    """
    database.advisory_lock(connection, "feed")


def _number(key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"property {key}".encode("utf-8", "replace")).digest()[:8], signed=True)
