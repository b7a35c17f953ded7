"""Properties as interfaces show them: with their sources, claims, attempts, and the ids that they replace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select

from app.property.storage.jobs.attempts import tried_for
from app.property.storage.properties.claims import claims_of
from app.property.storage.properties.tables import Property, SourceRow

#: all columns of a source but what it says itself, which is most of it and is not shown
_SHOWN = [column for column in SourceRow.__table__.c if column.name not in ("record", "evidence")]
_OF_SOURCE = (
    *("url", "final_url", "kind", "source_kind", "page_url", "fetched_at", "checked_at", "content_sha256"),
    *("wanted_model", "model_note"),
)


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """Every word of `words` must occur, small or capital; `status` is one of RESO's; None: any."""

    words: str = ""
    status: str | None = None
    conflicts_only: bool = False

    def condition(self) -> ColumnElement[bool]:
        """For a query of `properties`."""
        words = self.words.lower().split()
        parts: list[ColumnElement[bool]] = [Property.search_text.contains(word, autoescape=True) for word in words]
        if self.status is not None:
            parts.append(Property.standard_status == self.status)
        if self.conflicts_only:
            parts.append(Property.conflict_count > 0)
        return and_(True, *parts)


@dataclass(frozen=True, slots=True)
class SourceValues:
    """The values of one source by field, and the evidence of each as JSON; `url` names the source in `sources`."""

    url: str
    values: dict[str, Any]
    evidence: dict[str, Any]


def views(connection: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Return `rows` in the shape of `PropertyStore.get`, in their order; one query for each kind of what belongs to
    them."""
    ids = [row.id for row in rows]
    sources: dict[str, list[Row[Any]]] = {home: [] for home in ids}
    mine = select(*_SHOWN).where(SourceRow.property_id.in_(ids)).order_by(SourceRow.fetched_at, SourceRow.id)
    for source in connection.execute(mine):
        sources[source.property_id].append(source)
    replaced: dict[str, list[str]] = {home: [] for home in ids}
    gone = select(Property.id, Property.merged_into).where(Property.merged_into.in_(ids)).order_by(Property.id)
    for row in connection.execute(gone):
        replaced[row.merged_into].append(row.id)
    claims, tried = claims_of(connection, ids), tried_for(connection, ids)
    return [
        {
            "property": row.id,
            "record": row.record,
            "evidence": row.evidence,
            "as_of": _as_of(row.evidence, {s.content_sha256: s.checked_at or s.fetched_at for s in sources[row.id]}),
            "sources": [{name: _plain(getattr(source, name)) for name in _OF_SOURCE} for source in sources[row.id]],
            "conflicts": row.conflicts,
            "unverified": claims[row.id],
            "tried": [one.as_json() for one in tried.get(row.id, ())],
            "replaces": replaced[row.id],
            "created_at": row.created_at.isoformat(),
            "updated_at": row.updated_at.isoformat(),
        }
        for row in rows
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _as_of(evidence: Mapping[str, Mapping[str, Any]], bodies: Mapping[str, datetime]) -> dict[str, str]:
    """When each value was last known to hold: by the page that it was read on (`bodies`: moments by content hash).

    A derived value has the evidence of the least sure of its inputs.
    """
    found = {name: bodies.get(proof["content_sha256"]) for name, proof in evidence.items()}
    return {name: at.isoformat() if at else str(evidence[name]["fetched_at"]) for name, at in found.items()}
