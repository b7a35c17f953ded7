"""A batch knows when it was complete and whom to tell; a job, to which queue of the broker it was handed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OPEN = sa.text("completed_at IS NULL")


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("batches") as table:
        table.add_column(sa.Column("completed_at", _moment()))
        table.add_column(sa.Column("callback_url", sa.Text()))
        table.add_column(sa.Column("callback_at", _moment()))
        table.add_column(sa.Column("callback_attempts", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("callback_error", sa.Text()))
    op.add_column("jobs", sa.Column("sent_to", sa.String(length=64)))
    op.create_index("ix_batches_open", "batches", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index(op.f("ix_batches_callback_at"), "batches", ["callback_at"])


def downgrade() -> None:
    # dropped in place: a table that is made anew must be dropped first, which rows that refer to it forbid on SQLite
    with op.batch_alter_table("jobs", recreate="never") as table:
        table.drop_column("sent_to")
    op.drop_index(op.f("ix_batches_callback_at"), "batches")
    op.drop_index("ix_batches_open", "batches")
    with op.batch_alter_table("batches", recreate="never") as table:
        for name in ("callback_error", "callback_attempts", "callback_at", "callback_url", "completed_at"):
            table.drop_column(name)
