"""What is refreshed on a schedule."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Index,
    String,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, Id, Sha256


class Watch(Base):
    """Watch."""

    __tablename__ = "watches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    # property, url (of a page, or of a search that lists many) or address
    kind: Mapped[str] = mapped_column(String(8))
    # a property's id, or a target in its one spelling
    target: Mapped[str] = mapped_column(unique=True)
    # the property that it is of; of a URL or an address known after the first refresh, of a search never. No foreign
    # key: a property may be purged
    property_id: Mapped[Id | None] = mapped_column(index=True)
    interval_days: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    pause_reason: Mapped[str | None]
    # when it is to be refreshed next
    due_at: Mapped[datetime]
    # since when a day's budget has had no room for it
    waiting_since: Mapped[datetime | None]
    # since when the refresh that has not been accounted for yet is under way
    under_way_since: Mapped[datetime | None]
    # refreshes in a row that brought nothing, and since when
    failures: Mapped[int] = mapped_column(server_default="0")
    failing_since: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None]
    # when a refresh last brought something
    refreshed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    # whose daily quota its refreshes count toward, nobody's without; and whether the next one was counted already
    caller: Mapped[Sha256 | None]
    prepaid: Mapped[bool] = mapped_column(server_default=false())

    __table_args__ = (
        CheckConstraint("kind IN ('property', 'url', 'address')", name="kind"),
        CheckConstraint("state IN ('active', 'paused')", name="state"),
        Index("ix_watches_state_due_at", "state", "due_at", "id"),
        Index("ix_watches_under_way_since", "under_way_since"),
        Index("ix_watches_created_at_id", "created_at", "id"),
    )
