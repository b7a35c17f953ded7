"""What was purged a moment ago, as hashes: nothing that was fetched before is stored after.

A page that a worker has in hand when it is purged would come back with the next write. Every write of a page, of what a
model said of it and of its record asks here first, in its own transaction; a purge waits for those under way before it
looks. So each is either there for the purge to remove, or refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection, select

from app.errors.purging import PurgedMeanwhileError
from app.errors.targets import InvalidTargetError
from app.property.storage.database import Database
from app.property.storage.statements import chunks, upsert
from app.property.storage.tables import purge_marks
from app.property.urls.targets import normalise_url

#: the lock that whoever stores pages holds together, and a purge alone, for a moment
PURGE = "purge"


def refuse_from_now(database: Database, urls: Iterable[str], hosts: Iterable[str] = ()) -> None:
    """Store nothing any more of these `urls` and `hosts` (with all below them) that was fetched before now; return when
    no writer is under way that does not know of it."""
    at = database.clock.now()
    digests = sorted({_digest("url", url) for url in urls} | {_digest("host", host) for host in hosts})

    def work(connection: Connection) -> None:
        for digest in digests:
            upsert(connection, purge_marks, {"mark": digest}, {"at": at})

    database.repeat(work)
    wait_for_writers(database)


def wait_for_writers(database: Database) -> None:
    """Return when all transactions are over that did not see what is committed by now."""
    if not database.is_sqlite:  # which has one writer at a time
        with database.writing() as connection:
            database.exclusively(connection, PURGE)


def refuse_purged(database: Database, connection: Connection, urls: Iterable[str | None], fetched_at: datetime) -> None:
    """Raise `PurgedMeanwhileError` if one of `urls` was purged after `fetched_at`.

    Until this transaction ends none of them is purged.
    """
    if purged_of(database, connection, {url for url in urls if url}, fetched_at):
        raise PurgedMeanwhileError()


def purged_of(database: Database, connection: Connection, urls: Iterable[str], seen_at: datetime) -> set[str]:
    """Those of `urls` that were purged after `seen_at`; until this transaction ends none of the others is."""
    database.together(connection, PURGE)
    return marked(connection, urls, seen_at)


def marked(connection: Connection, urls: Iterable[str], seen_at: datetime) -> set[str]:
    """Those of `urls` that were purged after `seen_at`. The caller holds `PURGE` together with other writers."""
    digests = {url: set(_digests({url})) for url in urls}
    hit: set[str] = set()
    for some in chunks(sorted(set().union(*digests.values()))):
        c = purge_marks.c
        hit.update(connection.execute(select(c.mark).where(c.mark.in_(some), c.at >= seen_at)).scalars())
    return {url for url, marks in digests.items() if marks & hit}


def host_of(url: str) -> str:
    """The host of a URL, in small letters; empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _digests(urls: set[str]) -> Iterator[str]:
    for url in urls:
        yield _digest("url", url)
        with suppress(InvalidTargetError):
            yield _digest("url", normalise_url(url))
        labels = host_of(url).split(".")
        for start in range(len(labels)):
            yield _digest("host", ".".join(labels[start:]))


def _digest(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind} {value}".encode("utf-8", "replace")).hexdigest()
