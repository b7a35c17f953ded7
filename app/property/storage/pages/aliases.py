"""Targets that turned out to be the page of another URL, in `page_aliases`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete

from app.property.storage.statements import upsert
from app.property.storage.tables import page_aliases


def note_url(
    connection: Connection,
    url: str,
    page_url: str,
    at: datetime,
    *bodies: str,
) -> None:
    """`url` is another way to the page `page_url`.

    `bodies`: its own, and that of the record which says the same, if that was looked at.
    """
    own, known = bodies or (None, None)
    values = {"page_url": page_url, "seen_at": at, "content_sha256": own, "record_sha256": known}
    upsert(connection, page_aliases, {"url": url}, values)


def forget_url(connection: Connection, url: str) -> None:
    """`url` has a record of its own (again)."""
    connection.execute(delete(page_aliases).where(page_aliases.c.url == url))
