"""Each refresh of a watch counts toward the daily quota of the caller who added it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("watches", sa.Column("caller", sa.String(64)))
    op.add_column(
        "watches", sa.Column("prepaid", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("watches", "prepaid")
    op.drop_column("watches", "caller")
