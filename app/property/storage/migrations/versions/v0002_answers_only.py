"""Calls are counted by the key pool: what the table of answers held for its own count of a day goes.

Rows without an answer are dropped; they were calls that gave nothing usable, of which nobody asks any more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ANSWER = sa.JSON(none_as_null=True)


def upgrade() -> None:
    op.execute("DELETE FROM model_answers WHERE answer IS NULL")
    op.drop_index(op.f("ix_model_answers_created_at"), "model_answers")
    with op.batch_alter_table("model_answers") as table:
        table.drop_column("problem")
        table.alter_column("answer", existing_type=_ANSWER, nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("model_answers") as table:
        table.add_column(sa.Column("problem", sa.Text()))
        table.alter_column("answer", existing_type=_ANSWER, nullable=True)
    op.create_index(op.f("ix_model_answers_created_at"), "model_answers", ["created_at"])
