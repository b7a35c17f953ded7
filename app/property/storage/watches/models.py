"""What is refreshed on a schedule, what that has cost, and the changes that were noticed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, String, bindparam, false, inspect, text, update
from sqlalchemy.orm import Mapped, mapped_column, query_expression, synonym

from app.property.merging.change_confirmation import Candidate
from app.property.merging.changes import Said
from app.property.record import Evidence
from app.property.storage.types import Base, Id, JsonWords, RowId, Sha256, Url, Urls, Who, Words, where


def write(connection: Connection, watches: Sequence[Watch]) -> None:
    """Write what has changed of `watches` since they were read, all in one statement."""
    columns = set(Watch.__table__.columns.keys())
    names = sorted({name for one in watches for name in columns - inspect(one).unmodified})
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    rows = [{"its_id": one.id, **{f"new_{name}": getattr(one, name) for name in names}} for one in watches]
    if names:
        connection.execute(update(Watch).where(Watch.id == bindparam("its_id")).values(values), rows)


class WatchKind(StrEnum):
    """What is refreshed: a stored property with all its pages, one URL, or an address."""

    PROPERTY = "property"
    URL = "url"
    ADDRESS = "address"


class WatchStatus(StrEnum):
    """waiting: for its time · due: for the next tick · put_off: a day's budget had no room for it, it comes first on
    the next · under_way: its jobs are · paused: until it is added again."""

    WAITING = "waiting"
    DUE = "due"
    PUT_OFF = "put_off"
    UNDER_WAY = "under_way"
    PAUSED = "paused"


class Watch(Base):
    """Something that is refreshed every `interval_days`."""

    __tablename__ = "watches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    # property, url (of a page, or of a search that lists many) or address
    kind: Mapped[str] = mapped_column(String(8))
    # a property's id, or a URL or an address in its one spelling
    target: Mapped[Url] = mapped_column(unique=True)
    # of a URL or an address known after the first refresh, of a search never
    property_id: Mapped[Id | None] = mapped_column(ForeignKey("properties.id", ondelete="CASCADE"), index=True)
    interval_days: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    pause_reason: Mapped[Words | None]
    # when it is to be refreshed next
    due_at: Mapped[datetime]
    # since when a day's budget has had no room for it
    put_off_at: Mapped[datetime | None]
    # since when the refresh that has not been accounted for yet is under way
    under_way_since: Mapped[datetime | None]
    # refreshes in a row that brought nothing, and since when
    failures: Mapped[int] = mapped_column(server_default="0")
    failing_since: Mapped[datetime | None]
    # what went wrong with the last refresh, also where only some of its pages failed
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[Words | None]
    # when a refresh last brought something
    refreshed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[Who]
    # whose daily quota its refreshes count toward, nobody's without; and whether the next one was counted already
    caller: Mapped[Sha256 | None]
    prepaid: Mapped[bool] = mapped_column(server_default=false())
    # a `WatchStatus`, where the query asks for it (`repository.py`)
    status: Mapped[str] = query_expression()

    __table_args__ = (
        CheckConstraint("kind IN ('property', 'url', 'address')", name="kind"),
        CheckConstraint("state IN ('active', 'paused')", name="state"),
        Index("ix_watches_state_due_at", "state", "due_at", "id"),
        Index("ix_watches_under_way_since", "under_way_since"),
        Index("ix_watches_created_at_id", "created_at", "id"),
    )

    @property
    def error(self) -> dict[str, str] | None:
        return {"code": self.error_code, "message": self.error_message or ""} if self.error_code else None

    def pause(self, why: str) -> None:
        self.state, self.pause_reason, self.status = "paused", why, WatchStatus.PAUSED

    def as_json(self) -> dict[str, Any]:
        names = ["id", "kind", "target", "property_id", "interval_days", "status", "pause_reason", "due_at"]
        names += ("put_off_at", "under_way_since", "failures", "error", "refreshed_at", "created_at", "created_by")
        return self.shown(names)


class ChangeState(StrEnum):
    """pending: a page shows it, it is not accepted yet · published: it is in the feed, and never rewritten but for its
    property · reverted: the page went back. What the page said meanwhile is forgotten."""

    PENDING = "pending"
    PUBLISHED = "published"
    REVERTED = "reverted"


class Change(Base):
    """Another value of a field of a property, seen on a page."""

    __tablename__ = "changes"

    # of published ones in the order of commits: a row that is published gets a new number (`watches/changes.py`). None
    # is given twice, not even that of a row that is purged
    position: Mapped[RowId] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(unique=True)
    property_id: Mapped[Id] = mapped_column(ForeignKey("properties.id", ondelete="CASCADE"))
    field: Mapped[str] = mapped_column(String(64))
    # of the page's record
    url: Mapped[Url]
    state: Mapped[str] = mapped_column(String(9), server_default="pending")
    # empty where nothing was said before
    old: Mapped[JsonWords | None]
    new: Mapped[JsonWords | None]
    old_evidence: Mapped[JsonWords | None]
    new_evidence: Mapped[JsonWords | None]
    # what both mean nothing without: {"old": {"X_Currency": ...}, "new": {...}}
    context: Mapped[JsonWords] = mapped_column(nullable=True)
    # of the pages that both were read on, each between blanks
    urls: Mapped[Urls]
    # why it was accepted
    why: Mapped[Words | None]
    # further looks that found it so
    looks: Mapped[int] = mapped_column(server_default="0")
    seen_at: Mapped[datetime]
    # of the last look while it is pending, then of the end of that
    updated_at: Mapped[datetime] = mapped_column(index=True)
    published_at: Mapped[datetime] = synonym("updated_at")
    # when one more look is due; empty where none would help
    look_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('pending', 'published', 'reverted')", name="state"),
        Index("ix_changes_property_id_field", "property_id", "field"),
        Index("ix_changes_field_updated_at", "field", "updated_at"),
        Index("ix_changes_look_at", "look_at", **where(text("look_at IS NOT NULL"))),
        {"sqlite_autoincrement": True},
    )

    @property
    def said_before(self) -> Said | None:
        if self.old_evidence is None:
            return None
        return Said(self.old, Evidence.model_validate(self.old_evidence), self.context["old"])

    @property
    def candidate(self) -> Candidate:
        new = Said(self.new, Evidence.model_validate(self.new_evidence), self.context["new"])
        return Candidate(self.field, self.url, self.said_before, new, self.seen_at, self.updated_at, self.looks)

    def as_json(self) -> dict[str, Any]:
        names = ("id", "property_id", "field", "old", "new", "context", "old_evidence", "new_evidence", "why")
        return self.shown((*names, "seen_at", "published_at"))
