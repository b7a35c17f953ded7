"""All tables, as the code defines them."""

from __future__ import annotations

from alembic import op

from app.property.storage.tables import metadata

#: databases of versions before 1.0 are at "0001" to "0025", with other tables
revision = "0100"
down_revision = None


def upgrade() -> None:
    """Create every table. The next revision freezes this one: from then on, it lists its tables itself."""
    metadata.create_all(op.get_bind())
