"""A page that is looked at again keeps its place until it was read, and counts how often that failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("watch_rechecks", sa.Column("asked_at", sa.DateTime(timezone=True)))
    op.add_column("watch_rechecks", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_watch_rechecks_asked_at", "watch_rechecks", ["asked_at"])


def downgrade() -> None:
    # what was asked for was no row then, and what failed had none
    op.execute("DELETE FROM watch_rechecks WHERE asked_at IS NOT NULL OR failures > 0")
    op.drop_index("ix_watch_rechecks_asked_at", "watch_rechecks")
    op.drop_column("watch_rechecks", "failures")
    op.drop_column("watch_rechecks", "asked_at")
