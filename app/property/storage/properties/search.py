"""What a property is found by: words of its address and ids, its status, and whether its pages disagree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_

from app.property.fields.table import FIELDS
from app.property.storage.tables import properties

#: the fields whose words are searched
SEARCHED = tuple(name for name, spec in FIELDS.items() if spec.searched)
#: the field that properties are filtered by
STATUS = "StandardStatus"


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """Every word of `words` must occur, small or capital; `status` is one of RESO's; None: any."""

    words: str = ""
    status: str | None = None
    conflicts_only: bool = False

    def condition(self) -> ColumnElement[bool]:
        """For a query of `properties`."""
        c = properties.c
        parts: list[ColumnElement[bool]] = [
            c.search_text.contains(word, autoescape=True) for word in self.words.lower().split()
        ]
        if self.status is not None:
            parts.append(c.standard_status == self.status)
        if self.conflicts_only:
            parts.append(c.conflict_count > 0)
        return and_(True, *parts)


def search_row(record: Mapping[str, Any], urls: Iterable[str], conflicts: int) -> dict[str, Any]:
    """The columns of `properties` that searching uses. The words are kept in lower case, of SQLite and PostgreSQL
    alike: neither's own idea of it knows all letters."""
    words = [str(record[name]) for name in SEARCHED if record.get(name)]
    return {
        "search_text": " ".join([*words, *urls]).lower(),
        "standard_status": str(record[STATUS])[:32] if record.get(STATUS) else None,
        "conflict_count": conflicts,
    }
