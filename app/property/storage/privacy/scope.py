"""The scope of a purge: all URLs, hosts, and properties whose data is removed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Row, Select, and_, false, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.property.merging.identity import address_keys
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job
from app.property.storage.pages.tables import PageAlias, PageCopy
from app.property.storage.privacy.pii_catalog import PiiKind, columns_of
from app.property.storage.privacy.suppressions import host_of
from app.property.storage.properties.tables import RECORD_URLS, Observation, Property, PropertyKey, SourceRow
from app.property.storage.statements import chunks
from app.property.storage.tables import metadata
from app.property.urls.rows import answer_of
from app.property.urls.targets import address_of_target, normalize_target, normalize_url

#: Groups of columns whose URLs, in one row, belong to the same page.
_SAME_PAGE = (RECORD_URLS, (PageAlias.url, PageAlias.page_url))
#: Maximum number of URL conditions per statement.
_AT_ONCE = 50
_PAGE = 2000
#: Punctuation around a URL in a sentence.
_AROUND_URL = "(.,:;!?)'\""


class PurgeKind(StrEnum):
    """What a purge removes. `URL` is a page, named by any of its URLs. `HOST` includes subdomains."""

    URL = "url"
    HOST = "host"
    PROPERTY = "property"
    ADDRESS = "address"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Scope:
    """The data that a purge removes.

    `urls` are targets of any kind, in every stored spelling, and include the URLs on `hosts`. A URL comes after the URL
    by which it was found. The URLs are deleted in reverse order, so that after an interruption the first URL still
    leads to the others.
    """

    urls: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    #: Whether the first of `urls` is an address. If so, the properties at this address are purged too.
    at_address: bool = False
    #: Whether `urls` are unrelated. A page to which several of them redirect then counts as shared, and stays.
    one_by_one: bool = False

    def is_of_host(self, url: str) -> bool:
        host = host_of(url)
        return any(host == name or host.endswith(f".{name}") for name in self.hosts)


def names_page(text: str, urls: Set[str], scope: Scope) -> bool:
    """Return whether a word in `text` is one of `urls` or a URL on the scope's hosts."""
    words = {part for word in text.split() for part in (word, word.strip(_AROUND_URL))}
    return not urls.isdisjoint(words) or any(scope.is_of_host(word) for word in words)


def named_scope(kind: PurgeKind, name: str) -> Scope:
    """Return a scope with `name` only; `complete` extends it.

    Raises `InvalidTargetError` for an invalid URL or address.
    """
    match kind:
        case PurgeKind.URL:
            return Scope(urls=(normalize_url(name),))
        case PurgeKind.HOST:
            return Scope(hosts=(name,))
        case PurgeKind.PROPERTY:
            return Scope(properties=(name,))
        case PurgeKind.ADDRESS:
            target = normalize_target(name)
            address_of_target(target)
            return Scope(urls=(target,), at_address=True)
        case PurgeKind.PERSON:
            raise ValueError("a person has no scope")


def stored_urls(database: Database, is_wanted: Callable[[str], bool]) -> list[str]:
    """Return the stored URLs, in any table, that `is_wanted` accepts."""
    columns = (column for table in metadata.sorted_tables for column in columns_of(table, PiiKind.TARGET, PiiKind.URLS))
    words = (word for column in columns for row in rows_of(database, column) for word in (row[-1] or "").split())
    return sorted({word for word in words if "://" in word and is_wanted(word)})


def rows_of(
    database: Database,
    *columns: Any,
    only: Sequence[ColumnElement[bool]] = (),
    at_once: int = _PAGE,
    after: tuple[Any, ...] | None = None,
) -> Iterator[Row[Any]]:
    """Yield rows of a table, ordered by primary key. A row has the primary key's columns, then `columns`.

    Begin after the primary key `after`, if given. Each chunk of `at_once` rows has its own read transaction.
    """
    key = list(columns[0].table.primary_key.columns)
    query, last = select(*key, *columns).where(*only).order_by(*key).limit(at_once), after or None
    while True:
        with database.reading() as connection:
            rows = connection.execute(query if last is None else query.where(tuple_(*key) > last)).all()
        yield from rows
        if len(rows) < at_once:
            return
        last = tuple(rows[-1][: len(key)])


def complete(connection: Connection, scope: Scope) -> Scope:
    """Return `scope` with properties merged with its properties, and with all URLs of their pages."""
    property_ids = set(scope.properties)
    if scope.at_address:
        property_ids |= _at_address(connection, scope.urls[0])
    property_ids = _with_merged(connection, property_ids)
    named = (*scope.urls, *sorted(_of_properties(connection, property_ids)))
    groups = [[url] for url in named] if scope.one_by_one else [named]
    urls = dict.fromkeys(url for group in groups for url in _urls_of_pages(connection, dict.fromkeys(group)))
    return replace(scope, urls=tuple(urls), properties=tuple(sorted(property_ids)))


def _at_address(connection: Connection, target: str) -> set[str]:
    keys = address_keys(address_of_target(target))
    found = _column(connection, select(Job.property_id).where(Job.target == target))
    return found | _column(connection, select(PropertyKey.property_id).where(PropertyKey.key.in_(keys)))


def _with_merged(connection: Connection, property_ids: set[str]) -> set[str]:
    canonical = select(func.coalesce(Property.merged_into, Property.id))
    canonical_ids = _column_where(connection, canonical, Property.id, property_ids)
    merged_ids = _column_where(connection, select(Property.id), Property.merged_into, canonical_ids)
    return property_ids | canonical_ids | merged_ids


def _of_properties(connection: Connection, property_ids: set[str]) -> set[str]:
    columns = (
        (SourceRow.url, SourceRow.property_id),
        (Observation.source_url, Observation.property_id),
        (Job.target, Job.property_id),
    )
    return {
        found
        for url, owner in columns
        for found in _column_where(connection, select(url).distinct(), owner, property_ids)
    }


def _urls_of_pages(connection: Connection, urls: Iterable[str]) -> tuple[str, ...]:
    """Return `urls` and the other URLs of their pages. A URL comes after the URL by which it was found."""
    known, new = dict[str, None](), list(urls)
    while new:
        known.update(dict.fromkeys(new))
        found = set[str]()
        for columns in _SAME_PAGE:
            for some in chunks(new):
                for row in connection.execute(select(*columns).where(is_any(columns, some))):
                    found |= {url for url in row if url}
        new = sorted((found | _ends(connection, known) | _rows(connection, new)) - known.keys())
    return tuple(known)


def _rows(connection: Connection, urls: Iterable[str]) -> set[str]:
    found = {answer_of(url) for url in urls}
    for some in chunks(sorted(found), _AT_ONCE):
        for column in (SourceRow.url, Observation.source_url):
            below = or_(*(_is_below(connection, column, url) for url in some))
            found |= _column(connection, select(column).where(below).distinct())
    return found


def _is_below(connection: Connection, column: Any, url: str) -> ColumnElement[bool]:
    """Return the condition that `column` is `url` with a fragment, as a range, so that an index can be used."""
    least, less = (">=", "<") if connection.dialect.name == "sqlite" else ("~>=~", "~<~")
    return and_(column.bool_op(least)(f"{url}#"), column.bool_op(less)(f"{url}{chr(ord('#') + 1)}"))


def _ends(connection: Connection, urls: Iterable[str]) -> set[str]:
    """Return the URLs to which only `urls` redirect. A shared sign-in page, for example, is left out."""
    mine, found, shared = set(urls), set[str](), set[str]()
    for some in chunks(sorted(mine)):
        found |= _column(connection, select(PageCopy.final_url).where(PageCopy.url.in_(some)).distinct())
    for some in chunks(sorted(found - mine)):
        ends = select(PageCopy.final_url, PageCopy.url).where(PageCopy.final_url.in_(some)).distinct()
        rows = connection.execute(ends).all()
        shared |= {row.final_url for row in rows if row.url not in mine and row.url != row.final_url}
    return found - shared


def _column(connection: Connection, query: Executable) -> set[Any]:
    return set(connection.execute(query).scalars()) - {None}


def _column_where(
    connection: Connection, query: Select[Any], column: InstrumentedAttribute[Any], values: Collection[str]
) -> set[Any]:
    return {found for some in chunks(sorted(values)) for found in _column(connection, query.where(column.in_(some)))}


def is_any(columns: Iterable[Any], values: Any) -> ColumnElement[bool]:
    return or_(false(), *(column.in_(values) for column in columns))
