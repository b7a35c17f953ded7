"""Keyed hashes of the names of people who were purged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "purged_names",
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_purged_names")),
    )
    op.create_index("ix_purged_names_at", "purged_names", ["at"])


def downgrade() -> None:
    op.drop_table("purged_names")
