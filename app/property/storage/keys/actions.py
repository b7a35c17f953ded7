"""The audit of the keys: what operators did with them, who, when and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select

from app.property.storage.database import Database
from app.property.storage.keys.hours import prune
from app.property.storage.paging import Order, Page
from app.property.storage.statements import clean, new_id
from app.property.storage.tables import key_actions

KEPT_DAYS = 400
ORDER = Order("actions", (key_actions.c.at, key_actions.c.id), descending=True)


@dataclass(frozen=True, slots=True)
class KeyDeed:
    """One action on one key. `action`, `outcome` and `state` (the key's, after it) are the pool's words; `reason` may
    be empty."""

    who: str
    action: str
    key_id: str
    mask: str
    reason: str
    outcome: str
    state: str


@dataclass(frozen=True, slots=True)
class KeyAction:
    """A deed that was written down."""

    id: str
    at: datetime
    deed: KeyDeed

    def as_json(self) -> dict[str, Any]:
        """The shape that the doors show: JSON types only."""
        shown = asdict(self.deed)
        shown["key"] = shown.pop("key_id")
        return {"id": self.id, "at": self.at.isoformat(), **shown}


class KeyActionStore:
    """Deeds in a `Database`; each method is one transaction. Raises errors of `app.errors`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, deed: KeyDeed) -> KeyAction:
        """Write it down, by the database's clock."""
        cleaned = {name: clean(text) for name, text in asdict(deed).items()}
        row = {"id": new_id(), "at": self._database.clock.now(), **cleaned}
        with self._database.writing() as connection:
            return _action_of(connection.execute(insert(key_actions).values(row).returning(*key_actions.c)).one())

    def page(self, cursor: str | None = None, *, key_id: str | None = None, limit: int = 100) -> Page[KeyAction]:
        """Those after `cursor`, the newest first; of one key, if it is named. Raises `InvalidCursorError`."""
        query = select(key_actions)
        if key_id is not None:
            query = query.where(key_actions.c.key_id == key_id)
        with self._database.reading() as connection:
            rows = connection.execute(ORDER.page_query(query, cursor, limit)).all()
        return Page([_action_of(row) for row in rows[:limit]], ORDER.next_cursor(rows, limit))

    def prune(self) -> None:
        """Delete what is older than `KEPT_DAYS`, at most a thousand rows."""
        oldest = self._database.clock.now() - timedelta(days=KEPT_DAYS)
        with self._database.writing() as connection:
            prune(connection, key_actions, key_actions.c.at < oldest)


def _action_of(row: Row[Any]) -> KeyAction:
    deed = KeyDeed(row.who, row.action, row.key_id, row.mask, row.reason, row.outcome, row.state)
    return KeyAction(row.id, row.at, deed)
