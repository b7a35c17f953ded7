"""What was only said of a property, and by whom: shown beside its record, never in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from app.property.storage.database import Database
from app.property.storage.privacy.marks import marked
from app.property.storage.privacy.names import purged_since
from app.property.storage.statements import clean, upsert
from app.property.storage.tables import unverified


@dataclass(frozen=True, slots=True)
class Hearsay:
    """A value that `said_by` (a method and a model) read on the page `url`, which could not be read here."""

    field: str
    value: Any
    quote: str
    url: str
    said_by: str
    seen_at: datetime


def put_claims(
    database: Database, connection: Connection, property_id: str, heard: Iterable[Hearsay], *, read: Iterable[str] = ()
) -> None:
    """Add `heard`, in place of what was heard of the same field and page before. What was heard of the pages `read`
    goes: they speak for themselves by now.

    What was heard of a page that was purged after it was named is left out, and what names a person who was.
    """
    c = unverified.c
    connection.execute(delete(unverified).where(c.property_id == property_id, c.url.in_(sorted(set(read)))))
    for one in heard:
        if marked(connection, (one.url,), one.seen_at):
            continue
        if purged_since(database, connection, one.seen_at).names(one.value, one.quote, one.url):
            continue
        row = {"value": one.value, "quote": clean(one.quote), "said_by": clean(one.said_by), "seen_at": one.seen_at}
        upsert(connection, unverified, {"property_id": property_id, "field": one.field, "url": one.url}, row)


def heard_of(connection: Connection, property_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What was heard of each property, in the shape that the doors show."""
    c = unverified.c
    query = select(unverified).where(c.property_id.in_(property_ids)).order_by(c.field, c.url)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.property_id, []).append(
            {
                "field": row.field,
                "value": row.value,
                "quote": row.quote,
                "url": row.url,
                "said_by": row.said_by,
                "seen_at": row.seen_at.isoformat(),
            }
        )
    return found


def fold_hearsay(connection: Connection, gone: str, home: str) -> None:
    """Two properties are one: what was heard of `gone` is of `home`; said twice, it stays as `home` has it."""
    c = unverified.c
    theirs = unverified.alias("theirs")
    twice = select(theirs.c.id).where(theirs.c.property_id == home, theirs.c.field == c.field, theirs.c.url == c.url)
    connection.execute(delete(unverified).where(c.property_id == gone, twice.exists()))
    connection.execute(update(unverified).where(c.property_id == gone).values(property_id=home))
