"""Recipes: where the pages of one template of a host state each field, and the pages that they are learned from."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from app.property.storage.columns import ID, SHA256, UtcDateTime, json_column, metadata

recipes = Table(
    "recipes",
    metadata,
    Column("id", ID, primary_key=True),
    Column("host", Text, nullable=False),
    # a person wrote it: nothing is learned into it
    Column("written", Boolean(create_constraint=False), nullable=False),
    # a recipe of another version of the format is not used
    Column("format", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    # all of it (`app/property/recipes/form.py`)
    json_column("document"),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_recipes_host_updated_at", "host", "updated_at"),
)

#: verified values of pages: personal data, and deleted with the stored copy of their page
recipe_examples = Table(
    "recipe_examples",
    metadata,
    Column("recipe_id", ID, ForeignKey("recipes.id", ondelete="CASCADE"), primary_key=True),
    Column("page_url", Text, primary_key=True),
    Column("content_sha256", SHA256, nullable=False, index=True),
    # {"values": {field: [value, unit]}, "absent": [field], "unanswered": [field], "row": JSON pointer or null}
    json_column("example"),
    Column("at", UtcDateTime, nullable=False, index=True),
)
