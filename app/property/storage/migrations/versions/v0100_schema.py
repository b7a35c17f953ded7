"""The first revision: all tables of version 1.0."""

from alembic import op

from app.property.storage.tables import metadata

#: Revisions "0001" to "0025" belonged to versions before 1.0, whose tables were different.
revision = "0100"
down_revision = None


def upgrade() -> None:
    """Create all tables from the mapped classes.

    If a second revision changes these classes, this revision must define its tables itself.
    """
    metadata.create_all(op.get_bind())
