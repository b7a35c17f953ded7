"""The feed of published changes, ordered by commit.

A client's cursor is the position of the last change that it has received. PostgreSQL assigns row numbers before the
commit. A client could therefore read a higher number first and miss a lower one that is committed later. Therefore,
`publish` gives the change a new position, and locks the feed until the transaction commits.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from app.property.storage.database import Database
from app.property.storage.paging import Order
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.properties.locks import lock_feed
from app.property.storage.properties.tables import Property
from app.property.storage.statements import Store, delete_some
from app.property.storage.watches.models import Change, ChangeState

ORDER = Order("changes", (Change.position,))
#: A cursor after all changes that are published so far.
LATEST = "latest"
#: Maximum number of changes deleted per transaction, so that other writers do not wait long.
_AT_ONCE = 1000
_PUBLISHED = Change.state == ChangeState.PUBLISHED


def publish(database: Database, connection: Connection, change: Change, why: str, now: datetime) -> None:
    """Move a pending change to the end of the feed.

    Do nothing if a purge has deleted the change. Delete the change if it contains a name that was purged after the
    change was detected.
    """
    lock_feed(database, connection)
    change.state, change.why, change.look_at, change.updated_at = ChangeState.PUBLISHED, why, None, now
    row = {column.name: getattr(change, column.name) for column in Change.__table__.columns}
    deleted = connection.execute(delete(Change).where(Change.position == row.pop("position"))).rowcount
    texts = (change.old, change.new, change.old_evidence, change.new_evidence, change.context)
    if deleted and not purged_since(database, connection, change.seen_at).names.is_in(texts):
        connection.execute(insert(Change).values(row))


@dataclass(frozen=True, slots=True)
class Followed:
    """A page of the feed, oldest change first.

    `next_since` is the cursor after the last change. `has_more` is True if later changes are already published.
    """

    changes: list[Change]
    next_since: str
    has_more: bool = False

    def as_json(self) -> dict[str, Any]:
        changes = [change.as_json() for change in self.changes]
        return {"changes": changes, "next_since": self.next_since, "has_more": self.has_more}


class ChangeStore(Store):
    def since(self, cursor: str | None = None, *, limit: int = 100, property_id: str | None = None) -> Followed:
        """Return up to `limit` changes after `cursor`, of all properties or of `property_id`.

        With cursor None, start at the oldest change. With `LATEST`, return no changes, only a cursor after the newest
        one. If `property_id` was merged, return changes of the property it was merged into. Raises
        `InvalidCursorError`.
        """
        if cursor == LATEST:
            newest = self._scalar(select(func.max(Change.position)).where(_PUBLISHED))
            return Followed([], ORDER.cursor((newest or 0,)))
        query = ORDER.page_query(select(Change).where(_PUBLISHED), cursor, limit)
        if property_id is not None:
            query = query.where(_is_of(property_id))
        found = self._read(query)
        if not found:
            return Followed([], cursor if cursor is not None else ORDER.cursor((0,)))
        return Followed(found[:limit], ORDER.cursor((found[:limit][-1].position,)), len(found) > limit)

    def newest(self, *, property_id: str | None = None, limit: int = 100) -> list[Change]:
        """Return the latest changes, newest first."""
        query = select(Change).where(_PUBLISHED).order_by(Change.position.desc())
        if property_id is not None:
            query = query.where(_is_of(property_id))
        return self._read(query.limit(limit))

    def count_since(self, cursor: str) -> tuple[int, datetime | None]:
        """Return the number of changes after `cursor`, and the first one's publication time (None: no changes).

        Raises `InvalidCursorError`.
        """
        counted: Any = select(func.count(), func.min(Change.updated_at)).where(_PUBLISHED)
        with self._database.reading() as connection:
            count, oldest = connection.execute(ORDER.after(counted, cursor)).one()
        return count, oldest

    def prune(self, before: datetime) -> int:
        """Delete up to 1,000 changes that were last updated before `before`, and return their number."""
        return delete_some(self._database, Change, Change.updated_at < before, _AT_ONCE)


def _is_of(property_id: str) -> ColumnElement[bool]:
    canonical = select(Property.merged_into).where(Property.id == property_id).scalar_subquery()
    return Change.property_id == func.coalesce(canonical, property_id)
