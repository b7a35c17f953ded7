"""By which rules a property is filed, so that a change of them needs no migration; and when a checkpoint was confirmed.

What is stored already counts as filed by rules 0: it is filed anew piece by piece (`store/refiling.py`), not here,
since that takes too long for one transaction.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_LIVES = sa.text("merged_into IS NULL")


def upgrade() -> None:
    op.add_column("properties", sa.Column("key_rules", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_properties_key_rules",
        "properties",
        ["key_rules", "id"],
        sqlite_where=_LIVES,
        postgresql_where=_LIVES,
    )
    op.add_column("pages", sa.Column("confirmed_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("pages", "confirmed_at")
    op.drop_index("ix_properties_key_rules", "properties")
    op.drop_column("properties", "key_rules")
