"""What was purged, and whose name may not come back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, Sha256


class PurgeMark(Base):
    """Hashes of what was purged lately, so that nothing that was fetched before is stored after."""

    __tablename__ = "purge_marks"

    mark: Mapped[Sha256] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


class PurgedName(Base):
    """Whose name may not be stored again: keyed hashes of its forms (`privacy/names.py`)."""

    __tablename__ = "purged_names"

    mark: Mapped[Sha256] = mapped_column(primary_key=True)
    # short hashes of its words, by which it is told fast that a text does not hold it
    words: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    # with which key it was hashed
    key_id: Mapped[str] = mapped_column(String(16))
