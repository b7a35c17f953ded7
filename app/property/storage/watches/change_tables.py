"""Changes of properties: those that were told, in the order in which they are, and those that are not believed yet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, Id, Json, RowId


class Change(Base):
    """What was told, once and for all: a row is never rewritten, but for the property that it turned out to be of."""

    __tablename__ = "changes"

    # in the order of commits (`watches/changes.py`); a number is never given twice, not even of a row that is purged
    position: Mapped[RowId] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(unique=True)
    property_id: Mapped[Id] = mapped_column(ForeignKey("properties.id"))
    field: Mapped[str] = mapped_column(String(64))
    # empty where nothing was said before
    old_value: Mapped[Json | None]
    new_value: Mapped[Json]
    old_evidence: Mapped[Json | None]
    new_evidence: Mapped[Json]
    # what both mean nothing without: {"old": {"X_Currency": ...}, "new": {...}}
    context: Mapped[Json]
    # of the pages that both were read on, each between blanks
    urls: Mapped[str]
    why: Mapped[str]
    seen_at: Mapped[datetime]
    told_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (
        Index("ix_changes_property_id_field", "property_id", "field"),
        Index("ix_changes_field_told_at", "field", "told_at"),
        {"sqlite_autoincrement": True},
    )


class ChangeCandidate(Base):
    """What a page shows and nobody was told yet; and, without what it said, which pages went back on it."""

    __tablename__ = "change_candidates"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    property_id: Mapped[Id] = mapped_column(ForeignKey("properties.id"))
    field: Mapped[str] = mapped_column(String(64))
    # of the page's record
    url: Mapped[str]
    old_value: Mapped[Json | None]
    new_value: Mapped[Json | None]
    old_evidence: Mapped[Json | None]
    new_evidence: Mapped[Json | None]
    context: Mapped[Json | None]
    urls: Mapped[str]
    looks: Mapped[int]
    seen_at: Mapped[datetime]
    looked_at: Mapped[datetime]
    # when one more look is due; empty where none would help
    look_at: Mapped[datetime | None] = mapped_column(index=True)
    # when the page went back; empty while it stands
    back_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_change_candidates_property_id_field", "property_id", "field"),
        Index("ix_change_candidates_field_looked_at", "field", "looked_at"),
    )
