"""Turns records and merged values into columns, and rows into records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row

from app.property.fields.table import FIELDS
from app.property.merge import Merged
from app.property.record import Evidence, PageKind, SourceKind
from app.property.source_record import SourceRecord

#: the fields whose words are searched
SEARCHED = tuple(name for name, spec in FIELDS.items() if spec.searched)
#: the field that properties are filtered by
STATUS = "StandardStatus"


def source_record(row: Row[Any]) -> SourceRecord:
    """Return what a row of `source_records` says."""
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
    """Return evidence by field, JSON types only."""
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


def search_row(record: Mapping[str, Any], urls: Iterable[str], conflicts: int) -> dict[str, Any]:
    """Return the columns of `properties` that searching uses. Words are lower-cased here, since SQLite and PostgreSQL
    differ on letters beyond ASCII."""
    words = [str(record[name]) for name in SEARCHED if record.get(name)]
    return {
        "search_text": " ".join([*words, *urls]).lower(),
        "standard_status": str(record[STATUS])[:32] if record.get(STATUS) else None,
        "conflict_count": conflicts,
    }
