"""What each column of each table can hold of people, properties and sites: what a purge has to reach.

Columns say it themselves (`storage/types.py`); a test finds those that do not, so that a new one cannot be forgotten.
Purges and `privacy/ages.py` go by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, LargeBinary, Table, Text

from app.property.storage.tables import metadata


class Holds(StrEnum):
    """What a column can hold.

    nothing: ids, times, numbers, hashes, codes of ours, facts of keys · operator: who did something, kept as the
    account of it · target: one URL or address in the spelling of a target · urls: several, with blanks around each ·
    key: what a property is filed under, made of URLs, addresses and numbers · property, job, body: the id of one, the
    hash of a page's body · text: words of pages, models or users, as text or JSON · copy: a packed body.
    """

    NOTHING = "nothing"
    OPERATOR = "operator"
    TARGET = "target"
    URLS = "urls"
    KEY = "key"
    PROPERTY = "property"
    JOB = "job"
    BODY = "body"
    TEXT = "text"
    COPY = "copy"


#: in these a person can be named
NAMING = (Holds.TARGET, Holds.URLS, Holds.KEY, Holds.TEXT)
#: a row that names a purged person goes, since it is a copy of what can be had again; elsewhere the name is taken out
_COPIES = ("blobs", "llm_cache", "llm_requests", "recipes")
#: rows go with their property, job, target or URLs, without any code of their own
_OF_OTHERS = ("job_attempts", "watches")
#: both
_COPIES_OF_OTHERS = ("recipe_examples", "changes")
#: the columns that say which field of a record a row tells of, and when that was seen
_DATED = {
    "observations": ("field", "observed_at"),
    "unverified": ("field", "seen_at"),
    "changes": ("field", "updated_at"),
}
_IDS = {"properties.id": Holds.PROPERTY, "jobs.id": Holds.JOB, "blobs.sha256": Holds.BODY}


@dataclass(frozen=True, slots=True)
class Holding:
    """One table. Rows of fields that name people go when they are too old: `field` and `at` name the columns that say
    which field a row tells of, and when that was seen."""

    table: Table
    columns: Mapping[str, Holds]
    goes_whole: bool
    in_general: bool
    field: str | None
    at: str | None

    def of(self, *kinds: Holds) -> list[Column[Any]]:
        """The columns that hold one of `kinds`."""
        return [self.table.c[name] for name, holds in self.columns.items() if holds in kinds]


def _held(column: Column[Any]) -> Holds:
    """What the column says, or what it refers to. Words of which nobody said what they are may name anybody."""
    if "pii" in column.info:
        return Holds(column.info["pii"])
    names = {str(column), *(key.target_fullname for key in column.foreign_keys)}
    by_default = Holds.COPY if isinstance(column.type, LargeBinary) else Holds.NOTHING
    by_default = Holds.TEXT if isinstance(column.type, Text | JSON) else by_default
    return next((_IDS[name] for name in names if name in _IDS), by_default)


def _holding(table: Table) -> Holding:
    columns = {column.name: _held(column) for column in table.columns}
    field, at = _DATED.get(table.name, (None, None))
    goes_whole = table.name in _COPIES or table.name in _COPIES_OF_OTHERS
    in_general = table.name in _OF_OTHERS or table.name in _COPIES_OF_OTHERS
    return Holding(table, columns, goes_whole, in_general, field, at)


HOLDINGS = tuple(_holding(table) for table in metadata.sorted_tables)
