"""The first revision: all tables of version 1.0."""

from alembic import op

from app.property.storage.tables import metadata

#: Revisions "0001" to "0025" belonged to versions before 1.0, whose tables were different.
revision = "0100"
down_revision = None


def upgrade() -> None:
    """Create all tables from the mapped classes.

    A second revision must first replace this by fixed definitions of the tables.
    """
    metadata.create_all(op.get_bind())
