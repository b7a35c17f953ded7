"""Whose name may not be stored again: keyed hashes of the forms of the names that were purged, and nothing else.

Every page is read without these names from the moment of the purge on (`PurgedNames`, at the door). What was fetched
before and is stored after is looked at once more, in the transaction that stores it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from app.errors import ConfigurationError
from app.errors.purging import PageNamesPersonError, PersonPurgedMeanwhileError
from app.property.page import Page
from app.property.people import Finder, PersonName
from app.property.people.words import LONGEST_KEPT
from app.property.remembering import remembered
from app.property.storage.database import Database
from app.property.storage.statements import upsert
from app.property.storage.tables import purged_names

#: hex digits by which it is told fast that a word is in no name
_SHORT = 6


def note_name(connection: Connection, key: bytes, name: PersonName, at: datetime) -> None:
    """From now on store nothing that names this person: a hash for each form of the name, with short ones of its
    words."""
    for form in name.forms:
        short = {_keyed(key, word)[:_SHORT] for word in form if not word.endswith("*")}
        row = {"words": " ".join(sorted(short)), "at": at, "key_id": _key_id(key)}
        upsert(connection, purged_names, {"mark": _keyed(key, " ".join(form))}, row)


class PurgedNames:
    """The names that were purged from a `Database`, as they are known now. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[tuple[int, datetime | None], Finder | None] = ((0, None), None)

    def finder(self) -> Finder | None:
        """Finds all of them; None while nobody was purged. Raises `ConfigurationError` without their key."""
        newest = func.max(purged_names.c.at, type_=purged_names.c.at.type)
        with self._database.reading() as connection:
            row = connection.execute(select(func.count(), newest)).one()
            state = (int(row[0]), row[1])
            if state == self._known[0]:
                return self._known[1]
            rows = connection.execute(select(purged_names)).all()
        self._known = (state, _finder(self._database, rows))
        return self._known[1]

    def require_nameless(self, url: str) -> None:
        """Raise `PageNamesPersonError` if `url` names one of them: it could not be kept without the name."""
        finder = self.finder()
        if finder is not None and finder.is_in(url):
            raise PageNamesPersonError()

    def without(self, value: Any) -> Any:
        """`value` (JSON types) without their names."""
        finder = self.finder()
        return value if finder is None else finder.without(value)

    def page_without(self, page: Page) -> Page:
        """The page without their names; itself where it names none. Raises `PageNamesPersonError`."""
        finder = self.finder()
        if finder is None:
            return page
        self.require_nameless(page.url)
        self.require_nameless(page.final_url)
        declared_url = None if finder.is_in(page.declared_url) else page.declared_url
        text = finder.without(page.text)
        if text != page.text:
            body = text.encode("utf-8", "surrogatepass")
            return replace(page, text=text, body=body, declared_url=declared_url)
        return page if declared_url == page.declared_url else replace(page, declared_url=declared_url)


@dataclass(frozen=True, slots=True)
class Since:
    """Those who were purged after something was fetched, as one transaction sees it; most often nobody."""

    finder: Finder | None

    def without(self, value: Any) -> Any:
        """`value` (JSON types) without their names."""
        return value if self.finder is None else self.finder.without(value)

    def refuse(self, *values: Any) -> None:
        """Raise `PersonPurgedMeanwhileError` if one of `values` names one of them."""
        if self.names(*values):
            raise PersonPurgedMeanwhileError()

    def names(self, *values: Any) -> bool:
        """Whether one of `values` names one of them."""
        return self.finder is not None and any(self.finder.is_in(value) for value in values)


def purged_since(database: Database, connection: Connection, fetched_at: datetime | None) -> Since:
    """Who was purged after `fetched_at`; None: ever. The transaction holds off purges (`purge_marks.refuse_purged`)."""
    query = select(purged_names)
    if fetched_at is not None:
        query = query.where(purged_names.c.at >= fetched_at)
    rows = connection.execute(query).all()
    return Since(_finder(database, rows))


def _finder(database: Database, rows: Iterable[Row[Any]]) -> Finder | None:
    rows = list(rows)
    if not rows:
        return None
    key = database.names_key.read()
    if key is None or {row.key_id for row in rows} - {_key_id(key)}:
        problem = "somebody was purged with another key than this process has, and could not be recognized"
        raise ConfigurationError("PRIVACY_KEY", problem, "Give every process the key that was used for the purge")
    known = frozenset(row.mark for row in rows)
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
