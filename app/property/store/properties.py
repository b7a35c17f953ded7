"""Records and the properties they make up: stored together or not at all.

What belongs together is `identity.py`, what a property then says is `merge.py`; this keeps both true in the database,
for many writers at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from app.errors import NotFoundError
from app.property import identity
from app.property.merge import merge
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.store.engine import Database
from app.property.store.folding import fold
from app.property.store.page_index import PageIndex, forget_url, note_url
from app.property.store.paging import Order, Page
from app.property.store.property_rows import conflicts_json, evidence_json, source_record
from app.property.store.property_views import views
from app.property.store.purge_marks import refuse_purged
from app.property.store.rows import clean, digest, insert_if_new, new_id
from app.property.store.searching import PropertyFilter, search_row
from app.property.store.tables import observations, properties, property_keys, records

_PLACE = (properties.c.updated_at, properties.c.id)
ORDER = Order("properties", _PLACE)
EVERY = PropertyFilter()
NEWEST_FIRST = Order("newest properties", _PLACE, descending=True)


class PropertyStore:
    """Properties in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- writing

    def save_record(
        self,
        record: SourceRecord,
        *,
        wanted_model: Sequence[str] = (),
        model_note: str | None = None,
        edition: str | None = None,
    ) -> str:
        """Store what a page says and merge it into its property, new or known; -> the property's id.

        Idempotent: the same record again changes nothing. An older record of the same page, by whichever of its URLs,
        is replaced; a record older than the stored one adds its observations only. `edition` says which extractors
        read it. Raises `PurgedMeanwhileError` for what was purged after it was fetched.
        """
        row = {
            "url": record.url,
            "final_url": record.final_url,
            "kind": str(record.kind),
            "content_sha256": record.content_sha256,
            "fetched_at": record.fetched_at,
            "record": dict(record.values),
            "evidence": evidence_json(record.evidence.items()),
            "wanted_model": list(wanted_model),
            "model_note": clean(model_note),
            "stored_at": self._database.clock.now(),
            "page_url": record.page_url,
            "checked_at": record.checked_at,
            "edition": edition,
            "source_kind": record.source_kind,
        }

        def work(connection: Connection) -> str:
            # one at a time: which property a record is of depends on all that others file meanwhile
            self._database.exclusively(connection, "properties")
            refuse_purged(self._database, connection, _urls_of(record), record.fetched_at)
            before, doubles = _of_same_page(connection, record)
            home, has_folded = self._home(connection, record)
            _put(connection, before, {**row, "property_id": home})
            left = {self._alive(connection, gone) for gone in _drop_doubles(connection, doubles, record)} - {home}
            for property_id in sorted(left):
                if not self._records(connection, property_id):  # it had this page only
                    fold(connection, property_id, home)
                    has_folded = True
            _observe(connection, home, record)
            self.rebuild(connection, home, changed=has_folded)
            if before is not None:
                left |= {self._alive(connection, before.property_id)} - {home}
            for property_id in sorted(left):
                self.rebuild(connection, property_id)
            return home

        return self._database.repeat(work)

    def _home(self, connection: Connection, record: SourceRecord) -> tuple[str, bool]:
        """The record's property, known under one of its keys or new; and whether others turned out to be the same one
        and were folded into it."""
        same = self._same_properties(connection, record)
        if not same:
            now = self._moment(connection)
            row = {"id": new_id(), "record": {}, "evidence": {}, "conflicts": [], "created_at": now, "updated_at": now}
            connection.execute(insert(properties).values(row))
            return str(row["id"]), False
        home = min(same, key=lambda row: (row.created_at, row.id)).id
        for other in same:
            if other.id != home:
                fold(connection, other.id, home)
        return str(home), len(same) > 1

    def _same_properties(self, connection: Connection, record: SourceRecord) -> list[Row[Any]]:
        lookups = identity.lookups_of(record)
        query = select(property_keys).where(property_keys.c.key.in_(lookups))
        owner_of = {row.key: row.property_id for row in connection.execute(query)}
        locked = select(properties).where(properties.c.id.in_(set(owner_of.values()))).order_by(properties.c.id)
        candidates = {row.id: row for row in connection.execute(locked.with_for_update())}
        same: dict[str, Row[Any]] = {}
        for key in lookups:
            row = candidates.get(owner_of.get(key, ""))
            if row is not None and row.id not in same and not self._contradicts(connection, key, record, row):
                same[row.id] = row
        return list(same.values())

    def _contradicts(self, connection: Connection, key: str, record: SourceRecord, row: Row[Any]) -> bool:
        """Judged by what other pages say: what this page said before is about to be replaced."""
        others = [
            r
            for r in self._records(connection, row.id)
            if r.url != record.url and (r.page_url is None or r.page_url != record.page_url)
        ]
        values = merge(others).values if others else {}
        return identity.contradicts(key, record.values, values)

    def _moment(self, connection: Connection) -> datetime:
        """Now, or just after the last change of any property: no two changes have one moment, and since they are made
        one at a time, nothing ever appears before a change that somebody may have seen."""
        newest = connection.execute(select(func.max(properties.c.updated_at))).scalar()
        now = self._database.clock.now()
        return now if newest is None else max(now, newest + timedelta(microseconds=1))

    def rebuild(self, connection: Connection, property_id: str, *, changed: bool = False) -> None:
        """Make the property say what its records say, and file it under their keys. Without any it stays as it was.

        `changed`: it has, even if it says the same.
        """
        sources = self._records(connection, property_id)
        if not sources:
            return
        merged = merge(sources)
        row = {
            "record": merged.values,
            "evidence": evidence_json(merged.evidence.items()),
            "conflicts": conflicts_json(merged),
        }
        found_by = search_row(merged.values, (source.url for source in sources), len(merged.conflicts))
        stored = connection.execute(select(properties).where(properties.c.id == property_id)).one()
        change: dict[str, Any] = {}
        if changed or any(digest(getattr(stored, name)) != digest(value) for name, value in row.items()):
            change = {**row, "updated_at": self._moment(connection)}
        if any(getattr(stored, name) != value for name, value in found_by.items()):
            change |= found_by
        if change:
            connection.execute(update(properties).where(properties.c.id == property_id).values(change))
        _file(connection, property_id, sources)

    # --- reading

    def get(self, property_id: str) -> dict[str, Any]:
        """`{"property", "record", "evidence", "sources", "conflicts", "unverified", "replaces", "created_at",
        "updated_at"}`.

        JSON types only; `unverified` is what was only said of it, `replaces` has the ids of properties that turned out
        to be this one. The id of such a one gives this one. Raises `NotFoundError`.
        """
        with self._database.reading() as connection:
            row = connection.execute(select(properties).where(properties.c.id == property_id)).one_or_none()
            if row is not None and row.merged_into is not None:
                row = connection.execute(select(properties).where(properties.c.id == row.merged_into)).one()
            if row is None:
                raise NotFoundError("property", property_id)
            (found,) = views(connection, [row])
        return found

    def fresh(self, url: str, since: datetime) -> tuple[str, PageKind] | None:
        """The property that `url` gave after `since`, and the page's kind; None if it has to be scraped."""
        return PageIndex(self._database).fresh(url, since)

    def page(
        self,
        cursor: str | None = None,
        *,
        limit: int = 100,
        changed_since: datetime | None = None,
        newest_first: bool = False,
        only: PropertyFilter = EVERY,
    ) -> Page[dict[str, Any]]:
        """Properties in the shape of `get` after `cursor`, what changed last at the end, or first.

        One that changes between two pages goes to the end and is met again there, so that nothing is missed;
        `changed_since` leaves out those unchanged since then. Raises `InvalidCursorError`.
        """
        query = select(properties).where(properties.c.merged_into.is_(None), only.condition())
        if changed_since is not None:
            query = query.where(properties.c.updated_at >= changed_since)
        order = NEWEST_FIRST if newest_first else ORDER
        with self._database.reading() as connection:
            found = connection.execute(order.page_query(query, cursor, limit)).all()
            items = views(connection, found[:limit])
        return Page(items, order.next_cursor(found, limit))

    # --- between

    def _records(self, connection: Connection, property_id: str) -> list[SourceRecord]:
        query = select(records).where(records.c.property_id == property_id).order_by(records.c.id)
        return [source_record(row) for row in connection.execute(query)]

    def _alive(self, connection: Connection, property_id: str) -> str:
        query = select(properties.c.merged_into).where(properties.c.id == property_id)
        return connection.execute(query).scalar() or property_id


def _urls_of(record: SourceRecord) -> tuple[str | None, ...]:
    return record.url, record.final_url, record.page_url


def _of_same_page(connection: Connection, record: SourceRecord) -> tuple[Row[Any] | None, Sequence[Row[Any]]]:
    """The stored record that `record` takes the place of, and others that turned out to be of its page too."""
    mine = records.c.url == record.url
    same = mine if record.page_url is None else or_(mine, records.c.page_url == record.page_url)
    rows = connection.execute(select(records).where(same).order_by(mine.desc(), records.c.id)).all()
    return (rows[0] if rows else None), rows[1:]


def _drop_doubles(connection: Connection, doubles: Sequence[Row[Any]], record: SourceRecord) -> set[str]:
    """One page is one source; -> the properties that lost one. What it said before stays among the observations."""
    at, page_url = record.as_of, record.page_url
    for row in doubles:
        connection.execute(delete(records).where(records.c.id == row.id))
        note_url(connection, row.url, str(page_url), at)
    if page_url is not None and page_url != record.url:
        note_url(connection, record.url, page_url, at)
    else:
        forget_url(connection, record.url)
    return {row.property_id for row in doubles}


def _put(connection: Connection, before: Row[Any] | None, row: dict[str, Any]) -> None:
    """Insert the record, or put it in place of `before` (which keeps its URL) unless that is younger."""
    if before is None:
        connection.execute(insert(records).values(row))
        return
    if before.fetched_at > row["fetched_at"]:
        row = {"property_id": row["property_id"]}
    elif row["source_kind"] is None:  # what was said of the page before still holds
        row = {**row, "source_kind": before.source_kind}
    connection.execute(update(records).where(records.c.id == before.id).values({**row, "url": before.url}))


def _observe(connection: Connection, property_id: str, record: SourceRecord) -> None:
    rows = [
        {
            "property_id": property_id,
            "field": name,
            "value": value,
            "value_sha256": digest(value),
            "evidence": record.evidence[name].model_dump(mode="json"),
            "content_sha256": record.content_sha256,
            "source_url": record.url,
            "observed_at": record.fetched_at,
        }
        for name, value in record.values.items()
    ]
    if rows:
        connection.execute(insert_if_new(connection, observations), rows)


def _file(connection: Connection, property_id: str, sources: Iterable[SourceRecord]) -> None:
    """File the property under its records' keys only; what another one is filed under stays there, but for URLs."""
    keys = dict.fromkeys(key for source in sources for key in identity.keys_of(source))
    query = select(property_keys).where(property_keys.c.key.in_(keys))
    owner_of = {row.key: row.property_id for row in connection.execute(query)}
    mine = property_keys.c.property_id == property_id
    connection.execute(delete(property_keys).where(mine, property_keys.c.key.not_in(keys)))
    taken = [key for key in keys if key.startswith("url:") and owner_of.get(key, property_id) != property_id]
    if taken:
        moved = update(property_keys).where(property_keys.c.key.in_(taken))
        connection.execute(moved.values(property_id=property_id))
    new = sorted(key for key in keys if key not in owner_of)
    if new:
        connection.execute(insert(property_keys), [{"key": key, "property_id": property_id} for key in new])
