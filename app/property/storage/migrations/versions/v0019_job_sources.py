"""What came of each source that a job asked about its address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_sources",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16)),
        sa.Column("url", sa.Text()),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("job_id", "position", name=op.f("pk_job_sources")),
    )
    op.create_index("ix_job_sources_url", "job_sources", ["url"])


def downgrade() -> None:
    op.drop_table("job_sources")
