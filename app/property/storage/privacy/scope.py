"""What a purge means: of a URL, a host, a property or an address all properties, hosts and URLs that go with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Row, and_, false, func, or_, select, tuple_, union

from app.property.merging.identity import address_keys
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.pages.tables import PageAlias, PageCopy
from app.property.storage.privacy.pii_catalog import PiiKind, columns_of
from app.property.storage.privacy.suppressions import host_of
from app.property.storage.properties.tables import RECORD_URLS, Observation, Property, PropertyKey, SourceRow
from app.property.storage.statements import chunks
from app.property.storage.tables import metadata
from app.property.urls.rows import answer_of
from app.property.urls.targets import address_of_target, normalise_target, normalise_url

#: of a row that is found by one of its URLs, those that are ways to the same page
_WAYS = (RECORD_URLS, (PageAlias.url, PageAlias.page_url))
#: conditions of one statement
_AT_ONCE = 50
#: rows of one look, which holds up nobody
_PAGE = 2000
#: what may stand after a URL in a sentence
_AFTER_URL = ".,:;!?)'\""


class PurgeKind(StrEnum):
    """What is named: one page by one of its URLs, all pages of a host and those below it, a property, an address, or a
    person."""

    URL = "url"
    HOST = "host"
    PROPERTY = "property"
    ADDRESS = "address"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Scope:
    """`urls` are targets of any kind, in every spelling in which they are stored, those of `hosts` among them. Each
    stands behind one that leads to it: without the last ones the first one still leads to all others."""

    urls: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    #: the first of `urls` is an address: all that is known of it is meant
    at_address: bool = False
    #: an end that two of `urls` redirect to is shared, and not purged: they have nothing to do with each other
    one_by_one: bool = False

    def is_of_host(self, url: str) -> bool:
        """Whether the URL is of one of the hosts, or of one below."""
        host = host_of(url)
        return any(host == name or host.endswith(f".{name}") for name in self.hosts)


def names_page(text: str, urls: Set[str], scope: Scope) -> bool:
    """Whether one of `urls` is a word of its own in `text`, or any URL of the scope's hosts is."""
    words = {part for word in text.split() for part in (word, word.rstrip(_AFTER_URL))}
    return not urls.isdisjoint(words) or any(scope.is_of_host(word) for word in words)


def named_scope(kind: PurgeKind, name: str) -> Scope:
    """What is named, and no more. Raises `InvalidTargetError` for what is no URL or no address."""
    match kind:
        case PurgeKind.URL:
            return Scope(urls=(normalise_url(name),))
        case PurgeKind.HOST:
            return Scope(hosts=(name,))
        case PurgeKind.PROPERTY:
            return Scope(properties=(name,))
        case PurgeKind.ADDRESS:
            target = normalise_target(name)
            address_of_target(target)
            return Scope(urls=(target,), at_address=True)
        case PurgeKind.PERSON:
            raise ValueError("a person is in texts, not in a scope")


def stored_urls(database: Database, is_wanted: Callable[[str], bool]) -> list[str]:
    """Return the URLs, in whatever table, that are wanted. All rows are read, which holds up nobody."""
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
    """All rows of the table of `columns`, with its key before these, in the order of the key, or those `after` a key.
    Read a part at a time, each in a transaction of its own."""
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
    """`scope` with the properties that its own were merged into or are made of, all URLs of their pages, and all other
    URLs of all these pages."""
    property_ids = set(scope.properties)
    if scope.at_address:
        property_ids |= _at_address(connection, scope.urls[0])
    property_ids = _families(connection, property_ids)
    named = (*scope.urls, *sorted(_of_properties(connection, property_ids)))
    groups = [[url] for url in named] if scope.one_by_one else [named]
    urls = dict.fromkeys(url for group in groups for url in _ways(connection, dict.fromkeys(group)))
    return replace(scope, urls=tuple(urls), properties=tuple(sorted(property_ids)))


def _at_address(connection: Connection, target: str) -> set[str]:
    """What its jobs brought, and what is filed under it."""
    keys = address_keys(address_of_target(target))
    found = _column(connection, select(JobRow.property_id).where(JobRow.target == target))
    return found | _column(connection, select(PropertyKey.property_id).where(PropertyKey.key.in_(keys)))


def _families(connection: Connection, property_ids: set[str]) -> set[str]:
    """The properties, what they were merged into, and all that were merged into these."""
    head = func.coalesce(Property.merged_into, Property.id)
    heads = _column(connection, select(head).where(Property.id.in_(property_ids)))
    mine = or_(Property.id.in_(heads), Property.merged_into.in_(heads))
    return property_ids | _column(connection, select(Property.id).where(mine))


def _of_properties(connection: Connection, property_ids: set[str]) -> set[str]:
    """All URLs of their pages, and what was asked for them."""
    read = select(SourceRow.url).where(SourceRow.property_id.in_(property_ids))
    observed = select(Observation.source_url).where(Observation.property_id.in_(property_ids))
    asked = select(JobRow.target).where(JobRow.property_id.in_(property_ids))
    return _column(connection, union(read, observed, asked))


def _ways(connection: Connection, urls: Iterable[str]) -> tuple[str, ...]:
    """`urls`, and all other URLs of their pages, behind those that lead there."""
    known, new = dict[str, None](), list(urls)
    while new:
        known.update(dict.fromkeys(new))
        found = set[str]()
        for columns in _WAYS:
            for some in chunks(new):
                for row in connection.execute(select(*columns).where(is_any(columns, some))):
                    found |= {url for url in row if url}
        new = sorted((found | _ends(connection, known) | _rows(connection, new)) - known.keys())
    return tuple(known)


def _rows(connection: Connection, urls: Iterable[str]) -> set[str]:
    """The answers that list the properties which `urls` name, and all properties that were read from these: an answer
    is one page, and goes whole."""
    found = {answer_of(url) for url in urls}
    for some in chunks(sorted(found), _AT_ONCE):
        for column in (SourceRow.url, Observation.source_url):
            below = or_(*(_is_below(connection, column, url) for url in some))
            found |= _column(connection, select(column).where(below).distinct())
    return found


def _is_below(connection: Connection, column: Any, url: str) -> ColumnElement[bool]:
    """It is `url` with a fragment: a range, in the order of bytes, which an index has."""
    least, less = (">=", "<") if connection.dialect.name == "sqlite" else ("~>=~", "~<~")
    return and_(column.bool_op(least)(f"{url}#"), column.bool_op(less)(f"{url}{chr(ord('#') + 1)}"))


def _ends(connection: Connection, urls: Iterable[str]) -> set[str]:
    """Where `urls` redirected to, but for the ends of others as well: a page of errors, a sign-in."""
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


def is_any(columns: Iterable[Any], values: Any) -> ColumnElement[bool]:
    """One of `columns` is one of `values`."""
    return or_(false(), *(column.in_(values) for column in columns))
