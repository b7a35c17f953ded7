"""What was purged, in keyed hashes, so that a purge can be repeated on a database that is from before it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("purges", sa.Column("marks", sa.JSON()))
    op.add_column("purges", sa.Column("key_id", sa.String(length=16)))
    op.add_column(
        "purges",
        sa.Column("is_due", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_purges_is_due", "purges", ["is_due"])


def downgrade() -> None:
    op.execute("DELETE FROM purges WHERE is_due")  # the journal still has them
    op.drop_index("ix_purges_is_due", "purges")
    op.drop_column("purges", "is_due")
    op.drop_column("purges", "key_id")
    op.drop_column("purges", "marks")
