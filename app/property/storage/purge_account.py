"""The account of purges: who did what kind and how much, in numbers, and in keyed hashes what it was.

By the hashes a purge can be repeated on a database that is from before it: what they stand for is looked for in all
that is stored (`repurging.py`). Whoever has no key learns nothing from them. Their kinds: targets (URLs, addresses),
hosts, properties by id, keys that properties are filed under, and forms of names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from app.errors.storage import PurgesDueError
from app.property.people import PersonName
from app.property.storage.engine import Database
from app.property.storage.failures import shown
from app.property.storage.general_purging import stored_urls
from app.property.storage.holdings import HOLDINGS, Holds
from app.property.storage.purge_marks import host_of
from app.property.storage.purge_scope import Scope
from app.property.storage.purged_names import key_id, keyed, marks_of
from app.property.storage.rows import chunks, clean, new_id
from app.property.storage.tables import property_keys, purges, recipes

#: of a row of `purges`: what a journal outside the database has of it as well
_TOLD = (purges.c.id, purges.c.at, purges.c.who, purges.c.kind, purges.c.removed, purges.c.marks, purges.c.key_id)


@dataclass(frozen=True, slots=True)
class PurgeEntry:
    """One purge. `marks` has lists of hashes by their kind ("target", "host", "property", "key"), or under "name" an
    object: hashes of a name's forms, each with short ones of its words. `key_id` tells which key made them."""

    id: str
    at: datetime
    who: str
    kind: str
    removed: dict[str, int]
    marks: dict[str, Any]
    key_id: str


def write_down(
    connection: Connection,
    at: datetime,
    who: str,
    kind: str,
    removed: Mapping[str, int],
    *,
    key: bytes | None = None,
    marks: Mapping[str, Any] | None = None,
) -> None:
    """A line of the account. Without `marks` it is of something that needs no repetition after a restore."""
    row = {"id": new_id(), "at": at, "who": clean(who), "kind": str(kind), "removed": dict(removed)}
    row |= {"marks": marks, "key_id": key_id(key) if key is not None else None}
    connection.execute(insert(purges).values(row))


def marks_of_scope(key: bytes, scope: Scope) -> dict[str, list[str]]:
    """What was purged, in hashes; URLs of the purged hosts by the hosts alone."""
    named = {
        "target": [url for url in scope.urls if not scope.is_of_host(url)],
        "host": scope.hosts,
        "property": scope.properties,
        "key": scope.keys,
    }
    return {kind: [_hash(key, kind, value) for value in values] for kind, values in named.items() if values}


def marks_of_name(key: bytes, name: PersonName) -> dict[str, dict[str, list[str]]]:
    """Forms of a name in hashes, with short ones of their words."""
    return {"name": marks_of(key, name)}


def stored_scope(connection: Connection, key: bytes, entries: Iterable[PurgeEntry]) -> Scope:
    """All that is stored of what `entries` purged, by its name."""
    marks = {(kind, mark) for entry in entries for kind in entry.marks if kind != "name" for mark in entry.marks[kind]}
    if not marks:
        return Scope()

    def are_meant(kind: str, values: Iterable[str]) -> Iterator[str]:
        return (value for value in values if (kind, _hash(key, kind, value)) in marks)

    urls, hosts = set[str](), set[str]()
    for url in set(stored_urls(connection, lambda _: True)):
        urls.update(are_meant("target", [url]))
        hosts.update(_hosts(url))
    for host in connection.execute(select(recipes.c.host).distinct()).scalars():
        hosts.update(_hosts(f"//www.{host}"))
    homes = set(are_meant("property", _values(connection, Holds.PROPERTY)))
    filed = select(property_keys.c.key, property_keys.c.property_id)
    homes |= {row.property_id for row in connection.execute(filed) if any(are_meant("key", [row.key]))}
    return Scope(tuple(sorted(urls)), tuple(sorted(are_meant("host", hosts))), tuple(sorted(homes)))


class PurgeAccount:
    """The account in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, without: Collection[str] = ()) -> list[PurgeEntry]:
        """Those that can be repeated, oldest first, but for those with these ids."""
        query = select(*_TOLD).where(purges.c.marks.is_not(None)).order_by(purges.c.at, purges.c.id)
        with self._database.reading() as connection:
            return [_entry(row) for row in connection.execute(query) if row.id not in without]

    def unknown(self, entries: Iterable[PurgeEntry]) -> list[PurgeEntry]:
        """Those of `entries` that the database has never heard of: it is from before them."""
        by_id = {entry.id: entry for entry in entries}
        known = set[str]()
        with self._database.reading() as connection:
            for some in chunks(sorted(by_id)):
                known |= set(connection.execute(select(purges.c.id).where(purges.c.id.in_(some))).scalars())
        return [entry for entry in by_id.values() if entry.id not in known]

    def note_due(self, entries: Iterable[PurgeEntry]) -> None:
        """These are to be repeated; whoever opens the database learns of it, on any machine."""
        new = self.unknown(entries)

        def work(connection: Connection) -> None:
            for entry in new:
                row = {name: getattr(entry, name) for name in PurgeEntry.__slots__}
                connection.execute(insert(purges).values(row | {"is_due": True}))

        if new:
            self._database.repeat(work)

    def due(self) -> list[PurgeEntry]:
        """Those that are to be repeated, oldest first."""
        query = select(*_TOLD).where(purges.c.is_due).order_by(purges.c.at, purges.c.id)
        with self._database.reading() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def require_none_due(self) -> None:
        """Raise `PurgesDueError` if there are any: the database holds what these removed."""
        query = select(func.count()).select_from(purges).where(purges.c.is_due)
        with self._database.reading() as connection:
            due = int(connection.execute(query).scalar_one())
        if due:
            raise PurgesDueError(shown(self._database.url), f"{due} purges" if due > 1 else "a purge")


def note_repeated(connection: Connection, entries: Iterable[PurgeEntry]) -> None:
    """They are done again."""
    for some in chunks(sorted(entry.id for entry in entries)):
        connection.execute(update(purges).where(purges.c.id.in_(some)).values(is_due=False))


def _values(connection: Connection, kind: Holds) -> set[str]:
    found = set[str]()
    for held in HOLDINGS:
        for column in held.of(kind):
            found |= set(connection.execute(select(column).where(column.is_not(None)).distinct()).scalars())
    return found


def _hosts(url: str) -> Iterator[str]:
    """The host of a URL, and all above it."""
    labels = host_of(url).split(".")
    return (".".join(labels[start:]) for start in range(len(labels)))


def _entry(row: Any) -> PurgeEntry:
    return PurgeEntry(**{name: getattr(row, name) for name in PurgeEntry.__slots__})


def _hash(key: bytes, kind: str, value: str) -> str:
    return keyed(key, f"{kind} {value}")
