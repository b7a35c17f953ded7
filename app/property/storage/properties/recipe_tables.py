"""Recipes: where the pages of one template of a host state each field, and the pages that they are learned from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, Id, Json, Sha256


class RecipeRow(Base):
    """RecipeRow."""

    __tablename__ = "recipes"

    id: Mapped[Id] = mapped_column(primary_key=True)
    host: Mapped[str]
    # a person wrote it: nothing is learned into it
    written: Mapped[bool]
    # a recipe of another version of the format is not used
    format: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    # all of it (`app/property/recipes/form.py`)
    document: Mapped[Json]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("ix_recipes_host_updated_at", "host", "updated_at"),)


class RecipeExample(Base):
    """Verified values of pages: personal data, and deleted with the stored copy of their page."""

    __tablename__ = "recipe_examples"

    recipe_id: Mapped[Id] = mapped_column(ForeignKey("recipes.id", ondelete="CASCADE"), primary_key=True)
    page_url: Mapped[str] = mapped_column(primary_key=True, index=True)
    content_sha256: Mapped[Sha256] = mapped_column(index=True)
    # {"values": {field: [value, unit]}, "absent": [field], "unanswered": [field], "row": JSON pointer or null}
    example: Mapped[Json]
    at: Mapped[datetime] = mapped_column(index=True)
