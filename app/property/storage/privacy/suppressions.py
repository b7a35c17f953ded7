"""What may not be stored: for a day what was fetched before its purge, and for ever the names of purged people. Hashes
of it, and nothing else.

Every write of a page, of what a model said of it and of its record asks here first, in its own transaction; a purge
stores its hashes, and waits for those under way before it looks. So each is either there for the purge to remove, or
refused. From then on pages are also read without the name (`PurgedNames`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, delete, func, select, true

from app.errors import ConfigurationError
from app.errors.purging import PageNamesPersonError, PersonPurgedMeanwhileError, PurgedMeanwhileError
from app.errors.targets import InvalidTargetError
from app.property.page import Page
from app.property.people import NOBODY, Finder, PersonName
from app.property.people.words import LONGEST_KEPT
from app.property.storage.database import Database
from app.property.storage.privacy.tables import Suppression
from app.property.storage.statements import chunks, upsert
from app.property.urls.targets import normalise_url
from app.property.values.text_cache import remembered

#: the lock that whoever stores pages holds together, and a purge alone, for a moment
PURGE = "purge"
#: for longer than a fetch from before a purge could still be stored, and than a purge that died is left alone
_KEPT = timedelta(days=1)
#: hex digits by which it is told fast that a word is in no name
_SHORT = 6
_PERSON, _PROGRESS = "person", "progress"


# --- pages


def refuse_from_now(database: Database, urls: Iterable[str], hosts: Iterable[str] = ()) -> None:
    """Store nothing any more of these `urls` and `hosts` (with all below them) that was fetched before now."""
    digests = {_digest("url", url): "url" for url in urls} | {_digest("host", host): "host" for host in hosts}
    _put(database, {digest: {"kind": kind} for digest, kind in sorted(digests.items())}, _KEPT)


@dataclass(frozen=True, slots=True)
class Purged:
    """What a transaction must not store: those of its URLs that were purged, and people's names."""

    urls: set[str]
    names: Finder

    def refuse(self, *values: Any) -> None:
        """Raise `PurgedMeanwhileError` if there are such URLs, `PersonPurgedMeanwhileError` if one of `values` (JSON
        types) names somebody."""
        if self.urls:
            raise PurgedMeanwhileError()
        if self.names.is_in(values):
            raise PersonPurgedMeanwhileError()


def purged_since(
    database: Database, connection: Connection, fetched_at: datetime | None, urls: Iterable[str] = ()
) -> Purged:
    """Return which of `urls`, and who, was purged after `fetched_at` (None: ever).

    Until this transaction ends, no purge of anything else begins to remove.
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
    """The host of a URL, in small letters; empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _digests(url: str) -> Iterator[str]:
    yield _digest("url", url)
    with suppress(InvalidTargetError):
        yield _digest("url", normalise_url(url))
    labels = host_of(url).split(".")
    for start in range(len(labels)):
        yield _digest("host", ".".join(labels[start:]))


def _digest(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind} {value}".encode("utf-8", "replace")).hexdigest()


def _put(database: Database, rows: dict[str, dict[str, Any]], kept: timedelta | None) -> None:
    """Store `rows` by their hashes; return when no writer is under way that does not know of them."""
    at = database.clock.now()
    own = {"at": at, "expires_at": at + kept if kept is not None else None}

    def work(connection: Connection) -> None:
        for digest, row in rows.items():
            upsert(connection, Suppression, {"hash": digest}, row | own)

    database.repeat(work)
    if not database.is_sqlite:  # which has one writer at a time
        with database.writing() as connection:
            database.advisory_lock(connection, PURGE)


# --- people


def refuse_name(database: Database, key: bytes, name: PersonName) -> None:
    """Store nothing any more that names this person: a hash for each form of the name, with short ones of its words."""
    rows = {}
    for form in name.forms:
        short = {_keyed(key, word)[:_SHORT] for word in form if not word.endswith("*")}
        row = {"kind": _PERSON, "words": " ".join(sorted(short)), "key_id": _key_id(key)}
        rows[_keyed(key, " ".join(form))] = row
    _put(database, rows, None)


class PurgedNames:
    """The names that were purged from a `Database`, as they are known now. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[tuple[int, datetime | None], Finder] = ((0, None), NOBODY)

    def finder(self) -> Finder:
        """Finds all of them. Raises `ConfigurationError` without their key."""
        newest = func.max(Suppression.at, type_=Suppression.at.type)
        with self._database.reading() as connection:
            row = connection.execute(select(func.count(), newest).where(Suppression.kind == _PERSON)).one()
            state = (int(row[0]), row[1])
            if state != self._known[0]:
                people = connection.execute(select(Suppression).where(Suppression.kind == _PERSON)).all()
                self._known = (state, _finder(self._database, people))
        return self._known[1]

    def require_nameless(self, url: str) -> None:
        """Raise `PageNamesPersonError` if `url` names one of them: it could not be kept without the name."""
        if self.finder().is_in(url):
            raise PageNamesPersonError()

    def page_without(self, page: Page) -> Page:
        """The page without their names; itself where it names none. Raises `PageNamesPersonError`."""
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
        problem = "somebody was purged with another key than this process has, and could not be recognized"
        raise ConfigurationError("PRIVACY_KEY", problem, "Give every process the key that was used for the purge")
    known = frozenset(row.hash for row in rows)
    short = frozenset(word for row in rows for word in row.words.split())

    @remembered(20_000, LONGEST_KEPT)
    def may_begin(word: str) -> bool:
        return _keyed(key, word)[:_SHORT] in short

    return Finder(may_begin, lambda form: _keyed(key, " ".join(form)) in known)


def _key_id(key: bytes) -> str:
    """Tells keys apart, and nothing of them."""
    return _keyed(key, "this key")[:16]


def _keyed(key: bytes, text: str) -> str:
    """A hash that nobody without the key can try names on, in hex digits."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=32).hexdigest()


class Progress:
    """How far the purge of one person has come, for the next one if it dies: the table, and the key of the last row."""

    def __init__(self, database: Database, key: bytes, name: PersonName) -> None:
        self._database = database
        self._hash = _keyed(key, f"progress {sorted(name.forms)}")

    def read(self) -> tuple[str, tuple[Any, ...]] | None:
        """Where a purge that died in the last day was; None: it begins."""
        fresh = Suppression.at > self._database.clock.now() - _KEPT
        with self._database.reading() as connection:
            words = connection.execute(select(Suppression.words).where(Suppression.hash == self._hash, fresh)).scalar()
        if not words:
            return None
        table, key = json.loads(words)
        return table, tuple(key)

    def note(self, connection: Connection, table: str, key: Sequence[Any]) -> None:
        """All before the row of `key` is done; an empty one: the table is read anew."""
        at = self._database.clock.now()
        row = {"kind": _PROGRESS, "words": json.dumps([table, list(key)]), "at": at, "expires_at": at + _KEPT}
        upsert(connection, Suppression, {"hash": self._hash}, row)

    def end(self, connection: Connection) -> None:
        """Begin anew the next time."""
        connection.execute(delete(Suppression).where(Suppression.hash == self._hash))
