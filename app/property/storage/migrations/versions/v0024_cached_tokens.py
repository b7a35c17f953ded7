"""Tokens that the provider had in its cache are counted by the hour, and for each answer of a batch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("key_hours", sa.Column("cached_tokens", sa.BigInteger(), nullable=False, server_default="0"))
    # an answer from before was charged as if nothing of its prompt had been cached
    op.add_column("model_requests", sa.Column("cached_tokens", sa.Integer()))
    op.execute("UPDATE model_requests SET cached_tokens = 0 WHERE prompt_tokens IS NOT NULL")


def downgrade() -> None:
    op.drop_column("model_requests", "cached_tokens")
    op.drop_column("key_hours", "cached_tokens")
