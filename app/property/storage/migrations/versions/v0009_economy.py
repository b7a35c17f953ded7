"""Jobs may wait for a batch of the model: their requests, and OpenAI's batches of these."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_PARKED_JOBS = sa.text("request_id IS NOT NULL")


def upgrade() -> None:
    for table in ("batches", "jobs"):
        op.add_column(table, sa.Column("economy", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("jobs", sa.Column("request_id", sa.String(length=64)))
    op.add_column("jobs", sa.Column("parked_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_jobs_request_id", "jobs", ["request_id"], sqlite_where=_PARKED_JOBS, postgresql_where=_PARKED_JOBS
    )
    _make_model_batches()
    _make_model_requests()


def downgrade() -> None:
    op.drop_table("model_requests")
    op.drop_table("model_batches")
    op.drop_index("ix_jobs_request_id", "jobs")
    for name in ("parked_at", "request_id", "economy"):
        op.drop_column("jobs", name)
    op.drop_column("batches", "economy")


def _make_model_batches() -> None:
    moments = ("tried_at", "sent_at", "ended_at", "cancelled_at", "unreachable_since", "next_at")
    op.create_table(
        "model_batches",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("key_id", sa.String(length=32)),
        *(sa.Column(name, sa.Text()) for name in ("input_file_id", "openai_id", "status", "error")),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("charges", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in moments),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_batches")),
    )
    op.create_index("ix_model_batches_next_at", "model_batches", ["next_at"])
    op.create_index("ix_model_batches_created_at", "model_batches", ["created_at"])


def _make_model_requests() -> None:
    op.create_table(
        "model_requests",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt_sha256", sa.String(length=64), nullable=False),
        sa.Column("batch_id", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text()),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("body_bytes", "input_tokens", "output_tokens")),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True)),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model_batch_id", sa.String(length=32)),
        sa.Column("answer", sa.JSON()),
        sa.Column("prompt_tokens", sa.Integer()),
        sa.Column("completion_tokens", sa.Integer()),
        sa.Column("microusd", sa.BigInteger()),
        sa.Column("error_code", sa.String(length=64)),
        sa.Column("error_message", sa.Text()),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_model_requests_batch_id")),
        sa.ForeignKeyConstraint(
            ["model_batch_id"], ["model_batches.id"], name=op.f("fk_model_requests_model_batch_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_requests")),
    )
    op.create_index("ix_model_requests_state_parked_at", "model_requests", ["state", "parked_at"])
    op.create_index("ix_model_requests_model_batch_id_state", "model_requests", ["model_batch_id", "state"])
    op.create_index("ix_model_requests_finished_at", "model_requests", ["finished_at"])
