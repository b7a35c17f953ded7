"""Create all tables from the mapped classes."""

from __future__ import annotations

from alembic import op

from app.property.storage.tables import metadata

#: Versions before 1.0 had the revisions "0001" to "0025", with different tables.
revision = "0100"
down_revision = None


def upgrade() -> None:
    """Create all tables. Before a second revision is added, this one must list its own tables."""
    metadata.create_all(op.get_bind())
