"""The audit log of purges and of actions on OpenAI keys: who did what, when, and why."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Connection, Index, String, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.database import Database
from app.property.storage.paging import Order, Page
from app.property.storage.statements import clean, entities, new_id
from app.property.storage.types import Base, Id, Plain, PlainJson, Who, Words


class AuditEntry(Base):
    """An action on an OpenAI key, or a purge."""

    __tablename__ = "audit_log"

    id: Mapped[Id] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[Who]
    area: Mapped[str] = mapped_column(String(16))
    # an action on a key (disable, enable, probe), the kind of purged data, or "age" (`privacy/ages.py`)
    action: Mapped[str] = mapped_column(String(16))
    key_id: Mapped[Id | None]
    mask: Mapped[Plain | None]
    reason: Mapped[Words | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[str | None] = mapped_column(String(16))
    removed: Mapped[PlainJson | None]  # number of rows that a purge deleted, by table; null for an action on a key

    __table_args__ = (
        CheckConstraint("area IN ('key', 'purge')", name="area"),
        Index("ix_audit_log_area_at_id", "area", "at", "id"),
        Index("ix_audit_log_key_id_at_id", "key_id", "at", "id"),
    )

    def as_json(self) -> dict[str, Any]:
        return self.shown(("id", "at", "who", "action", "key_id", "mask", "reason", "outcome", "state"))


_c = AuditEntry.__table__.c
KEY_ACTIONS = Order("actions", (_c.at, _c.id), descending=True)


def record(connection: Connection, at: datetime, who: str, area: str, action: str, **columns: Any) -> None:
    texts = {name: clean(value) if isinstance(value, str) else value for name, value in columns.items()}
    row = {"id": new_id(), "at": at, "who": clean(who), "area": area, "action": action, **texts}
    connection.execute(insert(AuditEntry).values(row))


def key_actions(
    database: Database, cursor: str | None = None, *, key_id: str | None = None, limit: int = 100
) -> Page[AuditEntry]:
    """Return a page of actions on keys, newest first, of the key `key_id` (None: all keys).

    Raises `InvalidCursorError`.
    """
    query = select(AuditEntry).where(AuditEntry.area == "key")
    if key_id is not None:
        query = query.where(AuditEntry.key_id == key_id)
    with database.reading() as connection:
        rows = entities(connection, KEY_ACTIONS.page_query(query, cursor, limit))
    return Page(rows[:limit], KEY_ACTIONS.next_cursor(rows, limit))
