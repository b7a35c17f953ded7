"""Changes of properties: those told, and those that are not believed yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ID = sa.String(length=32)
_ROW = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("position", _ROW, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("property_id", _ID, nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("old_value", sa.JSON()),
        sa.Column("new_value", sa.JSON(), nullable=False),
        sa.Column("old_evidence", sa.JSON()),
        sa.Column("new_evidence", sa.JSON(), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("urls", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("seen_at", _moment(), nullable=False),
        sa.Column("told_at", _moment(), nullable=False),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_changes_property_id")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_changes")),
        sa.UniqueConstraint("id", name=op.f("uq_changes_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_told_at", "changes", ["told_at"])
    op.create_index("ix_changes_property_id_field", "changes", ["property_id", "field"])
    op.create_table(
        "change_candidates",
        sa.Column("id", _ROW, nullable=False),
        sa.Column("property_id", _ID, nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("old_value", sa.JSON()),
        sa.Column("new_value", sa.JSON()),
        sa.Column("old_evidence", sa.JSON()),
        sa.Column("new_evidence", sa.JSON()),
        sa.Column("context", sa.JSON()),
        sa.Column("urls", sa.Text(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("seen_at", _moment(), nullable=False),
        sa.Column("looked_at", _moment(), nullable=False),
        sa.Column("look_at", _moment()),
        sa.Column("back_at", _moment()),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_change_candidates_property_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_candidates")),
    )
    op.create_index("ix_change_candidates_look_at", "change_candidates", ["look_at"])
    op.create_index("ix_change_candidates_property_id_field", "change_candidates", ["property_id", "field"])
    op.create_table(
        "change_receivers",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", _moment(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("delivered_at", _moment()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_change_receivers")),
    )


def downgrade() -> None:
    for table in ("change_receivers", "change_candidates", "changes"):
        op.drop_table(table)
