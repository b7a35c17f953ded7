"""What people say of which pages are one property: split, join, and either undone.

A decision names pages, not properties: pages stay what they are when properties come and go. It holds for every later
scrape (`resolve.py`) until it is undone or a newer one says otherwise of the same two pages (`overrides.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, or_, select, update

from app.errors import NotFoundError
from app.errors.pages import IdentityDecisionError
from app.property.merging.pins import JOIN, SPLIT
from app.property.storage.database import Database
from app.property.storage.paging import Order, Page
from app.property.storage.properties.locks import lock_rows
from app.property.storage.properties.merge_into import merge_into, move_pages
from app.property.storage.properties.overrides import (
    IdentityDecision,
    are_split,
    open_reviews,
    pages_of,
    pins_of_each,
    read,
    urls_of_rows,
    write,
)
from app.property.storage.properties.rebuild import canonical_id, existing, new_property, rebuild
from app.property.storage.properties.tables import IdentityOverride, Property
from app.property.storage.statements import clean

_C = IdentityOverride
ORDER = Order("reviews", (IdentityOverride.at, IdentityOverride.decision_id))


class DecisionStore:
    """Decisions on identity in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def split(self, property_id: str, urls: Sequence[str], *, who: str, reason: str = "") -> IdentityDecision:
        """Move the sources `urls` of a property into one of their own, and keep the two apart from now on.

        Raises `NotFoundError`, and `IdentityDecisionError` for a URL that is none of its sources, and for all of them.
        """

        def work(connection: Connection) -> IdentityDecision:
            home = existing(connection, property_id).id
            lock_rows(connection, [home])
            sources = pages_of(connection, home)
            moved = [row for row in sources if set(urls) & {row.url, row.final_url, row.page_url}]
            for url in urls:
                if not any(url in (row.url, row.final_url, row.page_url) for row in moved):
                    raise IdentityDecisionError(property_id, f"{url} is none of its sources")
            kept = [row for row in sources if row not in moved]
            if not kept or not moved:
                raise IdentityDecisionError(property_id, "one source at least goes, and one at least stays")
            other = new_property(self._database, connection)
            move_pages(connection, [row.url for row in moved], home, other)
            sides = (home, urls_of_rows(kept)), (other, urls_of_rows(moved))
            decision = write(self._database, connection, SPLIT, *sides, who=who, reason=reason)
            self._rebuild(connection, home, other)
            return decision

        return self._database.repeat(work)

    def join(self, property_id: str, other_id: str, *, who: str, reason: str = "") -> IdentityDecision:
        """Make `other_id` a part of `property_id`, whatever their pages say, from now on.

        Raises `NotFoundError`, and `IdentityDecisionError` where both are one already.
        """

        def work(connection: Connection) -> IdentityDecision:
            lock_rows(connection, [property_id, other_id])
            home, other = existing(connection, property_id).id, existing(connection, other_id).id
            lock_rows(connection, [home, other])
            if home == other:
                raise IdentityDecisionError(property_id, f"{other_id} is this property already")
            kept, gone = (urls_of_rows(pages_of(connection, one)) for one in (home, other))
            replaced = connection.execute(select(Property.id).where(Property.merged_into == other))
            ids = sorted(replaced.scalars())
            merge_into(connection, other, home)
            sides = (home, kept), (other, gone)
            decision = write(self._database, connection, JOIN, *sides, who=who, reason=reason, replaced=ids)
            self._rebuild(connection, home)
            return decision

        return self._database.repeat(work)

    def undo(self, decision_id: str, *, who: str) -> IdentityDecision:
        """Put things back as they were before a decision, as far as no other one holds them where they are.

        A review is closed, and nothing is joined. What came since stays where it is. Raises `NotFoundError`, and
        `IdentityDecisionError` if it is undone already.
        """

        def work(connection: Connection) -> IdentityDecision:
            found = read(connection, [decision_id])
            if not found:
                raise NotFoundError("decision", decision_id)
            (decision,) = found
            lock_rows(connection, [decision.property, decision.other])
            if decision.undone_at is not None:
                raise IdentityDecisionError(decision.property, f"decision {decision_id} is undone already")
            undone = {"undone_at": self._database.clock.now(), "undone_by": clean(who)}
            mine = _C.decision_id == decision_id
            connection.execute(update(IdentityOverride).where(mine).values(undone))
            if decision.kind == SPLIT:
                self._back_together(connection, decision)
            elif decision.kind == JOIN:
                self._back_apart(connection, decision)
            return read(connection, [decision_id])[0]

        return self._database.repeat(work)

    def of(self, property_id: str) -> list[IdentityDecision]:
        """All that were ever made about the property and what is or was part of it, the newest first."""
        with self._database.reading() as connection:
            home = canonical_id(connection, property_id)
            family = select(Property.id).where(or_(Property.id == home, Property.merged_into == home))
            named = or_(_C.property_id.in_(family), _C.other_id.in_(family))
            ids = connection.execute(select(_C.decision_id).where(named).distinct()).scalars().all()
            return read(connection, ids)[::-1]

    def reviews(self, cursor: str | None = None, *, limit: int = 100) -> Page[IdentityDecision]:
        """The pairs that wait for a person, the oldest first. Raises `InvalidCursorError`."""
        query: Any = select(_C.at, _C.decision_id).where(open_reviews()).distinct()
        with self._database.reading() as connection:
            found = connection.execute(ORDER.page_query(query, cursor, limit)).all()
            ids = [row.decision_id for row in found[:limit]]
            return Page(read(connection, ids), ORDER.next_cursor(found, limit))

    # --- between

    def _rebuild(self, connection: Connection, *property_ids: str) -> None:
        for property_id in property_ids:
            rebuild(self._database, connection, property_id, changed=True)

    def _back_together(self, connection: Connection, split: IdentityDecision) -> None:
        pair = [canonical_id(connection, one) for one in (split.property, split.other)]
        known = connection.execute(select(Property.id).where(Property.id.in_(pair))).all()
        if len(known) == 2 and not are_split(connection, pair):
            home, other = pair
            merge_into(connection, other, home)
            self._rebuild(connection, home)

    def _back_apart(self, connection: Connection, join: IdentityDecision) -> None:
        """The pages that had come from the other property go back to it, with the ids that it stood for."""
        home = canonical_id(connection, join.property)
        sources = pages_of(connection, home)
        stay = urls_of_rows(row for row in sources if row.url not in join.pages)
        pins = pins_of_each(connection, [row for row in sources if row.url in join.pages])
        moved = [url for url, pin in pins.items() if not stay & pin.together]
        if not moved or len(moved) == len(sources):
            return
        c = Property
        was = connection.execute(select(c.id).where(c.id == join.other, c.merged_into == home)).scalar()
        other = was or new_property(self._database, connection)
        replaced = connection.execute(select(_C.replaced).where(_C.decision_id == join.id).limit(1)).scalar_one()
        back = update(Property).where(c.id.in_(replaced), c.merged_into == home)
        connection.execute(back.values(merged_into=other))
        connection.execute(update(Property).where(c.id == other).values(merged_into=None))
        move_pages(connection, moved, home, other)
        self._rebuild(connection, home, other)
