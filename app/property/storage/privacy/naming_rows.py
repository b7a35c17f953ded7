"""Rows that name a person: found by reading all that can (`pii_catalog.py`), and their new content without the name.

A person's name is no key of anything, so all is read; where that is much (bodies) texts are looked through fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, select, tuple_

from app.property.fields.table import PEOPLE_FIELDS, of_kind
from app.property.people import Finder
from app.property.record import Evidence
from app.property.source_record import SourceRecord
from app.property.storage.pages.blobs import unpack
from app.property.storage.privacy.pii_catalog import HOLDINGS, Holding, Holds
from app.property.storage.properties.rows import evidence_json
from app.property.storage.statements import digest
from app.property.storage.tables import blobs

_PAGE = 500
#: bodies are large
_PAGE_OF_BODIES = 20


@dataclass(slots=True)
class Named:
    """What names the person: keys of rows by table, URLs, and hashes of bodies."""

    rows: dict[Table, list[tuple[Any, ...]]] = field(default_factory=dict)
    urls: set[str] = field(default_factory=set)
    bodies: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.rows or self.urls or self.bodies)


def named_rows(connection: Connection, finder: Finder, bodies_since: datetime | None = None) -> Named:
    """All that names the person, bodies only if they were kept at `bodies_since` or later (None: all)."""
    found = Named()
    for held in HOLDINGS:
        if held.table is not blobs:
            _look_through(connection, held, finder, found)
    found.bodies.update(sha256 for sha256, text in _texts(connection, bodies_since) if finder.is_in(text))
    return found


def _look_through(connection: Connection, held: Holding, finder: Finder, found: Named) -> None:
    texts, urls = held.of(Holds.TEXT), held.of(Holds.TARGET, Holds.URLS)
    if not texts and not urls:
        return
    for row in _rows(connection, held.table, [*texts, *urls]):
        if any(finder.is_in(getattr(row, column.name)) for column in texts):
            key = tuple(getattr(row, column.name) for column in held.table.primary_key.columns)
            found.rows.setdefault(held.table, []).append(key)
        named = {url for column in urls for url in str(getattr(row, column.name) or "").split(" ")}
        found.urls |= {url for url in named if "://" in url and finder.is_in(url)}


def _rows(connection: Connection, table: Table, columns: list[Column[Any]]) -> Iterator[Row[Any]]:
    """All rows, some columns and the key of each, a part at a time by the key."""
    key = list(table.primary_key.columns)
    wanted = {column.name: column for column in [*key, *columns]}
    query, last = select(*wanted.values()).order_by(*key).limit(_PAGE), None
    while True:
        after = query if last is None else query.where(tuple_(*key) > last)
        rows = connection.execute(after).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        last = tuple(getattr(rows[-1], column.name) for column in key)


def _texts(connection: Connection, since: datetime | None) -> Iterator[tuple[str, str]]:
    """Hash and text of every body."""
    query = select(blobs.c.sha256, blobs.c.packing, blobs.c.packed).order_by(blobs.c.sha256).limit(_PAGE_OF_BODIES)
    if since is not None:
        query = query.where(blobs.c.created_at >= since)
    last = ""
    while True:
        rows = connection.execute(query.where(blobs.c.sha256 > last)).all()
        for row in rows:
            yield row.sha256, _decoded(unpack(row.packing, bytes(row.packed)))
        if len(rows) < _PAGE_OF_BODIES:
            return
        last = rows[-1].sha256


def _decoded(body: bytes) -> str:
    """Bodies are bytes in the encoding of their site; where a letter takes several bytes, without the empty ones."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        wide = body[:2] in (b"\xff\xfe", b"\xfe\xff") or body[:200].count(b"\0") > 20
        return body.replace(b"\0", b"").decode("latin-1") if wide else body.decode("latin-1")


# --- without the name


def record_without(finder: Finder, values: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`record` and `evidence` (JSON types) as the columns of those names have them: a field that names people goes if
    it names this one, a picture whose URL does too, and elsewhere the name is taken out."""
    kept, proofs = dict[str, Any](), dict[str, Any]()
    for name, value in values.items():
        proof = evidence.get(name)
        if name in PEOPLE_FIELDS and (finder.is_in(value) or finder.is_in(proof)):
            continue
        clean = value_without(finder, name, value)
        if clean == [] and value != []:
            continue
        kept[name] = clean
        if proof is not None:
            proofs[name] = finder.without(proof) | {"value": value_without(finder, name, proof.get("value"))}
    return {"record": kept, "evidence": proofs}


def source_without(finder: Finder, record: SourceRecord) -> SourceRecord:
    """What a page says, without the name."""
    told = record_without(finder, record.values, evidence_json(record.evidence.items()))
    proofs = {name: Evidence.model_validate(proof) for name, proof in told["evidence"].items()}
    return replace(record, values=told["record"], evidence=proofs)


def value_without(finder: Finder, name: str, value: Any) -> Any:
    """A value of the field `name`; a URL without a word of it would lead nowhere."""
    if name in of_kind("links") and isinstance(value, list):
        return [url for url in value if not finder.is_in(url)]
    return finder.without(value)


def cleaned(held: Holding, row: Row[Any], finder: Finder) -> dict[str, Any] | None:
    """What changes of a row that is kept; None: it goes, since it says nothing but the name."""
    names = {column.name for column in held.of(Holds.TEXT)}
    told = {name: getattr(row, name) for name in names}
    if {"record", "evidence"} <= names:
        return {**_plainly(finder, told), **record_without(finder, row.record, row.evidence)}
    if held.field is None:
        return _plainly(finder, told)
    name = getattr(row, held.field)
    if name in PEOPLE_FIELDS:
        return None
    change = _plainly(finder, told)
    if "value" in change:
        change["value"] = value_without(finder, name, row.value)
        if change["value"] == []:
            return None
        if "evidence" in change and isinstance(row.evidence, dict):
            change["evidence"] = change["evidence"] | {"value": change["value"]}
    if "value_sha256" in held.table.c:
        change["value_sha256"] = digest(change["value"])
    return change


def _plainly(finder: Finder, told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: finder.without(value) for name, value in told.items()}
