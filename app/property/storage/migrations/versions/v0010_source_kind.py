"""A record knows whose page it is: an assessor's, a portal's, a permit office's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("records", sa.Column("source_kind", sa.String(length=16)))


def downgrade() -> None:
    op.drop_column("records", "source_kind")
