"""Recipes: what was learned of a site's pages, and the pages that it is learned from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recipes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("written", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipes")),
    )
    op.create_index("ix_recipes_host_updated_at", "recipes", ["host", "updated_at"])
    op.create_table(
        "recipe_examples",
        sa.Column("recipe_id", sa.String(length=32), nullable=False),
        sa.Column("page_url", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("example", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recipe_id"], ["recipes.id"], name=op.f("fk_recipe_examples_recipe_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recipe_id", "page_url", name=op.f("pk_recipe_examples")),
    )
    op.create_index("ix_recipe_examples_content_sha256", "recipe_examples", ["content_sha256"])
    op.create_index("ix_recipe_examples_at", "recipe_examples", ["at"])


def downgrade() -> None:
    op.drop_table("recipe_examples")
    op.drop_table("recipes")
