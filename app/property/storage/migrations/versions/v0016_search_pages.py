"""Searches yield jobs: who found a job, what a search found, and on whose behalf a batch was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("found_by", sa.String(length=32)))
    op.add_column("jobs", sa.Column("search", sa.JSON()))
    op.add_column("batches", sa.Column("caller", sa.String(length=64)))


def downgrade() -> None:
    op.drop_column("batches", "caller")
    op.drop_column("jobs", "search")
    op.drop_column("jobs", "found_by")
