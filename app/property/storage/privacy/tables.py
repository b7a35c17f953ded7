"""What was purged, and what may not come back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, Plain, Sha256, where


class Suppression(Base):
    """Hashes of what may not be stored (`privacy/suppressions.py`): URLs and hosts if it was fetched before `at`, and a
    person's name (with a key) ever. Of the purge of a person how far it has come."""

    __tablename__ = "suppressions"

    hash: Mapped[Sha256] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    # of a name: short hashes of its words, by which it is told fast that a text does not hold it
    words: Mapped[Plain | None]
    # with which key it was hashed
    key_id: Mapped[str | None] = mapped_column(String(16))
    at: Mapped[datetime]
    expires_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("kind IN ('url', 'host', 'person', 'progress')", name="kind"),
        Index("ix_suppressions_kind_at", "kind", "at"),
        Index("ix_suppressions_expires_at", "expires_at", **where(text("expires_at IS NOT NULL"))),
    )
