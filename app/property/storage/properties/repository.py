"""Store a record and update its property in one transaction, and read properties in the form that interfaces show."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, insert, or_, select, update
from sqlalchemy.orm import aliased, defer

from app.property.address import Address
from app.property.merging.change_confirmation import PublishingRules
from app.property.people import NOBODY
from app.property.record import PEOPLE_FIELDS, PageKind, evidence_json
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.attempts import tried_for
from app.property.storage.pages.index import Seen, note_url, record_with_body
from app.property.storage.paging import Order, Page
from app.property.storage.privacy.cleaning import source_without
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.properties.decisions import pins_of
from app.property.storage.properties.fresh import fresh_properties
from app.property.storage.properties.locks import lock_rows
from app.property.storage.properties.rebuild import canonical_id, existing, merge_into, rebuild
from app.property.storage.properties.resolve import resolve_property
from app.property.storage.properties.source_records import (
    by_property,
    drop_doubles,
    observe,
    of_same_page,
    records_of,
    records_of_each,
    tenures_json,
    urls_of,
    with_known_kind,
)
from app.property.storage.properties.tables import AS_OF, Property, SourceRow, Unverified
from app.property.storage.statements import chunks, clean, entities
from app.property.storage.watches.detection import ChangeDetector, has_pending_change

_PLACE = (Property.updated_at, Property.id)
ORDER = Order("properties", _PLACE)
NEWEST_FIRST = Order("newest properties", _PLACE, descending=True)
DEFAULT_RULES = PublishingRules()


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """A filter of properties.

    All `words` must occur in the property's search text, in any letter case. `status` is a RESO status, or None for
    any.
    """

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


EVERY = PropertyFilter()


class PropertyStore:
    """Stores properties. `rules` configures which changes are published.

    A method that gets the id of a merged property reads the property that it was merged into.
    """

    def __init__(self, database: Database, rules: PublishingRules = DEFAULT_RULES) -> None:
        self.database = database
        self._rules = rules

    def save(
        self,
        connection: Connection,
        record: SourceRecord,
        *,
        wanted_model: Sequence[str] = (),
        model_note: str | None = None,
        asks_again: bool = False,
        edition: str | None = None,
        related: str | None = None,
    ) -> str:
        """Store a page's record, add it to its property (existing or new), and return the property's id.

        The caller's transaction must have called `lock_pages`. The record replaces older records of the same page,
        under any of its URLs. If it is older than the stored record, only its observations are added.

        `edition` is the version of the extractors. `asks_again` means that the model was needed but unavailable, so
        that the record does not count as fresh. If the record matches no property, it is added to `related`, the
        property for which its page was found, unless they contradict each other.

        Names of people purged after the page was fetched are left out. Raises `PurgedMeanwhileError`, and then writes
        nothing, if the page was purged after it was fetched.
        """
        urls = urls_of(record)
        purged = purged_since(self.database, connection, record.fetched_at, urls)
        purged.refuse(*urls)
        now = self.database.clock.now()
        if purged.names is not NOBODY:
            record = source_without(purged.names, record)
        before, doubles = of_same_page(connection, record)
        lock_rows(connection, {row.property_id for row in (before, *doubles) if row is not None})
        record = with_known_kind(record, before)
        owner_id, has_merged = resolve_property(self.database, connection, record, related)
        row = {
            "url": record.url,
            "final_url": record.final_url,
            "property_id": owner_id,
            "kind": str(record.kind),
            "content_sha256": record.content_sha256,
            "fetched_at": record.fetched_at,
            "record": dict(record.values),
            "evidence": evidence_json(record.evidence),
            "stored_at": now,
            "page_url": record.page_url,
            "checked_at": record.checked_at,
            "source_kind": record.source_kind,
            "names_people": not PEOPLE_FIELDS.isdisjoint(record.values),
            "wanted_model": list(wanted_model),
            "model_note": purged.names.without(clean(model_note)),
            "asks_again": asks_again,
            "edition": edition,
        }
        # a page that moved to another property begins anew there
        of_property = [
            one for one in (before, *doubles) if one and canonical_id(connection, one.property_id) == owner_id
        ]
        row["tenures"] = tenures_json(record, of_property)
        if before is None:
            connection.execute(insert(SourceRow).values(row))
        else:  # the stored row keeps its URL; if it is newer than `record`, it also keeps its content
            is_newer = before.fetched_at <= record.fetched_at
            row = {**row, "url": before.url} if is_newer else {name: row[name] for name in ("property_id", "tenures")}
            connection.execute(update(SourceRow).where(SourceRow.id == before.id).values(row))
        previous = drop_doubles(connection, doubles, record)
        left = {canonical_id(connection, property_id) for property_id in previous} - {owner_id}
        for property_id, pages in records_of_each(connection, sorted(left)).items():
            if not pages:  # the property lost its last page to `owner_id`
                merge_into(connection, property_id, owner_id)
                has_merged = True
        observe(connection, owner_id, record)
        rebuilt = rebuild(self.database, connection, owner_id, changed=has_merged)
        if before is not None and rebuilt is not None:
            ChangeDetector(self.database, connection, self._rules, rebuilt, now).reread(before, record, edition)
            left |= {canonical_id(connection, before.property_id)} - {owner_id}
        for property_id in sorted(left):
            rebuild(self.database, connection, property_id)
        return owner_id

    def confirm(self, connection: Connection, seen: Seen, at: datetime) -> tuple[str, PageKind] | None:
        """Note that the page still had this body at `at`. Return its property and the page's kind, or None if the body
        must be read.

        The record then counts as current at `at`, and the page's pending changes count one more visit.
        """
        row = record_with_body(connection, seen)
        is_older = row is not None and (row.checked_at or row.fetched_at) < at
        if row is not None and (is_older or has_pending_change(connection, row.property_id)):
            lock_rows(connection, [row.property_id])
            row = record_with_body(connection, seen)
            if row is not None:
                connection.execute(update(SourceRow).where(SourceRow.id == row.id, at > AS_OF).values(checked_at=at))
                self._look(connection, row.property_id, (seen.url, seen.page_url), at)
        if row is None:
            return None
        if row.url != seen.url:
            note_url(connection, seen.url, seen.page_url, at, seen.sha256, row.content_sha256)
        return row.property_id, PageKind(row.kind)

    def _look(self, connection: Connection, property_id: str, urls: Sequence[str], at: datetime) -> None:
        rebuilt = rebuild(self.database, connection, property_id)
        if rebuilt is None or not has_pending_change(connection, property_id):
            return
        detector = ChangeDetector(self.database, connection, self._rules, rebuilt, self.database.clock.now())
        mine = or_(SourceRow.url.in_(urls), SourceRow.page_url.in_(urls))
        query = select(SourceRow.url).where(SourceRow.property_id == property_id, mine)
        for url in connection.execute(query).scalars().all():
            detector.look(url, at)

    def get(self, property_id: str) -> dict[str, Any]:
        """Return a property in JSON types.

        `as_of` is when each value was last known to be on its page. `tried` lists the outcomes of sources in the last
        finished job that recorded any. `replaces` lists the ids of properties merged into this one. Raises
        `NotFoundError`.
        """
        with self.database.reading() as connection:
            return _views(connection, [existing(connection, property_id)])[0]

    def records(self, property_ids: Iterable[str | None]) -> dict[str, dict[str, Any]]:
        """Return the values of each of these properties that exists, by the given id."""
        named = aliased(Property)
        query = select(named.id, Property.record).join(
            Property, Property.id == func.coalesce(named.merged_into, named.id)
        )
        with self.database.reading() as connection:
            ids = sorted({one for one in property_ids if one})
            return {
                row.id: row.record
                for part in chunks(ids)
                for row in connection.execute(query.where(named.id.in_(part)))
            }

    def sources(self, property_id: str) -> list[SourceRow]:
        """Return the stored records of a property, in the order of the "sources" of `get`."""
        with self.database.reading() as connection:
            mine = SourceRow.property_id == canonical_id(connection, property_id)
            query = select(SourceRow).where(mine).order_by(SourceRow.fetched_at, SourceRow.id)
            return entities(connection, query)

    def sources_of(self, property_id: str) -> tuple[str, list[SourceRecord], set[str]]:
        """Return the property's current id, its records, and the URLs of its pages that a person joined with other
        pages.

        Raises `NotFoundError`.
        """
        with self.database.reading() as connection:
            canonical = str(existing(connection, property_id).id)
            sources = records_of(connection, canonical)
            pins = pins_of(connection, sources)
        return canonical, sources, {url for url, pin in pins.items() if pin.together}

    def fresh_at(self, address: Address, since: datetime, *, can_ask: bool = True) -> tuple[str, PageKind] | None:
        """Return the property at `address` and the kind of its newest page if it is fresh (see `fresh_properties`)."""
        with self.database.reading() as connection:
            return fresh_properties(connection, {"": address}, since, can_ask=can_ask).get("")

    def page(
        self,
        cursor: str | None = None,
        *,
        limit: int = 100,
        changed_since: datetime | None = None,
        newest_first: bool = False,
        only: PropertyFilter = EVERY,
    ) -> Page[dict[str, Any]]:
        """Return a page of properties in the form of `get`, ordered by their last change.

        With the oldest change first (the default), a property that changes meanwhile appears again at the end, so no
        change is missed. `changed_since` excludes properties that did not change since then. Raises
        `InvalidCursorError`.
        """
        order = NEWEST_FIRST if newest_first else ORDER
        query = _unmerged(changed_since).where(only.condition())
        with self.database.reading() as connection:
            found = connection.execute(order.page_query(query, cursor, limit)).all()
            items = _views(connection, found[:limit])
        return Page(items, order.next_cursor(found, limit))

    def snapshot(
        self, *, changed_since: datetime | None = None, only: PropertyFilter = EVERY, page: int = 200
    ) -> Generator[dict[str, Any]]:
        """Yield all properties, or `only` some, as of one moment, in the form of `get`, oldest change first.

        At most `page` properties are in memory at a time. The database keeps replaced rows until the iteration ends.
        """
        query, cursor = _unmerged(changed_since).where(only.condition()), None
        with self.database.reading() as connection:
            if not self.database.is_sqlite:  # otherwise, each statement of PostgreSQL would see its own snapshot
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            while True:
                found = connection.execute(ORDER.page_query(query, cursor, page)).all()
                yield from _views(connection, found[:page])
                cursor = ORDER.next_cursor(found, page)
                if cursor is None:
                    return


def _unmerged(changed_since: datetime | None) -> Select[Any]:
    query = select(Property).where(Property.merged_into.is_(None))
    return query if changed_since is None else query.where(Property.updated_at >= changed_since)


def _views(connection: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    # the values and evidence of single sources are large and not shown, so do not load them
    shown = select(SourceRow).options(*map(defer, (SourceRow.record, SourceRow.evidence, SourceRow.tenures)))
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
    """Return when each value was last known to be on its page: when its body was confirmed, or else fetched."""
    found = {name: bodies.get(proof["content_sha256"]) for name, proof in evidence.items()}
    return {name: at.isoformat() if at else str(evidence[name]["fetched_at"]) for name, at in found.items()}
