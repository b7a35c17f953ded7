"""Removes a person's name wherever it stands, and keeps it from coming back.

First its hashes are stored, and writers under way are waited for: from then on nothing brings it in. Then all that can
name people is read, once and without a lock, and what names the person goes or loses the name, some rows at a time.
Copies of what can be had again go whole (bodies, what models and searches answered), values and their evidence lose the
name. How far it has come is kept: a purge that died goes on there if it is repeated within a day.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import Table, delete, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from app.errors.targets import InvalidTargetError
from app.property.people import Finder, PersonName, finder_of
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.llm.tables import CacheKind, LlmCache, LlmRequest
from app.property.storage.pages.blobs import unpack
from app.property.storage.pages.repository import drop_pages
from app.property.storage.pages.tables import Blob, PageCopy
from app.property.storage.privacy.cleaning import cleaned
from app.property.storage.privacy.pii_catalog import HOLDINGS, NAMING, Holding, Holds
from app.property.storage.privacy.purge import COUNTED, Purged, Removal, Step, do, find, record_purge, steps_of
from app.property.storage.privacy.scope import PurgeKind, rows_of
from app.property.storage.privacy.suppressions import Progress, refuse_name
from app.property.storage.properties.locks import lock_rows
from app.property.storage.properties.rebuild import rebuild

#: rows that are changed in one transaction, with their properties
_AT_ONCE = 20
#: bodies that are read at a time
_BODIES = 20
_NOTE_SECONDS = 5.0
#: what is made of other tables comes after them: what was made before these were clean is found then
_LAST = ("properties", "changes")
#: what answers that go are counted as
_AS = {CacheKind.PAGE: "model_answers", CacheKind.SEARCH: "searches"}


class PersonPurge:
    """Purges a `Database` of people by their names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def purge(self, name: PersonName, *, who: str, dry_run: bool) -> Purged:
        """Remove `name` from all that is stored, and store it no more.

        Counts rows as `PurgeStore.purge`, and in "texts" those that lost the name and are kept. Pages whose URL names
        the person go as a whole. Done again it removes nothing more. Raises `ConfigurationError` if there is no key
        that the name could be hashed with, before anything is removed.
        """
        database, finder = self._database, finder_of(name)
        if dry_run:
            return do(database, _steps(database, finder), dry_run=True, counted=("texts",))
        key = database.names_key.make()
        refuse_name(database, key, name)
        steps = _steps(database, finder, Progress(database, key, name))
        purged = do(database, steps, dry_run=False, counted=("texts",))
        record_purge(database, who, PurgeKind.PERSON, purged.removed)
        return purged


def _steps(database: Database, finder: Finder, progress: Progress | None = None) -> Iterator[Step]:
    """What has to be done, table by table; without `progress` for a dry run."""
    tables = sorted(HOLDINGS, key=lambda held: held.table.name in _LAST and _LAST.index(held.table.name) + 1)
    begun = progress.read() if progress is not None else None
    names = [held.table.name for held in tables]
    first = names.index(begun[0]) if begun is not None and begun[0] in names else 0
    noted, urls = time.monotonic(), set[str]()
    for held in tables[first:]:
        # a key that may hold the name, such as a URL, is not noted
        is_plain = not {column.name for column in held.of(*NAMING)} & set(held.table.primary_key.columns.keys())
        named, after = list[tuple[Any, ...]](), begun[1] if begun is not None and held.table.name == begun[0] else None
        for key, found in _named(database, held, finder, after):
            is_late = progress is not None and time.monotonic() > noted + _NOTE_SECONDS
            for url in sorted(found - urls if found is not None else ()):  # most are ways to one page
                urls.add(url)
                with suppress(InvalidTargetError):  # one that is too long to be a target goes with its row alone
                    yield from steps_of(database, find(database, PurgeKind.URL, url, dry_run=progress is None))
            named += [key] if found is not None else []
            if named and (is_late or len(named) == _AT_ONCE):
                yield partial(_clear, finder=finder, held=held, keys=named)
                named = []
            if is_late:
                yield partial(_note, progress=progress, table=held.table.name, key=key if is_plain else ())
                noted = time.monotonic()
        if named:
            yield partial(_clear, finder=finder, held=held, keys=named)
    if progress is not None:
        yield lambda part: progress.end(part.connection)


def _note(part: Removal, progress: Progress | None, table: str, key: Sequence[Any]) -> None:
    if progress is not None:
        progress.note(part.connection, table, key)


def _named(
    database: Database, held: Holding, finder: Finder, after: tuple[Any, ...] | None
) -> Iterator[tuple[tuple[Any, ...], set[str] | None]]:
    """The keys of all rows, and of those that name the person the URLs which do; None of the others."""
    width = len(held.table.primary_key.columns)
    if held.table is Blob.__table__:
        for row in rows_of(database, Blob.packed, at_once=_BODIES, after=after):
            is_named = finder.is_in(_decoded(unpack(bytes(row.packed))))
            yield tuple(row[:width]), set() if is_named else None
        return
    texts, urls = held.of(Holds.TEXT), held.of(Holds.TARGET, Holds.URLS)
    for row in rows_of(database, *texts, *urls, after=after) if texts or urls else ():
        words = {url for value in row[width + len(texts) :] for url in str(value or "").split(" ")}
        found = {url for url in words if "://" in url and finder.is_in(url)}
        is_named = bool(found) or any(finder.is_in(value) for value in row[width : width + len(texts)])
        yield tuple(row[:width]), found if is_named else None


def _decoded(body: bytes) -> str:
    """Bodies are bytes in the encoding of their site; where a letter takes several bytes, without the empty ones."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        wide = body[:2] in (b"\xff\xfe", b"\xfe\xff") or body[:200].count(b"\0") > 20
        return body.replace(b"\0", b"").decode("latin-1") if wide else body.decode("latin-1")


def _clear(part: Removal, finder: Finder, held: Holding, keys: Sequence[tuple[Any, ...]]) -> None:
    table = held.table
    if table is Blob.__table__:
        _drop_bodies(part, [key[0] for key in keys])
    elif table is PageCopy.__table__:
        copies = PageCopy.id.in_([key[0] for key in keys])
        part.removed["bodies"] += len(drop_pages(part.connection, copies, counted=not part.dry_run))
    elif table is LlmRequest.__table__:
        part.drop_requests(LlmRequest.id.in_([key[0] for key in keys]))
    elif table is LlmCache.__table__:
        gone = delete(table).where(_is_one_of(table, keys)).returning(table.c.kind)
        part.removed.update(_AS[kind] for kind in part.connection.execute(gone).scalars())
    elif held.goes_whole:
        part.drop(table.name if table.name in COUNTED else "texts", table, _is_one_of(table, keys))
    else:
        _clean(part, finder, held, keys)


def _drop_bodies(part: Removal, hashes: Sequence[str]) -> None:
    """Copies, and what models were asked and said of them: the page is fetched anew, and read without the name."""
    leads = or_(PageCopy.sha256.in_(hashes), PageCopy.text_sha256.in_(hashes))
    part.removed["bodies"] += len(drop_pages(part.connection, leads, blobs=hashes, counted=not part.dry_run))
    part.drop_answers(hashes)


def _clean(part: Removal, finder: Finder, held: Holding, keys: Sequence[tuple[Any, ...]]) -> None:
    """Take the name out. The properties that the rows are of say what their pages say now; whoever follows changes
    learns of it."""
    connection, table = part.connection, held.table
    mine = select(table).where(_is_one_of(table, keys))
    homes = {row._mapping[column] for row in connection.execute(mine) for column in held.of(Holds.PROPERTY)} - {None}
    lock_rows(connection, homes)
    for row in connection.execute(mine).all():
        change = cleaned(held, row, finder)
        if change is not None and all(getattr(row, name) == value for name, value in change.items()):
            continue  # somebody was faster
        which = _is_one_of(table, [tuple(row._mapping[column] for column in table.primary_key.columns)])
        if change is not None and _put(part, table, which, change):
            part.removed["texts"] += 1
        else:
            part.drop(table.name if table.name in COUNTED else "texts", table, which)
        part.job_ids |= {row.id} if table is JobRow.__table__ else set()
    for home in sorted(homes):
        if not part.dry_run:  # it counts for nothing, and holds up the feed
            rebuild(part.database, connection, home, changed=True)
        part.job_ids |= set(connection.execute(select(JobRow.id).where(JobRow.property_id == home)).scalars())


def _put(part: Removal, table: Table, which: Any, change: dict[str, Any]) -> bool:
    """False if there is such a row already: it says the same."""
    try:
        with part.connection.begin_nested():
            part.connection.execute(update(table).where(which).values(change))
    except IntegrityError:
        return False
    return True


def _is_one_of(table: Table, keys: Sequence[tuple[Any, ...]]) -> Any:
    return tuple_(*table.primary_key.columns).in_(keys)
