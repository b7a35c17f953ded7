"""Return properties as the API and the web pages show them: with sources, claims, attempts, and merged ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select
from sqlalchemy.orm import defer

from app.property.storage.jobs.attempts import tried_for
from app.property.storage.properties.source_records import by_property
from app.property.storage.properties.tables import Property, SourceRow, Unverified
from app.property.storage.statements import entities


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """A filter of properties. All `words` must occur, in any letter case. `status` is a RESO status (None: any)."""

    words: str = ""
    status: str | None = None
    conflicts_only: bool = False

    def condition(self) -> ColumnElement[bool]:
        words = self.words.lower().split()
        parts: list[ColumnElement[bool]] = [Property.search_text.contains(word, autoescape=True) for word in words]
        if self.status is not None:
            parts.append(Property.standard_status == self.status)
        if self.conflicts_only:
            parts.append(Property.conflict_count > 0)
        return and_(True, *parts)


def views(connection: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Return `rows` in the shape of `PropertyStore.get`, in the same order. Runs one query per related table."""
    ids = [row.id for row in rows]
    # the values and evidence of single sources are large and not shown, so do not load them
    shown = select(SourceRow).options(defer(SourceRow.record), defer(SourceRow.evidence))
    shown = shown.where(SourceRow.property_id.in_(ids)).order_by(SourceRow.fetched_at, SourceRow.id)
    sources = by_property(ids, entities(connection, shown))
    claimed = select(Unverified).where(Unverified.property_id.in_(ids)).order_by(Unverified.field, Unverified.url)
    claims = by_property(ids, entities(connection, claimed))
    merged = select(Property.id, Property.merged_into.label("property_id")).where(Property.merged_into.in_(ids))
    replaced = by_property(ids, connection.execute(merged.order_by(Property.id)))
    tried = tried_for(connection, ids)
    return [
        {
            "property": row.id,
            "record": row.record,
            "evidence": row.evidence,
            "as_of": _as_of(row.evidence, {s.content_sha256: s.checked_at or s.fetched_at for s in sources[row.id]}),
            "sources": [source.as_json() for source in sources[row.id]],
            "conflicts": row.conflicts,
            "unverified": [claim.as_json() for claim in claims[row.id]],
            "tried": [one.as_json() for one in tried.get(row.id, ())],
            "replaces": [one.id for one in replaced[row.id]],
            "created_at": row.created_at.isoformat(),
            "updated_at": row.updated_at.isoformat(),
        }
        for row in rows
    ]


def _as_of(evidence: Mapping[str, Mapping[str, Any]], bodies: Mapping[str, datetime]) -> dict[str, str]:
    """Return for each field the last time when its value was known to be on the page.

    `bodies` maps the hash of each current record's body to this time. A value whose body belongs to no current record
    gets the time when that body was fetched.
    """
    found = {name: bodies.get(proof["content_sha256"]) for name, proof in evidence.items()}
    return {name: at.isoformat() if at else str(evidence[name]["fetched_at"]) for name, at in found.items()}
