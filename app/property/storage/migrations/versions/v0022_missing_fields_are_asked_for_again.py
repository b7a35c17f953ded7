"""A page whose fields no model read, because none was there, is asked about again when somebody next wants it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "records",
        sa.Column("asks_again", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("records", "asks_again")
