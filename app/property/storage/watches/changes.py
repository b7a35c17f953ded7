"""The feed of changes: what was told, in the order in which it was, for whoever follows; and which pages want one more
look.

A cursor is the position of the last change that somebody has. PostgreSQL's sequences number rows before they are
committed, so a lower number could appear after a higher one was read; here one transaction at a time numbers changes,
and keeps the others from it until it is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, func, insert, select, update

from app.property.storage.database import Database
from app.property.storage.paging import Order, Page
from app.property.storage.properties.locks import lock_feed
from app.property.storage.statements import new_id
from app.property.storage.tables import change_candidates, changes, properties
from app.property.storage.watches.change_rows import Change, change_of

ORDER = Order("changes", (changes.c.position,))
#: a cursor before everything that is still to come
LATEST = "latest"
NEWEST_FIRST = Order("newest changes", (changes.c.position,), descending=True)
#: changes that are deleted at a time: no other writer waits long
_AT_ONCE = 1000
_C = change_candidates.c


def append(database: Database, connection: Connection, row: Row[Any], why: str) -> str:
    """Tell the candidate of `row`, in the caller's transaction; -> the change's id."""
    lock_feed(database, connection)
    told = {
        "id": new_id(),
        **{name: getattr(row, name) for name in ("property_id", "field", "old_value", "new_value")},
        **{name: getattr(row, name) for name in ("old_evidence", "new_evidence", "context", "urls", "seen_at")},
        "why": why,
        "told_at": database.clock.now(),
    }
    connection.execute(insert(changes).values(told))
    return str(told["id"])


@dataclass(frozen=True, slots=True)
class Followed:
    """Changes after a cursor, the oldest first. `next_since` goes on after the last of them, now or at any later time;
    `has_more`: some are there already."""

    changes: list[Change]
    next_since: str
    has_more: bool = False

    def as_json(self) -> dict[str, Any]:
        changes = [change.as_json() for change in self.changes]
        return {"changes": changes, "next_since": self.next_since, "has_more": self.has_more}


class ChangeStore:
    """Changes in a `Database`; each method is one transaction, atomic over all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = database.clock

    # --- reading

    def since(self, cursor: str | None = None, *, limit: int = 100, property_id: str | None = None) -> Followed:
        """Changes after `cursor`, all or of one property, or of the one that it turned out to be. None begins with the
        oldest that is kept, `LATEST` with what comes from now on. Raises `InvalidCursorError`.
        """
        if cursor == LATEST:
            with self._database.reading() as connection:
                return Followed([], ORDER.cursor((_newest(connection),)))
        query = ORDER.page_query(select(changes), cursor, limit)
        if property_id is not None:
            query = query.where(_is_of(property_id))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return Followed([], cursor if cursor is not None else ORDER.cursor((0,)))
        shown = [change_of(row) for row in rows[:limit]]
        return Followed(shown, ORDER.cursor((shown[-1].position,)), len(rows) > limit)

    def of(self, property_id: str, cursor: str | None = None, *, limit: int = 100) -> Page[Change]:
        """Changes of a property, or of the one that it turned out to be, the newest first."""
        query = select(changes).where(_is_of(property_id))
        with self._database.reading() as connection:
            rows = connection.execute(NEWEST_FIRST.page_query(query, cursor, limit)).all()
        return Page([change_of(row) for row in rows[:limit]], NEWEST_FIRST.next_cursor(rows, limit))

    def count_since(self, cursor: str) -> tuple[int, datetime | None]:
        """Return how many changes there are after `cursor`, and when the first of them was told."""
        counted: Any = select(func.count(), func.min(changes.c.told_at)).select_from(changes)
        with self._database.reading() as connection:
            count, oldest = connection.execute(ORDER.after(counted, cursor)).one()
        return count, oldest

    # --- retention

    def prune(self, before: datetime) -> int:
        """Delete changes that were told before that, and candidates that stood or went back so long ago; at most a
        thousand of each. -> how many changes went."""
        old = select(changes.c.position).where(changes.c.told_at < before).limit(_AT_ONCE)
        idle = select(_C.id).where(_C.looked_at < before).limit(_AT_ONCE)
        with self._database.writing() as connection:
            connection.execute(delete(change_candidates).where(_C.id.in_(idle)))
            return connection.execute(delete(changes).where(changes.c.position.in_(old))).rowcount


@dataclass(frozen=True, slots=True)
class Look:
    """A page that alone shows a change and needs one more look."""

    property_id: str
    url: str


def due_looks(connection: Connection, now: datetime, limit: int) -> list[Look]:
    """Return the looks that are due, at most `limit`, the longest due first."""
    first = func.min(_C.look_at)
    due = select(_C.property_id, _C.url).where(_C.look_at <= now).group_by(_C.property_id, _C.url)
    return [Look(*row) for row in connection.execute(due.order_by(first, _C.url).limit(limit))]


def look_again(connection: Connection, now: datetime, looks: Sequence[tuple[Look, datetime | None]]) -> None:
    """Set when each of the due `looks` is due again; None: not before somebody reads the page."""
    if looks:
        due = and_(_C.property_id == bindparam("its_property"), _C.url == bindparam("its_url"), _C.look_at <= now)
        connection.execute(
            update(change_candidates).where(due).values(look_at=bindparam("next_at")),
            [{"its_property": look.property_id, "its_url": look.url, "next_at": at} for look, at in looks],
        )


def _is_of(property_id: str) -> ColumnElement[bool]:
    home = select(properties.c.merged_into).where(properties.c.id == property_id).scalar_subquery()
    return changes.c.property_id == func.coalesce(home, property_id)


def _newest(connection: Connection) -> int:
    return int(connection.execute(select(func.max(changes.c.position))).scalar() or 0)
