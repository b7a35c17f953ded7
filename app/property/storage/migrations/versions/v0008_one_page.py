"""Pages: which URLs are one page, what their sites said about keeping them, and what was purged.

Bodies know how they are packed and when they were last of use. What was stored before is packed with zlib and was of
use when it came.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    _extend_bodies()
    op.add_column("pages", sa.Column("declared_url", sa.Text()))
    op.add_column("pages", sa.Column("is_kept", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_index("ix_pages_text_sha256", "pages", ["text_sha256"])
    op.add_column("records", sa.Column("page_url", sa.Text()))
    op.add_column("records", sa.Column("checked_at", _moment()))
    op.add_column("records", sa.Column("edition", sa.String(length=16)))
    op.create_index(op.f("ix_records_page_url"), "records", ["page_url"])
    op.add_column("jobs", sa.Column("page_from", sa.String(length=16)))
    _create_site_answers()
    op.create_table(
        "page_urls",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("page_url", sa.Text(), nullable=False),
        sa.Column("seen_at", _moment(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64)),
        sa.Column("record_sha256", sa.String(length=64)),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_page_urls")),
    )
    op.create_index(op.f("ix_page_urls_page_url"), "page_urls", ["page_url"])
    op.create_table(
        "page_readers",
        sa.Column("page_url", sa.Text(), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("page_url", name=op.f("pk_page_readers")),
    )
    op.create_index(op.f("ix_page_readers_job_id"), "page_readers", ["job_id"])
    _create_purges()


def downgrade() -> None:
    for table in ("purge_marks", "purges", "page_readers", "page_urls", "site_answers"):
        op.drop_table(table)
    op.drop_column("jobs", "page_from")
    op.drop_index(op.f("ix_records_page_url"), "records")
    for name in ("edition", "checked_at", "page_url"):
        op.drop_column("records", name)
    op.drop_index("ix_pages_text_sha256", "pages")
    for name in ("is_kept", "declared_url"):
        op.drop_column("pages", name)
    # what the version before cannot unpack goes, with the checkpoints that need it
    unreadable = "SELECT sha256 FROM bodies WHERE packing <> 'zlib'"
    op.execute(f"DELETE FROM pages WHERE sha256 IN ({unreadable}) OR text_sha256 IN ({unreadable})")  # noqa: S608
    op.execute("DELETE FROM bodies WHERE packing <> 'zlib'")
    op.drop_index("ix_bodies_used_at_packed_bytes", "bodies")
    for name in ("packing", "packed_bytes", "used_at"):
        op.drop_column("bodies", name)
    op.execute("ALTER TABLE bodies RENAME COLUMN packed TO zlib")


def _extend_bodies() -> None:
    op.execute("ALTER TABLE bodies RENAME COLUMN zlib TO packed")  # SQLite too, without copying the table
    op.add_column("bodies", sa.Column("packing", sa.String(length=8), nullable=False, server_default="zlib"))
    op.add_column("bodies", sa.Column("packed_bytes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("bodies", sa.Column("used_at", _moment(), nullable=False, server_default="1970-01-01 00:00:00"))
    op.execute("UPDATE bodies SET packed_bytes = length(packed), used_at = created_at")
    op.create_index("ix_bodies_used_at_packed_bytes", "bodies", ["used_at", "packed_bytes"])


def _create_site_answers() -> None:
    op.create_table(
        "site_answers",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text()),
        sa.Column("last_modified", sa.Text()),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("declared_url", sa.Text()),
        sa.Column("fetched_at", _moment(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["bodies.sha256"], name=op.f("fk_site_answers_sha256")),
        sa.ForeignKeyConstraint(["text_sha256"], ["bodies.sha256"], name=op.f("fk_site_answers_text_sha256")),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_site_answers")),
    )
    op.create_index(op.f("ix_site_answers_sha256"), "site_answers", ["sha256"])
    op.create_index(op.f("ix_site_answers_text_sha256"), "site_answers", ["text_sha256"])


def _create_purges() -> None:
    op.create_table(
        "purges",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("removed", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purges")),
    )
    op.create_table(
        "purge_marks",
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_purge_marks")),
    )
    op.create_index(op.f("ix_purge_marks_at"), "purge_marks", ["at"])
