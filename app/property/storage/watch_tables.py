"""What is refreshed on a schedule, and what that has cost on each day."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Date, Index, Integer, String, Table, Text, false

from app.property.storage.columns import ID, SHA256, UtcDateTime, metadata

watches = Table(
    "watches",
    metadata,
    Column("id", ID, primary_key=True),
    # property, url (of a page, or of a search that lists many) or address
    Column("kind", String(8), nullable=False),
    # a property's id, or a target in its one spelling
    Column("target", Text, nullable=False, unique=True),
    # the property that it is of; of a URL or an address known after the first refresh, of a search never. No foreign
    # key: a property may be purged
    Column("property_id", ID, index=True),
    Column("interval_days", Integer, nullable=False),
    Column("state", String(8), nullable=False),
    Column("pause_reason", Text),
    # when it is to be refreshed next
    Column("due_at", UtcDateTime, nullable=False),
    # since when a day's budget has had no room for it
    Column("waiting_since", UtcDateTime),
    # since when the refresh that has not been accounted for yet is under way
    Column("under_way_since", UtcDateTime),
    # refreshes in a row that brought nothing, and since when
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", UtcDateTime),
    Column("error_code", String(64)),
    Column("error_message", Text),
    # when a refresh last brought something
    Column("refreshed_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    # whose daily quota its refreshes count toward, nobody's without; and whether the next one was counted already
    Column("caller", SHA256),
    Column("prepaid", Boolean(create_constraint=False), nullable=False, server_default=false()),
    CheckConstraint("kind IN ('property', 'url', 'address')", name="kind"),
    CheckConstraint("state IN ('active', 'paused')", name="state"),
    Index("ix_watches_state_due_at", "state", "due_at", "id"),
    Index("ix_watches_under_way_since", "under_way_since"),
    Index("ix_watches_created_at_id", "created_at", "id"),
)

#: what all watches together have cost on a UTC day (`watch_budget.py`)
watch_days = Table(
    "watch_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("pages", Integer, nullable=False, server_default="0"),
    Column("model_calls", Integer, nullable=False, server_default="0"),
)
