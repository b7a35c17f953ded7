"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ACTIVE = sa.text("state IN ('queued', 'running', 'deferred')")


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _row() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _json() -> sa.JSON:
    return sa.JSON(none_as_null=True)


def upgrade() -> None:
    _create_batches()
    _create_bodies()
    _create_model_answers()
    _create_properties()
    _create_jobs()
    _create_observations()
    _create_property_keys()
    _create_records()
    _create_pages()


def downgrade() -> None:
    for table in (
        "pages",
        "records",
        "property_keys",
        "observations",
        "jobs",
        "properties",
        "model_answers",
        "bodies",
        "batches",
    ):
        op.drop_table(table)


def _create_batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("targets", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )


def _create_bodies() -> None:
    op.create_table(
        "bodies",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("zlib", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_bodies")),
    )


def _create_model_answers() -> None:
    op.create_table(
        "model_answers",
        sa.Column("id", _row(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("fields", _json(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt_sha256", sa.String(length=64), nullable=False),
        sa.Column("answer", _json()),
        sa.Column("problem", sa.Text()),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_answers")),
    )
    op.create_index("ix_model_answers_checkpoint", "model_answers", ["content_sha256", "prompt_sha256", "model"])
    op.create_index(op.f("ix_model_answers_created_at"), "model_answers", ["created_at"])


def _create_properties() -> None:
    op.create_table(
        "properties",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("merged_into", sa.String(length=32)),
        sa.Column("record", _json(), nullable=False),
        sa.Column("evidence", _json(), nullable=False),
        sa.Column("conflicts", _json(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("updated_at", _moment(), nullable=False),
        sa.ForeignKeyConstraint(["merged_into"], ["properties.id"], name=op.f("fk_properties_merged_into")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_properties")),
    )
    op.create_index(op.f("ix_properties_merged_into"), "properties", ["merged_into"])
    op.create_index(op.f("ix_properties_updated_at"), "properties", ["updated_at"])


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("batch_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("refresh", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("waited_seconds", sa.Float(), nullable=False),
        sa.Column("due_at", _moment()),
        sa.Column("error_code", sa.String(length=64)),
        sa.Column("error_message", sa.Text()),
        sa.Column("wanted_model", _json(), nullable=False),
        sa.Column("model_note", sa.Text()),
        sa.Column("property_id", sa.String(length=32)),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_expires_at", _moment()),
        sa.Column("sent_at", _moment()),
        sa.Column("sent_times", sa.Integer(), nullable=False),
        sa.Column("resend_at", _moment()),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("started_at", _moment()),
        sa.Column("finished_at", _moment()),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'deferred', 'done', 'failed', 'cancelled')", name=op.f("ck_jobs_state")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_jobs_batch_id")),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_jobs_property_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_batch_id_state", "jobs", ["batch_id", "state"])
    op.create_index("ix_jobs_created_at_position", "jobs", ["created_at", "position"])
    op.create_index(op.f("ix_jobs_property_id"), "jobs", ["property_id"])
    op.create_index("ix_jobs_state_due_at", "jobs", ["state", "due_at"])
    op.create_index("ix_jobs_state_lease_expires_at", "jobs", ["state", "lease_expires_at"])
    op.create_index("ix_jobs_state_resend_at", "jobs", ["state", "resend_at"])
    op.create_index("ix_jobs_target", "jobs", ["target"])
    op.create_index(
        "uq_jobs_active_target", "jobs", ["target"], unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE
    )


def _create_observations() -> None:
    op.create_table(
        "observations",
        sa.Column("id", _row(), nullable=False),
        sa.Column("property_id", sa.String(length=32), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("value", _json(), nullable=False),
        sa.Column("value_sha256", sa.String(length=64), nullable=False),
        sa.Column("evidence", _json(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("observed_at", _moment(), nullable=False),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_observations_property_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observations")),
        sa.UniqueConstraint("property_id", "content_sha256", "field", "value_sha256", name="uq_observations_once"),
    )
    op.create_index("ix_observations_property_id_field", "observations", ["property_id", "field"])


def _create_property_keys() -> None:
    op.create_table(
        "property_keys",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("property_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_property_keys_property_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_property_keys")),
    )
    op.create_index(op.f("ix_property_keys_property_id"), "property_keys", ["property_id"])


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("id", _row(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("final_url", sa.Text(), nullable=False),
        sa.Column("property_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("fetched_at", _moment(), nullable=False),
        sa.Column("record", _json(), nullable=False),
        sa.Column("evidence", _json(), nullable=False),
        sa.Column("wanted_model", _json(), nullable=False),
        sa.Column("model_note", sa.Text()),
        sa.Column("stored_at", _moment(), nullable=False),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_records_property_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records")),
        sa.UniqueConstraint("url", name=op.f("uq_records_url")),
    )
    op.create_index(op.f("ix_records_property_id"), "records", ["property_id"])


def _create_pages() -> None:
    op.create_table(
        "pages",
        sa.Column("id", _row(), nullable=False),
        sa.Column("job_id", sa.String(length=32)),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("final_url", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("fetched_at", _moment(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_pages_job_id")),
        sa.ForeignKeyConstraint(["sha256"], ["bodies.sha256"], name=op.f("fk_pages_sha256")),
        sa.ForeignKeyConstraint(["text_sha256"], ["bodies.sha256"], name=op.f("fk_pages_text_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pages")),
        sa.UniqueConstraint("job_id", "url", name=op.f("uq_pages_job_id_url")),
    )
    op.create_index("ix_pages_sha256", "pages", ["sha256"])
