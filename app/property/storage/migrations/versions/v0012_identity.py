"""What people decide on which pages are one property, and drawers for those that a slip keeps apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.String(length=32)


def upgrade() -> None:
    op.create_table(
        "property_blocks",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("property_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_property_blocks_property_id")),
        sa.PrimaryKeyConstraint("key", "property_id", name=op.f("pk_property_blocks")),
    )
    op.create_index("ix_property_blocks_property_id", "property_blocks", ["property_id"])
    op.create_table(
        "identity_decisions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("property_id", _ID, nullable=False),
        sa.Column("other_id", _ID, nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("undone_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_decisions")),
    )
    for name in ("at", "property_id", "other_id"):
        op.create_index(f"ix_identity_decisions_{name}", "identity_decisions", [name])
    op.create_table(
        "identity_pages",
        sa.Column("decision_id", _ID, nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["identity_decisions.id"], name=op.f("fk_identity_pages_decision_id")),
        sa.PrimaryKeyConstraint("decision_id", "side", "url", name=op.f("pk_identity_pages")),
    )
    op.create_index("ix_identity_pages_url", "identity_pages", ["url"])


def downgrade() -> None:
    op.drop_table("identity_pages")
    op.drop_table("identity_decisions")
    op.drop_table("property_blocks")
