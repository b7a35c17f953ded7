"""What each column of each table can hold of people, properties and sites: what a purge has to reach.

Columns say it themselves (`storage/types.py`); a test finds those that do not, so that a new one cannot be forgotten.
Purges go by it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, LargeBinary, Table, Text


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


#: in these a person can be named; keys of properties are made of what the same rows hold, and go with these
NAMING = (Holds.TEXT, Holds.TARGET, Holds.URLS)
_IDS = {"properties.id": Holds.PROPERTY, "jobs.id": Holds.JOB, "blobs.sha256": Holds.BODY}


def held(column: Column[Any]) -> Holds:
    """What the column says, or what it refers to. Words of which nobody said what they are may name anybody."""
    if "pii" in column.info:
        return Holds(column.info["pii"])
    names = {str(column), *(key.target_fullname for key in column.foreign_keys)}
    by_default = Holds.COPY if isinstance(column.type, LargeBinary) else Holds.NOTHING
    by_default = Holds.TEXT if isinstance(column.type, Text | JSON) else by_default
    return next((_IDS[name] for name in names if name in _IDS), by_default)


def columns_of(table: Table, *kinds: Holds) -> list[Column[Any]]:
    """Return the columns of `table` that hold one of `kinds`."""
    return [column for column in table.columns if held(column) in kinds]
