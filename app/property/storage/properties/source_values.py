"""What each source of a property says by itself, before merging chose: for whoever compares them side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.property.storage.database import Database
from app.property.storage.tables import properties, records


@dataclass(frozen=True, slots=True)
class Saying:
    """The values of one source by field, and the evidence of each as JSON; `url` names the source in `sources`."""

    url: str
    values: dict[str, Any]
    evidence: dict[str, Any]


def sayings(database: Database, property_id: str) -> list[Saying]:
    """One for each of the property's sources, in the order in which `PropertyStore.get` shows these; none if there is
    no such property. The id of a property that turned out to be another one gives that one."""
    with database.reading() as connection:
        alive = connection.execute(select(properties.c.merged_into).where(properties.c.id == property_id)).scalar()
        rows = connection.execute(
            select(records.c.url, records.c.record, records.c.evidence)
            .where(records.c.property_id == (alive or property_id))
            .order_by(records.c.fetched_at, records.c.id)
        ).all()
    return [Saying(row.url, row.record, row.evidence) for row in rows]
