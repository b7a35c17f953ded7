"""Changes between rows and the shapes that others see: what is told, what stands to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from app.errors.targets import InvalidTargetError
from app.property.change_belief import Candidate
from app.property.changes import Said
from app.property.record import Evidence
from app.property.storage.tables import RECORD_URLS, records
from app.property.urls.targets import normalise_url


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was told. `old` and `old_evidence` are None where nothing was said before; `context` has what the
    values mean nothing without (`{"old": {"X_Currency": "USD"}, "new": ...}`), `why` says in words why it was believed.
    """

    position: int
    id: str
    property: str
    field: str
    old: Any
    new: Any
    old_evidence: Mapping[str, Any] | None
    new_evidence: Mapping[str, Any]
    context: Mapping[str, Mapping[str, Any]]
    why: str
    seen_at: datetime
    told_at: datetime

    def as_json(self) -> dict[str, Any]:
        """The shape that the doors and the webhook show: JSON types only, times in ISO 8601."""
        return {
            "id": self.id,
            "property": self.property,
            "field": self.field,
            "old": self.old,
            "new": self.new,
            "context": {side: dict(values) for side, values in self.context.items()},
            "old_evidence": dict(self.old_evidence) if self.old_evidence is not None else None,
            "new_evidence": dict(self.new_evidence),
            "why": self.why,
            "seen_at": self.seen_at.isoformat(),
            "told_at": self.told_at.isoformat(),
        }


def change_of(row: Row[Any]) -> Change:
    """The change that a row of `changes` holds."""
    return Change(
        position=row.position,
        id=row.id,
        property=row.property_id,
        field=row.field,
        old=row.old_value,
        new=row.new_value,
        old_evidence=row.old_evidence,
        new_evidence=row.new_evidence,
        context=row.context,
        why=row.why,
        seen_at=row.seen_at,
        told_at=row.told_at,
    )


def said_json(old: Said | None, new: Said) -> dict[str, Any]:
    """Both sides as columns of either table."""
    return {
        "old_value": old.value if old is not None else None,
        "new_value": new.value,
        "old_evidence": old.proof.model_dump(mode="json") if old is not None else None,
        "new_evidence": new.proof.model_dump(mode="json"),
        "context": {"old": dict(old.context) if old is not None else {}, "new": dict(new.context)},
    }


def old_of(row: Row[Any]) -> Said | None:
    """What was said before, by a row of either table."""
    if row.old_evidence is None:
        return None
    return Said(row.old_value, Evidence.model_validate(row.old_evidence), row.context["old"])


def candidate_of(row: Row[Any]) -> Candidate:
    """The candidate that a row of `change_candidates` holds; what others do is not known here."""
    new = Said(row.new_value, Evidence.model_validate(row.new_evidence), row.context["new"])
    return Candidate(row.field, row.url, old_of(row), new, row.seen_at, row.looked_at, row.looks)


def pages_of(connection: Connection, property_id: str, said: Iterable[Said | None]) -> str:
    """The pages that these were read on, by each URL that they are known by, every one between blanks."""
    found = set[str]()
    for one in said:
        if one is not None:
            found |= {one.proof.source_url, _spelled(one.proof.source_url)}
    named = or_(*(way.in_(sorted(found)) for way in RECORD_URLS))
    for row in connection.execute(select(*RECORD_URLS).where(records.c.property_id == property_id, named)):
        found |= {url for url in row if url}
    return f" {' '.join(sorted(found))} "


def _spelled(url: str) -> str:
    try:
        return normalise_url(url)
    except InvalidTargetError:
        return url
