"""Stores what was only claimed of a property, and by whom."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete

from app.property.storage.database import Database
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.properties.tables import Unverified
from app.property.storage.statements import clean, upsert


def put_claims(
    database: Database,
    connection: Connection,
    property_id: str,
    claims: Iterable[Unverified],
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
