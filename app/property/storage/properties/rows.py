"""Properties and records between rows, values and the shape that the doors show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from app.property.merge import Merged
from app.property.record import Evidence, PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.jobs.models import Tried


def source_record(row: Row[Any]) -> SourceRecord:
    """What a row of `records` says."""
    return SourceRecord(
        url=row.url,
        final_url=row.final_url,
        kind=PageKind(row.kind),
        content_sha256=row.content_sha256,
        fetched_at=row.fetched_at,
        values=row.record,
        evidence={name: Evidence.model_validate(proof) for name, proof in row.evidence.items()},
        page_url=row.page_url,
        checked_at=row.checked_at,
        source_kind=SourceKind(row.source_kind) if row.source_kind else None,
    )


def evidence_json(evidence: Iterable[tuple[str, Evidence]]) -> dict[str, Any]:
    """Evidence by field, JSON types only."""
    return {name: proof.model_dump(mode="json") for name, proof in evidence}


def conflicts_json(merged: Merged) -> list[dict[str, Any]]:
    """`[{"field", "chosen": value, "evidence": [chosen first, then the others], "reasons": [why, in that order],
    "verdicts": ["won", then "agrees", "older" or "conflict"]}]`."""
    return [
        {
            "field": name,
            "chosen": merged.values[name],
            "evidence": [say.proof.model_dump(mode="json") for say in says],
            "reasons": [say.reason for say in says],
            "verdicts": [str(say.verdict) for say in says],
        }
        for name, says in merged.conflicts.items()
    ]


def shown(
    row: Row[Any],
    sources: Sequence[Row[Any]],
    replaced: list[str],
    heard: list[dict[str, Any]],
    tried: Sequence[Tried],
) -> dict[str, Any]:
    """A property, the rows of its records, the ids it replaces, what was only said of it and what was tried for it in
    the shape of `PropertyStore.get`."""
    return {
        "property": row.id,
        "record": row.record,
        "evidence": row.evidence,
        "as_of": as_of_values(row.evidence, {s.content_sha256: s.checked_at or s.fetched_at for s in sources}),
        "sources": [
            {
                "url": source.url,
                "final_url": source.final_url,
                "kind": source.kind,
                "source_kind": source.source_kind,
                "page_url": source.page_url,
                "fetched_at": source.fetched_at.isoformat(),
                "checked_at": source.checked_at.isoformat() if source.checked_at else None,
                "content_sha256": source.content_sha256,
                "wanted_model": source.wanted_model,
                "model_note": source.model_note,
            }
            for source in sources
        ],
        "conflicts": row.conflicts,
        "unverified": heard,
        "tried": [one.as_json() for one in tried],
        "replaces": replaced,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def as_of_values(evidence: Mapping[str, Mapping[str, Any]], bodies: Mapping[str, datetime]) -> dict[str, str]:
    """When each value was last known to hold: by the page that it was read on (`bodies`: moments by content hash).

    A derived value has the evidence of the least sure of its inputs.
    """
    found = {name: bodies.get(proof["content_sha256"]) for name, proof in evidence.items()}
    return {name: at.isoformat() if at else str(evidence[name]["fetched_at"]) for name, at in found.items()}
