"""Keep purged data from being stored again: pages fetched before their purge, and names of purged people.

Only hashes are stored: of URLs and hosts for a day, of names permanently. Each transaction that stores a page, a model
answer, or a record first checks the hashes. A purge stores its hashes, and waits for running transactions before it
deletes data. Therefore, such a transaction's data is either deleted by the purge or not stored. Names are also removed
from fetched pages before they are read (`PurgedNames`).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import CheckConstraint, Connection, Index, Row, String, delete, func, select, text, true
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import ConfigurationError
from app.errors.purging import PageNamesPersonError, PersonPurgedMeanwhileError, PurgedMeanwhileError
from app.errors.targets import InvalidTargetError
from app.property.page import Page
from app.property.people import NOBODY, Finder, PersonName
from app.property.people.words import LONGEST_KEPT
from app.property.storage.database import Database
from app.property.storage.statements import chunks, upsert
from app.property.storage.types import Base, Plain, Sha256, where
from app.property.urls.targets import normalize_url
from app.property.values.text_cache import remembered

#: Advisory lock that a transaction which stores pages holds in shared mode. A purge takes it exclusively to wait for
#: these transactions.
PURGE = "purge"
#: Retention of the hashes of URLs and hosts; any fetch takes less time. An interrupted purge of a person can resume
#: within this time.
_KEPT = timedelta(days=1)
#: Length of short hashes, in hex digits. A possible name is fully hashed only if the short hash of one of its words is
#: stored.
_SHORT = 6
_PERSON, _PROGRESS = "person", "progress"


class Suppression(Base):
    """A hash of data that must not be stored, or the progress of a person's purge.

    A URL's or host's hash suppresses data fetched before `at`. A name's keyed hash suppresses the name permanently.
    """

    __tablename__ = "suppressions"

    hash: Mapped[Sha256] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    # for a name, short hashes of its words; for a purge's progress, its position as JSON; else null
    words: Mapped[Plain | None]
    key_id: Mapped[str | None] = mapped_column(String(16))  # for a name, the id of the secret key; else null
    at: Mapped[datetime]
    expires_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("kind IN ('url', 'host', 'person', 'progress')", name="kind"),
        Index("ix_suppressions_kind_at", "kind", "at"),
        Index("ix_suppressions_expires_at", "expires_at", **where(text("expires_at IS NOT NULL"))),
    )


def refuse_from_now(database: Database, urls: Iterable[str], hosts: Iterable[str] = ()) -> None:
    """Suppress data of these URLs and hosts (with subdomains) that was fetched before now.

    Then wait for running writers, which may have checked too early.
    """
    digests = {_digest("url", url): "url" for url in urls} | {_digest("host", host): "host" for host in hosts}
    _put(database, {digest: {"kind": kind} for digest, kind in sorted(digests.items())}, _KEPT)


@dataclass(frozen=True, slots=True)
class Purged:
    """Data that a transaction must not store: its URLs that were purged, and names of purged people."""

    urls: set[str]
    names: Finder

    def refuse(self, *values: Any) -> None:
        """Raise an error if a URL was purged, or if `values` contain the name of a purged person."""
        if self.urls:
            raise PurgedMeanwhileError()
        if self.names.is_in(values):
            raise PersonPurgedMeanwhileError()


def purged_since(
    database: Database, connection: Connection, fetched_at: datetime | None, urls: Iterable[str] = ()
) -> Purged:
    """Return which of `urls`, and which names, were purged after `fetched_at` (None: at any time).

    Until the transaction ends, no other purge starts to delete.
    """
    database.advisory_lock(connection, PURGE, shared=True)
    is_later = true() if fetched_at is None else Suppression.at >= fetched_at
    digests = {url: set(_digests(url)) for url in urls}
    hit = set[str]()
    for some in chunks(sorted(set().union(*digests.values()))):
        hit.update(connection.execute(select(Suppression.hash).where(Suppression.hash.in_(some), is_later)).scalars())
    people = connection.execute(select(Suppression).where(Suppression.kind == _PERSON, is_later)).all()
    return Purged({url for url, hashes in digests.items() if hashes & hit}, _finder(database, people))


def host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _digests(url: str) -> Iterator[str]:
    yield _digest("url", url)
    with suppress(InvalidTargetError):
        yield _digest("url", normalize_url(url))
    labels = host_of(url).split(".")
    for start in range(len(labels)):
        yield _digest("host", ".".join(labels[start:]))


def _digest(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind} {value}".encode("utf-8", "replace")).hexdigest()


def _put(database: Database, rows: dict[str, dict[str, Any]], kept: timedelta | None) -> None:
    at = database.clock.now()
    own = {"at": at, "expires_at": at + kept if kept is not None else None}

    def work(connection: Connection) -> None:
        for digest, row in rows.items():
            upsert(connection, Suppression, {"hash": digest}, row | own)

    database.repeat(work)
    if not database.is_sqlite:  # SQLite has one writer at a time, so no other writer is running now
        with database.writing() as connection:
            database.advisory_lock(connection, PURGE)


def refuse_name(database: Database, key: bytes, name: PersonName) -> None:
    """Suppress the name permanently, by a hash of each of its forms and short hashes of their words.

    Then wait for running writers, which may have checked too early.
    """
    rows = {}
    for form in name.forms:
        short = {_keyed(key, word)[:_SHORT] for word in form if not word.endswith("*")}
        row = {"kind": _PERSON, "words": " ".join(sorted(short)), "key_id": _key_id(key)}
        rows[_keyed(key, " ".join(form))] = row
    _put(database, rows, None)


class PurgedNames:
    """Finds the names of purged people in text. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[tuple[int, datetime | None], Finder] = ((0, None), NOBODY)

    def finder(self) -> Finder:
        """Return a finder of the names of all purged people.

        Raises `ConfigurationError` if people were purged, and this process does not have the key of their hashes.
        """
        newest = func.max(Suppression.at, type_=Suppression.at.type)
        with self._database.reading() as connection:
            row = connection.execute(select(func.count(), newest).where(Suppression.kind == _PERSON)).one()
            state = (int(row[0]), row[1])
            if state != self._known[0]:
                people = connection.execute(select(Suppression).where(Suppression.kind == _PERSON)).all()
                self._known = (state, _finder(self._database, people))
        return self._known[1]

    def require_nameless(self, url: str) -> None:
        """Raise `PageNamesPersonError` if `url` contains the name of a purged person, and so must not be stored."""
        if self.finder().is_in(url):
            raise PageNamesPersonError()

    def page_without(self, page: Page) -> Page:
        """Return the page without names of purged people.

        Raises `PageNamesPersonError` if its URL contains such a name.
        """
        finder = self.finder()
        if finder.is_in([page.url, page.final_url]):
            raise PageNamesPersonError()
        declared_url = None if finder.is_in(page.declared_url) else page.declared_url
        text = finder.without(page.text)
        if text != page.text:
            body = text.encode("utf-8", "surrogatepass")
            return replace(page, text=text, body=body, declared_url=declared_url)
        return page if declared_url == page.declared_url else replace(page, declared_url=declared_url)


def _finder(database: Database, rows: Sequence[Row[Any]]) -> Finder:
    if not rows:
        return NOBODY
    key = database.names_key.read()
    if key is None or {row.key_id for row in rows} - {_key_id(key)}:
        problem = "people were purged with another key, and this process cannot recognize their names"
        raise ConfigurationError("PRIVACY_KEY", problem, "Give every process the key that was used for the purge")
    known = frozenset(row.hash for row in rows)
    short = frozenset(word for row in rows for word in row.words.split())

    @remembered(20_000, LONGEST_KEPT)
    def may_begin(word: str) -> bool:
        return _keyed(key, word)[:_SHORT] in short

    return Finder(may_begin, lambda form: _keyed(key, " ".join(form)) in known)


def _key_id(key: bytes) -> str:
    return _keyed(key, "this key")[:16]


def _keyed(key: bytes, text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=32).hexdigest()


class Progress:
    """The position of a person's purge: a table, and the primary key of its last cleaned row.

    A purge that is repeated after a crash resumes there.
    """

    def __init__(self, database: Database, key: bytes, name: PersonName) -> None:
        self._database = database
        self._hash = _keyed(key, f"progress {sorted(name.forms)}")

    def read(self) -> tuple[str, tuple[Any, ...]] | None:
        """Return the position of a purge that was interrupted within the last day (None: begin at the start)."""
        fresh = Suppression.at > self._database.clock.now() - _KEPT
        with self._database.reading() as connection:
            words = connection.execute(select(Suppression.words).where(Suppression.hash == self._hash, fresh)).scalar()
        if not words:
            return None
        table, key = json.loads(words)
        return table, tuple(key)

    def note(self, connection: Connection, table: str, key: Sequence[Any]) -> None:
        """Record that the rows of `table` are cleaned up to the primary key `key` (empty: none of them)."""
        at = self._database.clock.now()
        row = {"kind": _PROGRESS, "words": json.dumps([table, list(key)]), "at": at, "expires_at": at + _KEPT}
        upsert(connection, Suppression, {"hash": self._hash}, row)

    def end(self, connection: Connection) -> None:
        connection.execute(delete(Suppression).where(Suppression.hash == self._hash))
