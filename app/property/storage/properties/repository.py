"""Records and the properties they make up: stored together or not at all.

What belongs together is `resolve.py`, what a property then says is `rebuild.py`; this keeps both true in the
database, for many writers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select, update

from app.errors import NotFoundError
from app.errors.purging import PurgedMeanwhileError
from app.property.address import Address
from app.property.change_belief import Telling
from app.property.record import PEOPLE_FIELDS, PageKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.pages.aliases import note_url
from app.property.storage.pages.index import PageIndex, Seen, said_by
from app.property.storage.paging import Order, Page
from app.property.storage.privacy.marks import marked
from app.property.storage.privacy.names import purged_since
from app.property.storage.privacy.naming_rows import source_without
from app.property.storage.properties.at_address import fresh_at
from app.property.storage.properties.locks import lock_rows
from app.property.storage.properties.merge_into import fold
from app.property.storage.properties.rebuild import alive, rebuild
from app.property.storage.properties.resolve import find_home
from app.property.storage.properties.rows import evidence_json
from app.property.storage.properties.search import PropertyFilter
from app.property.storage.properties.source_records import (
    drop_doubles,
    observe,
    of_same_page,
    put,
    records_of,
    urls_of,
    with_known_kind,
)
from app.property.storage.properties.tables import AS_OF
from app.property.storage.properties.views import views
from app.property.storage.statements import clean
from app.property.storage.tables import properties, records
from app.property.storage.watches.noticing import Noticing, Reread, stands

_PLACE = (properties.c.updated_at, properties.c.id)
ORDER = Order("properties", _PLACE)
EVERY = PropertyFilter()
TELLING = Telling()
NEWEST_FIRST = Order("newest properties", _PLACE, descending=True)


class PropertyStore:
    """Properties in a `Database`; each method is one transaction. `telling`: of which fields changes are noticed."""

    def __init__(self, database: Database, telling: Telling = TELLING) -> None:
        self.database = database
        self._telling = telling

    # --- writing

    def save(
        self,
        connection: Connection,
        record: SourceRecord,
        *,
        wanted_model: Sequence[str] = (),
        model_note: str | None = None,
        asks_again: bool = False,
        edition: str | None = None,
        kin: str | None = None,
    ) -> str:
        """Store what a page says and merge it into its property, new or known; -> the property's id.

        The caller holds `lock_pages`. Idempotent: the same record again changes nothing. An older record of the same
        page, by whichever of its URLs, is replaced; a record older than the stored one adds its observations only.
        `edition` says which extractors read it; `asks_again`: it is not fresh, since a model that was away is wanted
        for it. `kin` is the property that the page is known to be of by how it was found: it is taken for that unless
        it contradicts it. Raises `PurgedMeanwhileError` for what was purged after it was fetched, before anything of it
        is written; somebody who was is left out.
        """
        own = {
            "wanted_model": list(wanted_model),
            "model_note": clean(model_note),
            "asks_again": asks_again,
            "edition": edition,
        }
        if marked(connection, {url for url in urls_of(record) if url}, record.fetched_at):
            raise PurgedMeanwhileError()
        since = purged_since(self.database, connection, record.fetched_at)
        since.refuse(*urls_of(record))
        said = source_without(since.finder, record) if since.finder is not None else record
        return self._save(connection, said, since.without(own), kin)

    def _save(self, connection: Connection, record: SourceRecord, own: dict[str, Any], kin: str | None) -> str:
        now = self.database.clock.now()
        before, doubles = of_same_page(connection, record)
        lock_rows(connection, {row.property_id for row in (before, *doubles) if row is not None})
        record = with_known_kind(record, before)
        row = {
            "url": record.url,
            "final_url": record.final_url,
            "kind": str(record.kind),
            "content_sha256": record.content_sha256,
            "fetched_at": record.fetched_at,
            "record": dict(record.values),
            "evidence": evidence_json(record.evidence.items()),
            "stored_at": now,
            "page_url": record.page_url,
            "checked_at": record.checked_at,
            "source_kind": record.source_kind,
            "names_people": not PEOPLE_FIELDS.isdisjoint(record.values),
            **own,
        }
        home, has_folded = find_home(self.database, connection, record, kin)
        put(connection, before, {**row, "property_id": home})
        left = {alive(connection, gone) for gone in drop_doubles(connection, doubles, record)} - {home}
        for property_id in sorted(left):
            if not records_of(connection, property_id):  # it had this page only
                fold(connection, property_id, home)
                has_folded = True
        observe(connection, home, record)
        rebuilt = rebuild(self.database, connection, home, changed=has_folded)
        if before is not None and rebuilt is not None:
            reread = Reread(before, record, own["edition"])
            Noticing(self.database, connection, self._telling, rebuilt, now).reread(reread)
            left |= {alive(connection, before.property_id)} - {home}
        for property_id in sorted(left):
            rebuild(self.database, connection, property_id)
        return home

    def confirm(self, connection: Connection, seen: Seen, at: datetime) -> tuple[str, PageKind] | None:
        """The page still has this body at `at`: its record holds if it is whole and of these extractors, and is
        believed as one that was read then. That too is a look at a change which the page shows and nobody was told yet.

        No other page is confirmed by it, whatever its URL is known as. -> the property and the page's kind; None if the
        body has to be read (again).
        """
        row = said_by(connection, seen)
        if row is not None and ((row.checked_at or row.fetched_at) < at or stands(connection, row.property_id)):
            lock_rows(connection, [row.property_id])
            row = said_by(connection, seen)
            if row is not None:
                connection.execute(update(records).where(records.c.id == row.id, at > AS_OF).values(checked_at=at))
                self._look(connection, row.property_id, (seen.url, seen.page_url), at)
        if row is None:
            return None
        if row.url != seen.url:
            note_url(connection, seen.url, seen.page_url, at, seen.sha256, row.content_sha256)
        return row.property_id, PageKind(row.kind)

    def _look(self, connection: Connection, property_id: str, urls: Sequence[str], at: datetime) -> None:
        rebuilt = rebuild(self.database, connection, property_id)
        if rebuilt is None or not stands(connection, property_id):  # mostly
            return
        noticing = Noticing(self.database, connection, self._telling, rebuilt, self.database.clock.now())
        mine = or_(records.c.url.in_(urls), records.c.page_url.in_(urls))
        query = select(records.c.url).where(records.c.property_id == property_id, mine)
        for url in connection.execute(query).scalars().all():
            noticing.look(url, at)

    def rebuild(self, connection: Connection, property_id: str) -> None:
        """Make the property say what its records say. Without any it stays as it was."""
        rebuild(self.database, connection, property_id)

    # --- reading

    def get(self, property_id: str) -> dict[str, Any]:
        """`{"property", "record", "evidence", "as_of", "sources", "conflicts", "unverified", "tried", "replaces",
        "created_at", "updated_at"}`.

        JSON types only; `as_of` says of each value when it was last known to hold, `unverified` is what was only said
        of the property, `tried` has the sources that the newest job for its address asked, `replaces` the ids of
        properties that turned out to be this one. The id of such a one gives this one. Raises `NotFoundError`.
        """
        with self.database.reading() as connection:
            row = connection.execute(select(properties).where(properties.c.id == property_id)).one_or_none()
            if row is not None and row.merged_into is not None:
                row = connection.execute(select(properties).where(properties.c.id == row.merged_into)).one()
            if row is None:
                raise NotFoundError("property", property_id)
            (found,) = views(connection, [row])
        return found

    def fresh(self, url: str, since: datetime) -> tuple[str, PageKind] | None:
        """The property that `url` gave after `since`, and the page's kind; None if it has to be scraped (again)."""
        return PageIndex(self.database).fresh(url, since)

    def fresh_at(self, address: Address, since: datetime) -> tuple[str, PageKind] | None:
        """The property at `address` of which a page was read or confirmed after `since`, and that page's kind."""
        with self.database.reading() as connection:
            return fresh_at(connection, address, since)

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
        with self.database.reading() as connection:
            found = connection.execute(order.page_query(query, cursor, limit)).all()
            items = views(connection, found[:limit])
        return Page(items, order.next_cursor(found, limit))
