"""Stores what was only claimed of a property, and by whom: shown beside its record, never in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from app.property.storage.database import Database
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.properties.tables import Unverified
from app.property.storage.statements import clean, upsert


@dataclass(frozen=True, slots=True)
class UnverifiedClaim:
    """A value that `said_by` (a method and a model) read on the page `url`, which could not be read here."""

    field: str
    value: Any
    quote: str
    url: str
    said_by: str
    seen_at: datetime


def put_claims(
    database: Database,
    connection: Connection,
    property_id: str,
    claims: Iterable[UnverifiedClaim],
    *,
    read: Iterable[str] = (),
) -> None:
    """Add `claims`, in place of earlier ones of the same field and page. Claims of the pages `read` are deleted: these
    speak for themselves by now.

    Claims of a page that was purged after it was named are left out, and those that name a person who was.
    """
    known = Unverified.property_id == property_id, Unverified.url.in_(sorted(set(read)))
    connection.execute(delete(Unverified).where(*known))
    for one in claims:
        purged = purged_since(database, connection, one.seen_at, [one.url])
        if purged.urls or purged.names.is_in([one.value, one.quote, one.url]):
            continue
        row = {"value": one.value, "quote": clean(one.quote), "said_by": clean(one.said_by), "seen_at": one.seen_at}
        upsert(connection, Unverified, {"property_id": property_id, "field": one.field, "url": one.url}, row)


def claims_of(connection: Connection, property_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the claims of each property, in the shape that interfaces show."""
    found: dict[str, list[dict[str, Any]]] = {home: [] for home in property_ids}
    query = (
        select(Unverified).where(Unverified.property_id.in_(property_ids)).order_by(Unverified.field, Unverified.url)
    )
    for row in connection.execute(query):
        said = {name: getattr(row, name) for name in ("field", "value", "quote", "url", "said_by")}
        found[row.property_id].append({**said, "seen_at": row.seen_at.isoformat()})
    return found
