"""Remove a person's name from all tables, and keep it from being stored again.

1. Store hashes of the name, and wait for running writers. After that, no writer stores the name.
2. Purge the pages whose URLs contain the name.
3. Read all columns that can name people, once and without locks. Change the rows with the name, a few at a time. Data
   that can be obtained again (bodies, answers of models and searches) is deleted. From values and their evidence, only
   the name is removed.

The purge stores its position. If it is interrupted and repeated within a day, it resumes there.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import Table, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from app.errors.targets import InvalidTargetError
from app.property.people import Finder, PersonName, finder_of
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job
from app.property.storage.llm.tables import LlmCache, LlmRequest
from app.property.storage.pages.repository import unpack
from app.property.storage.pages.tables import Blob, PageCopy
from app.property.storage.privacy.cleaning import cleaned
from app.property.storage.privacy.pii_catalog import NAMING, PiiKind, columns_of
from app.property.storage.privacy.purge import Removal, Step, find, steps_of
from app.property.storage.privacy.scope import Scope, rows_of, stored_urls
from app.property.storage.privacy.suppressions import Progress, refuse_name
from app.property.storage.properties.locks import lock_rows
from app.property.storage.properties.rebuild import rebuild
from app.property.storage.properties.tables import RecipeExample, RecipeRow
from app.property.storage.tables import metadata
from app.property.storage.watches.models import Change
from app.property.urls.targets import normalize_url

#: Tables whose rows are deleted if they contain the name. `_clear` also deletes page copies, bodies, and model
#: requests. In other tables, only the name is removed.
_COPIES = tuple(one.__table__ for one in (LlmCache, RecipeRow, RecipeExample, Change))
#: Maximum number of rows cleaned per transaction. The properties they belong to are rebuilt in the same transaction.
_AT_ONCE = 20
#: Maximum number of page bodies in memory.
_BODIES = 20
_NOTE_SECONDS = 5.0
#: Tables derived from other tables. They are searched last, because rows may be derived until the others are cleaned.
_LAST = ("properties", "changes")


def person_steps(database: Database, name: PersonName, *, dry_run: bool) -> Iterator[Step]:
    """Yield the steps that purge a person.

    Raises `ConfigurationError` if there is no key for hashing the name, except in a dry run.
    """
    finder, progress = finder_of(name), None
    if not dry_run:
        secret = database.names_key.make()
        refuse_name(database, secret, name)
        progress = Progress(database, secret, name)
    pages = _pages(database, finder)
    if pages.urls:
        yield from steps_of(database, find(database, pages, dry_run=dry_run))
    tables = sorted(metadata.sorted_tables, key=lambda table: table.name in _LAST and _LAST.index(table.name) + 1)
    begun = progress.read() if progress is not None else None
    names = [table.name for table in tables]
    first = names.index(begun[0]) if begun is not None and begun[0] in names else 0
    noted = time.monotonic()
    for table in tables[first:]:
        # a primary key that may contain the name, such as a URL, must not be stored as the purge's position
        is_plain = not {*columns_of(table, *NAMING)} & {*table.primary_key}
        named, after = list[tuple[Any, ...]](), begun[1] if begun is not None and table.name == begun[0] else None
        for key, texts in _rows(database, table, after):
            if finder.is_in(texts):
                named.append(key)
            late = progress if time.monotonic() > noted + _NOTE_SECONDS else None
            if named and (late is not None or len(named) == _AT_ONCE):
                yield partial(_clear, finder=finder, table=table, keys=named)
                named = []
            if late is not None:
                yield partial(_note, progress=late, table=table.name, key=key if is_plain else ())
                noted = time.monotonic()
        if named:
            yield partial(_clear, finder=finder, table=table, keys=named)
    if progress is not None:
        yield lambda part: progress.end(part.connection)


def _note(part: Removal, progress: Progress, table: str, key: Sequence[Any]) -> None:
    progress.note(part.connection, table, key)


def _pages(database: Database, finder: Finder) -> Scope:
    urls = dict.fromkeys(stored_urls(database, finder.is_in))
    for url in list(urls):
        with suppress(InvalidTargetError):
            urls[normalize_url(url)] = None
    return Scope(urls=tuple(urls), one_by_one=True)


def _rows(
    database: Database, table: Table, after: tuple[Any, ...] | None
) -> Iterator[tuple[tuple[Any, ...], Sequence[Any]]]:
    width = len(table.primary_key.columns)
    texts, targets = columns_of(table, PiiKind.TEXT), columns_of(table, PiiKind.TARGET, PiiKind.URLS)
    if table is Blob.__table__:
        for row in rows_of(database, Blob.packed, at_once=_BODIES, after=after):
            yield tuple(row[:width]), [_decoded(unpack(bytes(row.packed)))]
    elif texts or targets:
        for row in rows_of(database, *texts, *targets, after=after):
            words = (word for value in row[width + len(texts) :] for word in str(value or "").split())
            yield tuple(row[:width]), [*row[width : width + len(texts)], *(word for word in words if "://" in word)]


def _decoded(body: bytes) -> str:
    """Decode a body well enough to find names: as UTF-8, or else as Latin-1.

    NUL bytes of UTF-16 are removed, so that its ASCII letters can be read.
    """
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        wide = body[:2] in (b"\xff\xfe", b"\xfe\xff") or body[:200].count(b"\0") > 20
        return (body.replace(b"\0", b"") if wide else body).decode("latin-1")


def _clear(part: Removal, finder: Finder, table: Table, keys: Sequence[tuple[Any, ...]]) -> None:
    ids = [key[0] for key in keys]
    if table is Blob.__table__:  # deleted, because a later job can fetch the page again, without the name
        part.drop_copies(or_(PageCopy.sha256.in_(ids), PageCopy.text_sha256.in_(ids)))
        part.drop_blobs(set(ids))
        part.drop_answers(ids)
    elif table is PageCopy.__table__:
        part.drop_copies(PageCopy.id.in_(ids))
    elif table is LlmRequest.__table__:
        part.drop_requests(LlmRequest.id.in_(ids))
    elif table in _COPIES:
        part.drop(table, _is_one_of(table, keys))
    else:
        _clean(part, finder, table, keys)


def _clean(part: Removal, finder: Finder, table: Table, keys: Sequence[tuple[Any, ...]]) -> None:
    connection = part.connection
    mine = select(table).where(_is_one_of(table, keys))
    of_property = columns_of(table, PiiKind.PROPERTY)
    property_ids = {row._mapping[column] for row in connection.execute(mine) for column in of_property} - {None}
    lock_rows(connection, property_ids)
    changed = set[str]()
    for row in connection.execute(mine).all():
        change = cleaned(table, row, finder)
        if change is not None and all(getattr(row, name) == value for name, value in change.items()):
            continue  # another transaction cleaned the row meanwhile
        changed |= {row._mapping[column] for column in of_property} - {None}
        which = _is_one_of(table, [tuple(row._mapping[column] for column in table.primary_key.columns)])
        if change is not None and _put(part, table, which, change):
            part.removed["texts"] += 1
        else:
            part.drop(table, which)
        part.job_ids |= {row.id} if table is Job.__table__ else set()
    for property_id in sorted(changed):
        if not part.dry_run:  # a rebuild does not change the counts, and would lock the feed during the whole dry run
            rebuild(part.database, connection, property_id, changed=True)
        part.job_ids |= set(connection.execute(select(Job.id).where(Job.property_id == property_id)).scalars())


def _put(part: Removal, table: Table, which: Any, change: dict[str, Any]) -> bool:
    try:
        with part.connection.begin_nested():
            part.connection.execute(update(table).where(which).values(change))
    except IntegrityError:
        return False
    return True


def _is_one_of(table: Table, keys: Sequence[tuple[Any, ...]]) -> Any:
    return tuple_(*table.primary_key.columns).in_(keys)
