"""The catalog of personal data: what kind of personal data each table column can contain.

Purges use it to find the data to remove. A column declares its kind by its type (`storage/types.py`). A test fails if a
text column declares no kind.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, LargeBinary, Table, Text


class PiiKind(StrEnum):
    NOTHING = "nothing"  # no personal data: ids, times, numbers, hashes, codes, or facts about API keys
    OPERATOR = "operator"  # name of a person who performed an action; kept for accountability
    TARGET = "target"  # one URL or address, normalized by `urls/targets.py`
    URLS = "urls"  # several URLs, separated by blanks
    KEY = "key"  # a property's key, made from URLs, addresses, and numbers
    PROPERTY = "property"
    JOB = "job"
    BODY = "body"
    TEXT = "text"  # text or JSON from pages, models, or users
    COPY = "copy"


#: Kinds of columns that are searched for a person's name. The kind `KEY` is not searched, because keys are made from
#: these columns.
NAMING = (PiiKind.TEXT, PiiKind.TARGET, PiiKind.URLS)
_IDS = {"properties.id": PiiKind.PROPERTY, "jobs.id": PiiKind.JOB, "blobs.sha256": PiiKind.BODY}


def pii_kind(column: Column[Any]) -> PiiKind:
    """Return the kind that the column declares, or else the kind of an id that it is or references.

    Otherwise, return `COPY` (binary), `TEXT` (text or JSON), or `NOTHING`.
    """
    if "pii" in column.info:
        return PiiKind(column.info["pii"])
    names = {str(column), *(key.target_fullname for key in column.foreign_keys)}
    by_default = PiiKind.COPY if isinstance(column.type, LargeBinary) else PiiKind.NOTHING
    by_default = PiiKind.TEXT if isinstance(column.type, Text | JSON) else by_default
    return next((_IDS[name] for name in names if name in _IDS), by_default)


def columns_of(table: Table, *kinds: PiiKind) -> list[Column[Any]]:
    return [column for column in table.columns if pii_kind(column) in kinds]
