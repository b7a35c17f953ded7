"""Callers of the HTTP door: what they asked with a key of their own, what they had made today; lists in pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


_MERGED = sa.text("merged_into IS NOT NULL")


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "request_keys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("batch_id", sa.String(length=32)),
        sa.Column("job_ids", sa.JSON(none_as_null=True)),
        sa.Column("duplicates", sa.Integer()),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("answer_by", _moment(), nullable=False),
        sa.Column("answered_at", _moment()),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_request_keys_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_keys")),
    )
    op.create_index(op.f("ix_request_keys_created_at"), "request_keys", ["created_at"])
    op.create_table(
        "caller_days",
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("targets", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "day", name=op.f("pk_caller_days")),
    )
    op.create_index("ix_batches_created_at_id", "batches", ["created_at", "id"])
    op.create_index("ix_jobs_state_created_at_position", "jobs", ["state", "created_at", "position"])
    op.drop_index("ix_properties_merged_into", "properties")
    name, columns = "ix_properties_merged_into", ["merged_into"]
    op.create_index(name, "properties", columns, sqlite_where=_MERGED, postgresql_where=_MERGED)


def downgrade() -> None:
    op.drop_index("ix_properties_merged_into", "properties")
    op.create_index("ix_properties_merged_into", "properties", ["merged_into"])
    op.drop_index("ix_jobs_state_created_at_position", "jobs")
    op.drop_index("ix_batches_created_at_id", "batches")
    op.drop_table("caller_days")
    op.drop_table("request_keys")
