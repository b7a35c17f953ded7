"""The first revision: all tables of version 1.0."""

from alembic import op

from app.property.storage.tables import metadata

#: Versions before 1.0 had the revisions "0001" to "0025", with different tables.
revision = "0100"
down_revision = None


def upgrade() -> None:
    """Create all tables from the mapped classes.

    When a second revision changes these classes, this revision must define its tables itself.
    """
    metadata.create_all(op.get_bind())
