"""Changes of properties: those that were told, in the order in which they are, and those that are not believed yet."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from app.property.storage.columns import ID, ROW, UtcDateTime, json_column, metadata

#: what was told, once and for all: a row is never rewritten, but for the property that it turned out to be of
changes = Table(
    "changes",
    metadata,
    # in the order of commits (`change_feed.py`); a number is never given twice, not even of a row that is purged
    Column("position", ROW, primary_key=True),
    Column("id", ID, nullable=False, unique=True),
    Column("property_id", ID, ForeignKey("properties.id"), nullable=False),
    Column("field", String(64), nullable=False),
    # empty where nothing was said before
    Column("old_value", JSON(none_as_null=True)),
    json_column("new_value"),
    Column("old_evidence", JSON(none_as_null=True)),
    json_column("new_evidence"),
    # what both mean nothing without: {"old": {"X_Currency": ...}, "new": {...}}
    json_column("context"),
    # of the pages that both were read on, each between blanks
    Column("urls", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime, nullable=False, index=True),
    Index("ix_changes_property_id_field", "property_id", "field"),
    Index("ix_changes_field_told_at", "field", "told_at"),
    sqlite_autoincrement=True,
)

#: what a page shows and nobody was told yet; and, without what it said, which pages went back on it
change_candidates = Table(
    "change_candidates",
    metadata,
    Column("id", ROW, primary_key=True),
    Column("property_id", ID, ForeignKey("properties.id"), nullable=False),
    Column("field", String(64), nullable=False),
    # of the page's record
    Column("url", Text, nullable=False),
    Column("old_value", JSON(none_as_null=True)),
    Column("new_value", JSON(none_as_null=True)),
    Column("old_evidence", JSON(none_as_null=True)),
    Column("new_evidence", JSON(none_as_null=True)),
    Column("context", JSON(none_as_null=True)),
    Column("urls", Text, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("looked_at", UtcDateTime, nullable=False),
    # when one more look is due; empty where none would help
    Column("look_at", UtcDateTime, index=True),
    # when the page went back; empty while it stands
    Column("back_at", UtcDateTime),
    Index("ix_change_candidates_property_id_field", "property_id", "field"),
    Index("ix_change_candidates_field_looked_at", "field", "looked_at"),
)

#: how far a receiver of the webhook was told; one row for all that is configured as one receiver
change_receivers = Table(
    "change_receivers",
    metadata,
    Column("name", String(32), primary_key=True),
    # of the last change that it has
    Column("position", BigInteger, nullable=False),
    # of the next one, and when it is tried again (a lease while it is tried)
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("error", Text),
    Column("delivered_at", UtcDateTime),
)
