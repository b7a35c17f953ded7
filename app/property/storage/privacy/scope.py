"""What a purge means: of a URL, a host, a property or an address all properties, hosts and URLs that go with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from app.property.identity import address_keys
from app.property.storage.privacy.general import stored_urls
from app.property.storage.privacy.marks import host_of
from app.property.storage.statements import chunks
from app.property.storage.tables import (
    RECORD_URLS,
    jobs,
    observations,
    page_urls,
    pages,
    properties,
    property_keys,
    records,
)
from app.property.urls.rows import answer_of
from app.property.urls.targets import address_of_target, normalise_target, normalise_url

#: of a row that is found by one of its URLs, those that are ways to the same page
_WAYS = (RECORD_URLS, (page_urls.c.url, page_urls.c.page_url))
#: conditions of one statement
NAMES_AT_ONCE = 50


class PurgeKind(StrEnum):
    """What is named: one page by one of its URLs, all pages of a host and those below it, a property, an address, or a
    person (`privacy/persons.py`)."""

    URL = "url"
    HOST = "host"
    PROPERTY = "property"
    ADDRESS = "address"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Scope:
    """`urls` are targets of any kind, in every spelling in which they are stored, those of `hosts` among them. All are
    sorted."""

    urls: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()

    def is_of_host(self, url: str) -> bool:
        """Whether the URL is of one of the hosts, or of one below."""
        host = host_of(url)
        return any(host == name or host.endswith(f".{name}") for name in self.hosts)


def scope_of(connection: Connection, kind: PurgeKind, name: str) -> Scope:
    """What `name` means; it may be stored nowhere. Raises `InvalidTargetError` for what is no URL or no address."""
    match kind:
        case PurgeKind.URL:
            return _complete(connection, Scope(urls=(normalise_url(name),)))
        case PurgeKind.HOST:
            return _complete(connection, Scope(hosts=(name,)))
        case PurgeKind.PROPERTY:
            return _complete(connection, Scope(properties=(name,)))
        case PurgeKind.ADDRESS:
            return _complete(connection, _of_address(connection, normalise_target(name)))
        case PurgeKind.PERSON:
            raise ValueError("a person is in texts, not in a scope")


def _complete(connection: Connection, named: Scope) -> Scope:
    """`named` with the properties that these were folded into or are made of, all URLs of their pages and of the hosts,
    and all other URLs of those pages."""
    homes = {one for home in named.properties for one in _family(connection, home)}
    urls = {*named.urls, *_of_properties(connection, sorted(homes))}
    for host in named.hosts:
        urls |= set(stored_urls(connection, Scope(hosts=(host,)).is_of_host, host))
    return Scope(tuple(sorted(_ways(connection, urls))), named.hosts, tuple(sorted(homes)))


def _of_address(connection: Connection, target: str) -> Scope:
    """What was looked up for it, and the properties that are filed under it."""
    keys = address_keys(address_of_target(target))
    found = _column(connection, select(jobs.c.property_id).where(jobs.c.target == target)) - {None}
    found |= _column(connection, select(property_keys.c.property_id).where(property_keys.c.key.in_(keys)))
    return Scope((target,), (), tuple(sorted(found)))


def _of_properties(connection: Connection, homes: list[str]) -> set[str]:
    found = set[str]()
    for some in chunks(homes):
        for column, home in (
            (records.c.url, records.c.property_id),
            (observations.c.source_url, observations.c.property_id),
            (jobs.c.target, jobs.c.property_id),
        ):
            found |= _column(connection, select(column).where(home.in_(some)))
    return found


def _family(connection: Connection, property_id: str) -> set[str]:
    """The property, what it was folded into, and all that were folded into that."""
    home = _column(connection, select(properties.c.merged_into).where(properties.c.id == property_id)) - {None}
    head = home.pop() if home else property_id
    mine = or_(properties.c.id == head, properties.c.merged_into == head)
    return {property_id} | _column(connection, select(properties.c.id).where(mine))


def _ways(connection: Connection, urls: set[str]) -> set[str]:
    """`urls`, and all other URLs of their pages."""
    known, new = set[str](), urls
    while new:
        known |= new
        found = set[str]()
        for columns in _WAYS:
            for some in chunks(sorted(new)):
                for row in connection.execute(select(*columns).where(is_any(columns, some))):
                    found |= {url for url in row if url}
        new = (found | _ends(connection, known) | _rows(connection, new)) - known
    return known


def _rows(connection: Connection, urls: set[str]) -> set[str]:
    """The answers that list the properties which `urls` name, and all properties that were read from these: an answer
    is one page, and goes whole."""
    found = {answer_of(url) for url in urls}
    for some in chunks(sorted(found), NAMES_AT_ONCE):
        for column in (records.c.url, observations.c.source_url):
            below = or_(*(column.startswith(f"{url}#", autoescape=True) for url in some))
            found |= _column(connection, select(column).where(below).distinct())
    return found


def _ends(connection: Connection, urls: set[str]) -> set[str]:
    """Where `urls` redirected to, but for the ends of others as well: a page of errors, a sign-in."""
    found = set[str]()
    for some in chunks(sorted(urls)):
        found |= _column(connection, select(pages.c.final_url).where(pages.c.url.in_(some)))
    shared = set[str]()
    for some in chunks(sorted(found - urls)):
        rows = connection.execute(select(pages.c.final_url, pages.c.url).where(pages.c.final_url.in_(some)))
        shared |= {row.final_url for row in rows if row.url not in urls and row.url != row.final_url}
    return found - shared


def _column(connection: Connection, query: Any) -> set[Any]:
    return set(connection.execute(query).scalars())


def is_any(columns: Iterable[ColumnElement[Any]], values: Any) -> ColumnElement[bool]:
    """One of `columns` is one of `values`."""
    return or_(*(column.in_(values) for column in columns))
