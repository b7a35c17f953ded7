"""The catalog of personal data: what each column can store about people, properties, and sites.

Purges use this catalog to find the data that they must remove. The kinds are declared on the columns
(`storage/types.py`); a test fails for a text column without a kind.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, LargeBinary, Table, Text


class PiiKind(StrEnum):
    """The kind of personal data that a column can contain."""

    NOTHING = "nothing"  # ids, times, numbers, hashes, codes of this project, facts about keys
    OPERATOR = "operator"  # the person who performed an action, kept for accountability
    TARGET = "target"  # one URL or address, spelled as a target
    URLS = "urls"  # several URLs, each between blanks
    KEY = "key"  # a key of a property, made from URLs, addresses, and numbers
    PROPERTY = "property"  # the id of a property
    JOB = "job"  # the id of a job
    BODY = "body"  # the hash of a page's body
    TEXT = "text"  # text or JSON from pages, models, or users
    COPY = "copy"  # a compressed body


#: The kinds that can name a person. KEY is not among them, because a key repeats text of its property's records.
NAMING = (PiiKind.TEXT, PiiKind.TARGET, PiiKind.URLS)
_IDS = {"properties.id": PiiKind.PROPERTY, "jobs.id": PiiKind.JOB, "blobs.sha256": PiiKind.BODY}


def pii_kind(column: Column[Any]) -> PiiKind:
    """Return the declared kind of a column, else that of the column it references; `TEXT` for undeclared text."""
    if "pii" in column.info:
        return PiiKind(column.info["pii"])
    names = {str(column), *(key.target_fullname for key in column.foreign_keys)}
    by_default = PiiKind.COPY if isinstance(column.type, LargeBinary) else PiiKind.NOTHING
    by_default = PiiKind.TEXT if isinstance(column.type, Text | JSON) else by_default
    return next((_IDS[name] for name in names if name in _IDS), by_default)


def columns_of(table: Table, *kinds: PiiKind) -> list[Column[Any]]:
    """Return the columns of `table` of these kinds."""
    return [column for column in table.columns if pii_kind(column) in kinds]
