"""Read and write records of pages, observations, and unverified claims."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from app.property.merging.seniority import tenures_after
from app.property.record import SourceKind, evidence_json
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.pages.index import note_url
from app.property.storage.pages.tables import PageAlias
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.properties.tables import Observation, SourceRow, Unverified
from app.property.storage.statements import clean, digest, entities, insert_if_new, upsert

#: Note that is stored with a page if another page of the address was sent to the model instead.
ASKED_ELSEWHERE = "A property costs one question, which was asked of another page."


def urls_of(record: SourceRecord) -> set[str]:
    return {url for url in (record.url, record.final_url, record.page_url) if url}


def records_of(connection: Connection, property_id: str) -> list[SourceRecord]:
    return records_of_each(connection, [property_id])[property_id]


def records_of_each(connection: Connection, property_ids: Sequence[str]) -> dict[str, list[SourceRecord]]:
    query = select(SourceRow).where(SourceRow.property_id.in_(property_ids)).order_by(SourceRow.id)
    rows = by_property(property_ids, entities(connection, query) if property_ids else ())
    return {property_id: [row.to_record() for row in found] for property_id, found in rows.items()}


def by_property[T: Any](property_ids: Sequence[str], rows: Iterable[T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {property_id: [] for property_id in property_ids}
    for row in rows:
        found[row.property_id].append(row)
    return found


def wanted_of(
    connection: Connection, property_id: str, urls: Iterable[str] | None
) -> tuple[tuple[str, ...], str | None]:
    """Return the fields that a model has not read yet on these pages (None: all pages of the property), and a note with
    the reason (None: no note).

    A note other than `ASKED_ELSEWHERE` is preferred.
    """
    query = select(SourceRow.wanted_model, SourceRow.model_note).where(SourceRow.property_id == property_id)
    if urls is not None:
        asked = sorted(set(urls))
        known_as = select(PageAlias.page_url).where(PageAlias.url.in_(asked))
        mine = (column.in_(some) for column in (SourceRow.url, SourceRow.page_url) for some in (asked, known_as))
        query = query.where(or_(*mine))
    rows = connection.execute(query.order_by(SourceRow.fetched_at, SourceRow.id)).all()
    wanted = tuple(dict.fromkeys(name for row in rows for name in row.wanted_model))
    notes = [row.model_note for row in rows if row.model_note and (row.wanted_model or not wanted)]
    return wanted, next((note for note in notes if note != ASKED_ELSEWHERE), next(iter(notes), None))


def note_why_silent(connection: Connection, property_id: str, why: str) -> None:
    """Let the notes of the property's pages that wait for a model say why none is asked now."""
    waits = SourceRow.property_id == property_id, SourceRow.asks_again, SourceRow.model_note != why
    connection.execute(update(SourceRow).where(*waits).values(model_note=why))


def of_same_page(connection: Connection, record: SourceRecord) -> tuple[SourceRow | None, Sequence[SourceRow]]:
    """Return the stored record that `record` replaces (None: its page is new), and other stored records of the page."""
    mine = SourceRow.url == record.url
    same = mine if record.page_url is None else or_(mine, SourceRow.page_url == record.page_url)
    rows = entities(connection, select(SourceRow).where(same).order_by(mine.desc(), SourceRow.id))
    return (rows[0] if rows else None), rows[1:]


def tenures_json(record: SourceRecord, earlier: Iterable[SourceRow]) -> dict[str, dict[str, Any]]:
    """Return the column `tenures` of `record`, which replaces `earlier` records of its page, the newest first."""
    found = tenures_after(record, *(row.to_record() for row in earlier))
    return {
        "since": {name: one.since.isoformat() for name, one in found.items()},
        "changed_at": {name: one.changed_at.isoformat() for name, one in found.items()},
        "former": {name: one.former for name, one in found.items() if one.former is not None},
    }


def drop_doubles(connection: Connection, doubles: Sequence[SourceRow], record: SourceRecord) -> set[str]:
    """Delete `doubles`, other records of the same page, but keep their observations.

    Their URLs become aliases of the page. Return the ids of their properties.
    """
    at, page_url = record.as_of, record.page_url
    for row in doubles:
        connection.execute(delete(SourceRow).where(SourceRow.id == row.id))
        note_url(connection, row.url, str(page_url), at)
    if page_url is not None and page_url != record.url:
        note_url(connection, record.url, page_url, at)
    else:
        connection.execute(delete(PageAlias).where(PageAlias.url == record.url))  # the URL has its own record now
    return {row.property_id for row in doubles}


def with_known_kind(record: SourceRecord, before: SourceRow | None) -> SourceRecord:
    """Return `record`.

    If its source kind is unknown and `before` has the same final URL, it gets the kind of `before`.
    """
    if before is None or record.source_kind is not None or record.final_url != before.final_url:
        return record
    return replace(record, source_kind=SourceKind(before.source_kind) if before.source_kind else None)


def observe(connection: Connection, property_id: str, record: SourceRecord) -> None:
    proofs = evidence_json(record.evidence)
    rows = [
        {
            "property_id": property_id,
            "field": name,
            "value": value,
            "value_sha256": digest(value),
            "evidence": proofs[name],
            "content_sha256": record.content_sha256,
            "source_url": record.url,
            "observed_at": record.fetched_at,
        }
        for name, value in record.values.items()
    ]
    if rows:
        connection.execute(insert_if_new(connection, Observation), rows)


def put_claims(
    database: Database,
    connection: Connection,
    property_id: str,
    claims: Iterable[Unverified],
    *,
    read: Iterable[str] = (),
) -> None:
    """Store claims about a property, replacing older ones of the same field and page.

    Delete claims from pages in `read`, because these pages now have records. Skip a claim if its page, or a name in it,
    was purged after the claim was seen.
    """
    known = Unverified.property_id == property_id, Unverified.url.in_(sorted(set(read)))
    connection.execute(delete(Unverified).where(*known))
    by_time = dict[datetime, list[Unverified]]()
    for one in claims:
        by_time.setdefault(one.seen_at, []).append(one)
    for at, some in by_time.items():
        purged = purged_since(database, connection, at, {one.url for one in some})
        for one in some:
            if one.url in purged.urls or purged.names.is_in([one.value, one.quote, one.url]):
                continue
            row = {
                "value": one.value,
                "quote": clean(one.quote),
                "reported_by": clean(one.reported_by),
                "seen_at": one.seen_at,
            }
            upsert(connection, Unverified, {"property_id": property_id, "field": one.field, "url": one.url}, row)
