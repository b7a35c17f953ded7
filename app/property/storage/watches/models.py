"""The tables of watches and of detected changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, String, bindparam, false, inspect, text, update
from sqlalchemy.orm import Mapped, mapped_column, query_expression, synonym

from app.property.merging.change_confirmation import Candidate
from app.property.merging.changes import Statement
from app.property.record import Evidence
from app.property.storage.types import Base, Id, JsonWords, RowId, Sha256, Url, Urls, Who, Words, where


def write(connection: Connection, watches: Sequence[Watch]) -> None:
    columns = set(Watch.__table__.columns.keys())
    names = sorted({name for one in watches for name in columns - inspect(one).unmodified})
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    rows = [{"its_id": one.id, **{f"new_{name}": getattr(one, name) for name in names}} for one in watches]
    if names:
        connection.execute(update(Watch).where(Watch.id == bindparam("its_id")).values(values), rows)


class WatchKind(StrEnum):
    """What a watch refreshes: all pages of a stored property, one URL of a page or search, or an address."""

    PROPERTY = "property"
    URL = "url"
    ADDRESS = "address"


class WatchStatus(StrEnum):
    WAITING = "waiting"
    DUE = "due"
    PUT_OFF = "put_off"  # due, but the day's budget was too small; first in line the next day
    UNDER_WAY = "under_way"  # a refresh has begun, and no tick has processed its results yet
    PAUSED = "paused"  # not refreshed until someone adds the watch again


class Watch(Base):
    __tablename__ = "watches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    # a property's id, or a URL or address normalized by `urls/targets.py`
    target: Mapped[Url] = mapped_column(unique=True)
    # null for a search, and for a page or address that was never refreshed successfully
    property_id: Mapped[Id | None] = mapped_column(ForeignKey("properties.id", ondelete="CASCADE"), index=True)
    interval_days: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    pause_reason: Mapped[Words | None]
    due_at: Mapped[datetime]
    put_off_at: Mapped[datetime | None]  # when the watch began to wait for budget; null if it does not wait
    under_way_since: Mapped[datetime | None]
    # number of consecutive failed refreshes, and when the first of them failed (null: none failed)
    failures: Mapped[int] = mapped_column(server_default="0")
    failing_since: Mapped[datetime | None]
    # error of one page in the last refresh, even if other pages succeeded; null if no page failed
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[Words | None]
    refreshed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[Who]
    # client whose daily quota the refreshes use (null: no quota), and whether the next refresh was already counted
    caller: Mapped[Sha256 | None]
    prepaid: Mapped[bool] = mapped_column(server_default=false())
    # a `WatchStatus`, if the query computes it (see `repository.py`), otherwise null
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
    PENDING = "pending"  # a page shows the new value, but the change is not accepted yet
    PUBLISHED = "published"  # in the feed; immutable except for `property_id`, which follows merges and splits
    REVERTED = "reverted"  # the page shows the old value again; the row's old and new values are cleared


class Change(Base):
    __tablename__ = "changes"

    # position in the feed, never reused; published changes are numbered in commit order (`changes.py`)
    position: Mapped[RowId] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(unique=True)
    property_id: Mapped[Id] = mapped_column(ForeignKey("properties.id", ondelete="CASCADE"))
    field: Mapped[str] = mapped_column(String(64))
    url: Mapped[Url]
    state: Mapped[str] = mapped_column(String(9), server_default="pending")
    old: Mapped[JsonWords | None]  # previous value; null if there was none, or after a reversal
    new: Mapped[JsonWords | None]
    old_evidence: Mapped[JsonWords | None]
    new_evidence: Mapped[JsonWords | None]
    # fields that qualify the two values, such as the currency: {"old": {"X_Currency": ...}, "new": {...}}
    context: Mapped[JsonWords] = mapped_column(nullable=True)
    # URLs of the pages that show the old or the new value, separated and enclosed by spaces
    urls: Mapped[Urls]
    why: Mapped[Words | None]
    looks: Mapped[int] = mapped_column(server_default="0")  # number of later fetches that confirmed the new value
    seen_at: Mapped[datetime]
    # pending: time of the last fetch of the page; otherwise: time of the decision
    updated_at: Mapped[datetime] = mapped_column(index=True)
    published_at: Mapped[datetime] = synonym("updated_at")
    # when to fetch the page again to confirm the change; null if no fetch is planned
    look_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('pending', 'published', 'reverted')", name="state"),
        Index("ix_changes_property_id_field", "property_id", "field"),
        Index("ix_changes_field_updated_at", "field", "updated_at"),
        Index("ix_changes_look_at", "look_at", **where(text("look_at IS NOT NULL"))),
        {"sqlite_autoincrement": True},
    )

    @property
    def previous(self) -> Statement | None:
        if self.old_evidence is None:
            return None
        return Statement(self.old, Evidence.model_validate(self.old_evidence), self.context["old"])

    @property
    def candidate(self) -> Candidate:
        new = Statement(self.new, Evidence.model_validate(self.new_evidence), self.context["new"])
        return Candidate(self.field, self.url, self.previous, new, self.seen_at, self.updated_at, self.looks)

    def as_json(self) -> dict[str, Any]:
        names = ("id", "property_id", "field", "old", "new", "context", "old_evidence", "new_evidence", "why")
        return self.shown((*names, "seen_at", "published_at"))
