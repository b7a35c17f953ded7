"""The catalog of personal data: for each table column, the kind of personal data that it can contain.

Purges use this catalog to find the data that they must remove. Columns declare their kind by their type
(`storage/types.py`). A test fails if a text column declares no kind.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, LargeBinary, Table, Text


class PiiKind(StrEnum):
    NOTHING = "nothing"  # no personal data: ids, times, numbers, hashes, codes, facts about API keys
    OPERATOR = "operator"  # name of the person who performed an action, kept for accountability
    TARGET = "target"  # one URL or address, normalized by `urls/targets.py`
    URLS = "urls"  # several URLs, each between blanks
    KEY = "key"  # a property's key, made from URLs, addresses, and numbers
    PROPERTY = "property"  # the id of a property
    JOB = "job"  # the id of a job
    BODY = "body"  # the hash of a page's body
    TEXT = "text"  # text or JSON from pages, models, or users
    COPY = "copy"  # a compressed body


#: The kinds that are searched for a person's name. Keys need no search, because they are made from searched columns.
NAMING = (PiiKind.TEXT, PiiKind.TARGET, PiiKind.URLS)
_IDS = {"properties.id": PiiKind.PROPERTY, "jobs.id": PiiKind.JOB, "blobs.sha256": PiiKind.BODY}


def pii_kind(column: Column[Any]) -> PiiKind:
    """Return the declared kind of a column, else the kind of the column that it is or references.

    Other columns count as `COPY` (binary), `TEXT` (text or JSON), or `NOTHING`.
    """
    if "pii" in column.info:
        return PiiKind(column.info["pii"])
    names = {str(column), *(key.target_fullname for key in column.foreign_keys)}
    by_default = PiiKind.COPY if isinstance(column.type, LargeBinary) else PiiKind.NOTHING
    by_default = PiiKind.TEXT if isinstance(column.type, Text | JSON) else by_default
    return next((_IDS[name] for name in names if name in _IDS), by_default)


def columns_of(table: Table, *kinds: PiiKind) -> list[Column[Any]]:
    return [column for column in table.columns if pii_kind(column) in kinds]
