"""What a purge reaches by the register alone: all URLs that are stored, and the rows of tables that need no code of
their own (`Holding.in_general`): watches, changes and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, delete, or_, select

from app.property.storage.privacy.pii_catalog import HOLDINGS, Holding, Holds
from app.property.storage.statements import chunks

#: conditions of one statement
_AT_ONCE = 50


def drop_general(
    connection: Connection, *, urls: Sequence[str] = (), property_ids: Sequence[str] = (), job_ids: Sequence[str] = ()
) -> int:
    """Delete what is of one of these; -> how many rows. A row that names several URLs goes with any of them."""
    gone = 0
    for held in _general():
        targets, lists = held.of(Holds.TARGET), held.of(Holds.URLS)
        for columns, names in (
            (targets, urls),
            (held.of(Holds.PROPERTY), property_ids),
            (held.of(Holds.JOB), job_ids),
        ):
            for some in chunks(names if columns else ()):
                gone += _delete(connection, held, (column.in_(some) for column in columns))
        for some in chunks(urls if lists else (), _AT_ONCE):
            gone += _delete(
                connection, held, (one.contains(f" {url} ", autoescape=True) for one in lists for url in some)
            )
    return gone


def stored_urls(connection: Connection, is_meant: Callable[[str], bool], part: str) -> Iterator[str]:
    """URLs and other targets in any table that `is_meant` names, all of which contain `part`."""
    for held in HOLDINGS:
        for column in held.of(Holds.TARGET, Holds.URLS):
            some = select(column).where(column.contains(part, autoescape=True)).distinct()
            for text in connection.execute(some).scalars():
                listed = text.split() if held.columns[column.name] is Holds.URLS else [text]
                yield from (url for url in listed if is_meant(url))


def _general() -> Iterator[Holding]:
    return (held for held in HOLDINGS if held.in_general)


def _delete(connection: Connection, held: Holding, which: Iterable[ColumnElement[bool]]) -> int:
    return connection.execute(delete(held.table).where(or_(*which))).rowcount
