"""Watches, what they cost a day, and which jobs are theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.String(length=32)
_MOMENT = sa.DateTime(timezone=True)
_WATCHED = sa.text("watch_id IS NOT NULL")


def upgrade() -> None:
    _make_watches()
    op.create_table(
        "watch_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("model_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("put_off", sa.Integer(), server_default="0", nullable=False),
        sa.Column("put_off_told_at", _MOMENT),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_watch_days")),
    )
    op.create_table(
        "watch_rechecks",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("watch_id", _ID, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_watch_rechecks")),
    )
    for name in ("watch_id", "due_at"):
        op.create_index(f"ix_watch_rechecks_{name}", "watch_rechecks", [name])
    op.add_column("jobs", sa.Column("watch_id", _ID))
    for name in ("watch_pages", "watch_model_calls"):
        op.add_column("jobs", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_jobs_watch_id_state", "jobs", ["watch_id", "state"], sqlite_where=_WATCHED, postgresql_where=_WATCHED
    )


def _make_watches() -> None:
    op.create_table(
        "watches",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("property_id", _ID),
        sa.Column("interval_days", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("pause_reason", sa.Text()),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("put_off_at", _MOMENT),
        sa.Column("under_way_since", _MOMENT),
        sa.Column("batch_id", _ID),
        sa.Column("expected_pages", sa.Integer(), server_default="1", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", _MOMENT),
        sa.Column("error_code", sa.String(length=64)),
        sa.Column("error_message", sa.Text()),
        sa.Column("refreshed_at", _MOMENT),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watches")),
        sa.UniqueConstraint("target", name=op.f("uq_watches_target")),
        sa.CheckConstraint("kind IN ('property', 'url', 'address')", name=op.f("ck_watches_kind")),
        sa.CheckConstraint("state IN ('active', 'paused')", name=op.f("ck_watches_state")),
    )
    op.create_index("ix_watches_property_id", "watches", ["property_id"])
    op.create_index("ix_watches_state_due_at", "watches", ["state", "due_at", "id"])
    op.create_index("ix_watches_under_way_since", "watches", ["under_way_since"])
    op.create_index("ix_watches_created_at_id", "watches", ["created_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_jobs_watch_id_state", "jobs")
    for name in ("watch_model_calls", "watch_pages", "watch_id"):
        op.drop_column("jobs", name)
    for name in ("watch_rechecks", "watch_days", "watches"):
        op.drop_table(name)
