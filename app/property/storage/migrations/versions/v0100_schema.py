"""Create all tables as the code defines them."""

from __future__ import annotations

from alembic import op

from app.property.storage.tables import metadata

#: Versions before 1.0 had the revisions "0001" to "0025", with other tables.
revision = "0100"
down_revision = None


def upgrade() -> None:
    """Create all tables. Once there is a second revision, this one must list its tables itself."""
    metadata.create_all(op.get_bind())
