"""Remove names of people, found by a `Finder`, from rows, records, and values."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Table

from app.property.fields.table import PEOPLE_FIELDS, of_kind
from app.property.people import Finder
from app.property.record import Evidence, evidence_json
from app.property.source_record import SourceRecord
from app.property.storage.privacy.pii_catalog import PiiKind, columns_of
from app.property.storage.statements import digest


def record_without(finder: Finder, values: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return `values` and `evidence` without names, as the columns `record` and `evidence`.

    A field for people's names is removed if its value or evidence contains a name. From other fields, the name is
    removed. A link that contains the name is removed, and so is a list that becomes empty.
    """
    kept, proofs = dict[str, Any](), dict[str, Any]()
    for name, value in values.items():
        proof = evidence.get(name)
        if name in PEOPLE_FIELDS and (finder.is_in(value) or finder.is_in(proof)):
            continue
        clean = _value_without(finder, name, value)
        if clean == [] and value != []:
            continue
        kept[name] = clean
        if proof is not None:
            proofs[name] = finder.without(proof) | {"value": _value_without(finder, name, proof.get("value"))}
    return {"record": kept, "evidence": proofs}


def source_without(finder: Finder, record: SourceRecord) -> SourceRecord:
    columns = record_without(finder, record.values, evidence_json(record.evidence))
    proofs = {name: Evidence.model_validate(proof) for name, proof in columns["evidence"].items()}
    return replace(record, values=columns["record"], evidence=proofs)


def _value_without(finder: Finder, name: str, value: Any) -> Any:
    if name in of_kind("links") and isinstance(value, list):
        return [url for url in value if not finder.is_in(url)]
    return finder.without(value)


def cleaned(table: Table, row: Row[Any], finder: Finder) -> dict[str, Any] | None:
    """Return the row's column values without names, or None if the row must be deleted."""
    texts = {column.name: getattr(row, column.name) for column in columns_of(table, PiiKind.TEXT)}
    change = {name: finder.without(value) for name, value in texts.items()}
    if {"record", "evidence"} <= texts.keys():
        return {**change, **record_without(finder, row.record, row.evidence)}
    name = getattr(row, "field", None)  # only tables with one field's value per row have the column
    if name in PEOPLE_FIELDS:
        return None
    if name is not None and "value" in change:
        change["value"] = _value_without(finder, name, row.value)
        if change["value"] == []:
            return None
        if isinstance(texts.get("evidence"), dict):
            change["evidence"] = change["evidence"] | {"value": change["value"]}
    if "value_sha256" in table.c:
        change["value_sha256"] = digest(change["value"])
    return change
