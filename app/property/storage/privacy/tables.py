"""The table of suppressed hashes and of the progress of purges."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, Plain, Sha256, where


class Suppression(Base):
    """A hash of data that may not be stored, or the progress of a purge (`privacy/suppressions.py`).

    The hash of a URL or host suppresses data fetched before `at`; the keyed hash of a name suppresses it permanently.
    """

    __tablename__ = "suppressions"

    hash: Mapped[Sha256] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    # for a name: short hashes of its words (`suppressions.refuse_name`); for progress: the position in JSON
    words: Mapped[Plain | None]
    key_id: Mapped[str | None] = mapped_column(String(16))  # the id of the key of its hash
    at: Mapped[datetime]
    expires_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("kind IN ('url', 'host', 'person', 'progress')", name="kind"),
        Index("ix_suppressions_kind_at", "kind", "at"),
        Index("ix_suppressions_expires_at", "expires_at", **where(text("expires_at IS NOT NULL"))),
    )
