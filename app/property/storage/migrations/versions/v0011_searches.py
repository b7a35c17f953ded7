"""Addresses as targets: searches of the web and their answers, what was only said, and pages asked for in vain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "web_searches",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("urls", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_searches")),
    )
    op.create_index("ix_web_searches_target", "web_searches", ["target"])
    op.create_index("ix_web_searches_asked_at", "web_searches", ["asked_at"])
    op.create_table(
        "unverified",
        sa.Column("id", _ROW, nullable=False),
        sa.Column("property_id", sa.String(length=32), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_unverified_property_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unverified")),
        sa.UniqueConstraint("property_id", "field", "url", name="uq_unverified_once"),
    )
    op.create_index("ix_unverified_url", "unverified", ["url"])
    op.create_table(
        "source_tries",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "url", name=op.f("pk_source_tries")),
    )


def downgrade() -> None:
    for table in ("source_tries", "unverified", "web_searches"):
        op.drop_table(table)
