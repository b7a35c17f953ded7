"""Properties are found by words, by status, and by whether their pages disagree."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_AT_ONCE = 500
#: as `store/searching.py` had them then
_SEARCHED = (
    "UnparsedAddress", "StreetNumber", "StreetName", "UnitNumber", "City", "StateOrProvince", "CountyOrParish",
    "PostalCode", "SubdivisionName", "ListingId", "ListingKey", "ParcelNumber", "PropertyType", "PropertySubType",
)  # fmt: skip
_properties = sa.table(
    "properties",
    sa.column("id", sa.String),
    sa.column("record", sa.JSON),
    sa.column("conflicts", sa.JSON),
    sa.column("search_text", sa.Text),
    sa.column("standard_status", sa.String),
    sa.column("conflict_count", sa.Integer),
)
_records = sa.table(
    "records", sa.column("id", sa.Integer), sa.column("property_id", sa.String), sa.column("url", sa.Text)
)


def upgrade() -> None:
    op.add_column("properties", sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
    op.add_column("properties", sa.Column("standard_status", sa.String(length=32)))
    op.add_column("properties", sa.Column("conflict_count", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_properties_status_updated", "properties", ["standard_status", "updated_at", "id"])
    _fill(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_properties_status_updated", "properties")
    for name in ("conflict_count", "standard_status", "search_text"):
        op.drop_column("properties", name)


def _fill(connection: sa.Connection) -> None:
    c = _properties.c
    last = ""
    while True:
        query = sa.select(c.id, c.record, c.conflicts).where(c.id > last).order_by(c.id).limit(_AT_ONCE)
        rows = connection.execute(query).all()
        if not rows:
            return
        ids = [row.id for row in rows]
        urls: dict[str, list[str]] = {}
        sources = sa.select(_records.c.property_id, _records.c.url).where(_records.c.property_id.in_(ids))
        for property_id, url in connection.execute(sources.order_by(_records.c.id)):
            urls.setdefault(property_id, []).append(url)
        change = sa.update(_properties).where(c.id == sa.bindparam("found"))
        connection.execute(change, [{"found": row.id, **_row(row, urls.get(row.id, []))} for row in rows])
        last = ids[-1]


def _row(row: Any, urls: list[str]) -> dict[str, Any]:
    record = row.record or {}
    words = [str(record[name]) for name in _SEARCHED if record.get(name)]
    return {
        "search_text": " ".join([*words, *urls]).lower(),
        "standard_status": str(record["StandardStatus"])[:32] if record.get("StandardStatus") else None,
        "conflict_count": len(row.conflicts or []),
    }
