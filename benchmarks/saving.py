"""Store the record of a page with the same locks as at the end of a job."""

from typing import Any

from sqlalchemy import Connection

from app.property.source_record import SourceRecord
from app.property.storage.properties.locks import lock_pages
from app.property.storage.properties.repository import PropertyStore


def save_record(store: PropertyStore, record: SourceRecord, **how: Any) -> str:
    """Store `record` in a transaction of its own, and return the property's id."""
    database = store.database

    def work(connection: Connection) -> str:
        lock_pages(database, connection, [record])
        return store.save(connection, record, **how)

    return database.repeat(work)
