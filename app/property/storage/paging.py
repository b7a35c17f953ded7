"""Keyset pagination: a cursor contains the sort key of a page's last row, and the next page begins after it.

Therefore, rows that are added or removed meanwhile do not shift the pages.
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.errors.requests import InvalidCursorError
from app.property.storage.types import UtcDateTime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: The largest valid time in a cursor: the end of the year 9999, in microseconds since 1970.
_MOST = 253_402_300_800_000_000
_LONGEST_ID = 64

AnyColumn = ColumnElement[Any] | InstrumentedAttribute[Any]
Place = tuple[datetime | int | str, ...]


@dataclass(frozen=True, slots=True)
class Page[T]:
    items: list[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """The sort order of a list. The last of `columns` must be unique.

    A cursor contains `name`, so one of another list raises `InvalidCursorError`.
    """

    name: str
    columns: tuple[AnyColumn, ...]
    descending: bool = False

    def page_query(self, query: Select[Any], cursor: str | None, limit: int) -> Select[Any]:
        """Sort `query`, and limit it to the page after `cursor` (None: the first page) plus one row.

        The extra row shows whether another page follows. Raises `InvalidCursorError`.
        """
        order = (column.desc() if self.descending else column.asc() for column in self.columns)
        return (self.after(query, cursor) if cursor is not None else query).order_by(*order).limit(limit + 1)

    def after(self, query: Select[Any], cursor: str) -> Select[Any]:
        """Restrict `query` to rows after `cursor`. Raises `InvalidCursorError`."""
        here, place = tuple_(*self.columns), _decoded(self, cursor)
        return query.where(here < place if self.descending else here > place)

    def next_cursor(self, rows: Sequence[Any], limit: int) -> str | None:
        """Return the cursor after the first `limit` of `rows` (of a `page_query`), or None if no more rows follow."""
        if len(rows) <= limit:
            return None
        return self.cursor(tuple(getattr(rows[limit - 1], str(column.key)) for column in self.columns))

    def cursor(self, place: Place) -> str:
        parts = [(part - _EPOCH) // _MICROSECOND if isinstance(part, datetime) else part for part in place]
        return base64.urlsafe_b64encode(json.dumps([self.name, *parts]).encode()).rstrip(b"=").decode()


def every[T](page: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """Yield the items of all pages. `page` returns the page after a cursor (None: the first page)."""
    found = page(None)
    yield from found.items
    while found.next_cursor is not None:
        found = page(found.next_cursor)
        yield from found.items


def _decoded(order: Order, cursor: str) -> Place:
    try:
        name, *parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        place = tuple(_part(column, part) for column, part in zip(order.columns, parts, strict=True))
    except (ValueError, TypeError, RecursionError) as exc:
        raise InvalidCursorError(order.name) from exc
    if name != order.name:
        raise InvalidCursorError(order.name)
    return place


def _part(column: AnyColumn, part: object) -> datetime | int | str:
    if isinstance(column.type, String):
        if isinstance(part, str) and part.isascii() and part.isalnum() and len(part) <= _LONGEST_ID:
            return part
    elif type(part) is int and 0 <= part < _MOST:
        if isinstance(column.type, UtcDateTime):
            return _EPOCH + part * _MICROSECOND
        if part < 2**31:
            return part
    raise ValueError(column.key)
