"""What people say of which pages are one property: split, join, and either undone.

A decision names pages, not properties: pages stay what they are when properties come and go. It holds for every later
scrape (`homes.py`) until it is undone or a later decision says otherwise, and it is kept with who and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from app.errors import NotFoundError
from app.errors.pages import IdentityDecisionError
from app.property.storage.decision_rows import IdentityDecision, open_reviews, read, urls_of_rows, write
from app.property.storage.engine import Database
from app.property.storage.folding import fold, move_pages
from app.property.storage.page_sides import JOIN, REVIEW, SPLIT
from app.property.storage.paging import Order, Page
from app.property.storage.property_locks import lock_rows
from app.property.storage.rebuilding import alive, new_property, rebuild
from app.property.storage.rows import clean
from app.property.storage.tables import identity_decisions, identity_pages, properties, records

_Rows = Sequence[Row[Any]]
ORDER = Order("reviews", (identity_decisions.c.at, identity_decisions.c.id))


class DecisionStore:
    """Decisions on identity in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def split(self, property_id: str, urls: Sequence[str], *, who: str, reason: str = "") -> IdentityDecision:
        """Move the sources `urls` of a property into one of their own, and keep the two apart from now on.

        Raises `NotFoundError`, and `IdentityDecisionError` for a URL that is none of its sources, and for all of them.
        """

        def work(connection: Connection) -> IdentityDecision:
            home = _existing(connection, property_id)
            lock_rows(connection, [home])
            sources = connection.execute(select(records).where(records.c.property_id == home)).all()
            moved = [row for row in sources if set(urls) & {row.url, row.final_url, row.page_url}]
            for url in urls:
                if not any(url in (row.url, row.final_url, row.page_url) for row in moved):
                    raise IdentityDecisionError(property_id, f"{url} is none of its sources")
            kept = [row for row in sources if row not in moved]
            if not kept or not moved:
                raise IdentityDecisionError(property_id, "one source at least goes, and one at least stays")
            overruled = self._overrule(connection, (JOIN,), (kept, moved), who)
            other = new_property(self._database, connection)
            move_pages(connection, [row.url for row in moved], home, other)
            carried = self._carry_on(connection, overruled, ((home, kept), (other, moved)))
            told = (who, reason, {"overruled": overruled, "carried": carried})
            decision = self._write(connection, SPLIT, (home, kept), (other, moved), told)
            self._rebuild(connection, home, other)
            return decision

        return self._database.repeat(work)

    def join(self, property_id: str, other_id: str, *, who: str, reason: str = "") -> IdentityDecision:
        """Make `other_id` a part of `property_id`, whatever their pages say, from now on.

        Raises `NotFoundError`, and `IdentityDecisionError` where both are one already.
        """

        def work(connection: Connection) -> IdentityDecision:
            lock_rows(connection, [property_id, other_id])
            home, other = _existing(connection, property_id), _existing(connection, other_id)
            lock_rows(connection, [home, other])
            if home == other:
                raise IdentityDecisionError(property_id, f"{other_id} is this property already")
            kept, gone = (
                connection.execute(select(records).where(records.c.property_id == one)).all() for one in (home, other)
            )
            overruled = self._overrule(connection, (SPLIT, REVIEW), (kept, gone), who)
            replaced = select(properties.c.id).where(properties.c.merged_into == other)
            details = {"overruled": overruled, "replaced": sorted(connection.execute(replaced).scalars())}
            fold(connection, other, home)
            decision = self._write(connection, JOIN, (home, kept), (other, gone), (who, reason, details))
            self._rebuild(connection, home)
            return decision

        return self._database.repeat(work)

    def undo(self, decision_id: str, *, who: str) -> IdentityDecision:
        """Put things back as they were before a decision, and what it had put out of force back into force.

        A review is closed, and nothing is joined. What came since stays where it is. Raises `NotFoundError`, and
        `IdentityDecisionError` if it is undone already.
        """

        def work(connection: Connection) -> IdentityDecision:
            query = select(identity_decisions).where(identity_decisions.c.id == decision_id)
            row = connection.execute(query).one_or_none()
            if row is None:
                raise NotFoundError("decision", decision_id)
            lock_rows(connection, [row.property_id, row.other_id])
            if row.undone_at is not None:
                raise IdentityDecisionError(row.property_id, f"decision {decision_id} is not in force any more")
            ids = identity_decisions.c.id
            undone = {"undone_at": self._database.clock.now(), "undone_by": clean(who)}
            connection.execute(update(identity_decisions).where(ids == decision_id).values(undone))
            again = {"undone_at": None, "undone_by": None}
            overruled, carried = row.details.get("overruled", []), row.details.get("carried", [])
            connection.execute(update(identity_decisions).where(ids.in_(carried)).values(undone))
            connection.execute(update(identity_decisions).where(ids.in_(overruled)).values(again))
            if row.kind == SPLIT:
                self._back_together(connection, row)
            elif row.kind == JOIN:
                self._back_apart(connection, row)
            return read(connection, [connection.execute(query).one()])[0]

        return self._database.repeat(work)

    def of(self, property_id: str) -> list[IdentityDecision]:
        """All that were ever made about the property and what is or was part of it, the newest first."""
        c = identity_decisions.c
        with self._database.reading() as connection:
            family = select(properties.c.id).where(
                or_(properties.c.id == alive(connection, property_id),
                    properties.c.merged_into == alive(connection, property_id))
            )  # fmt: skip
            named = or_(c.property_id.in_(family), c.other_id.in_(family))
            rows = connection.execute(select(identity_decisions).where(named).order_by(c.at.desc(), c.id)).all()
            return read(connection, rows)

    def reviews(self, cursor: str | None = None, *, limit: int = 100) -> Page[IdentityDecision]:
        """The pairs that wait for a person, the oldest first. Raises `InvalidCursorError`."""
        query = select(identity_decisions).where(open_reviews())
        with self._database.reading() as connection:
            found = connection.execute(ORDER.page_query(query, cursor, limit)).all()
            return Page(read(connection, found[:limit]), ORDER.next_cursor(found, limit))

    # --- between

    def _write(
        self,
        connection: Connection,
        kind: str,
        kept: tuple[str, _Rows],
        moved: tuple[str, _Rows],
        told: tuple[str, str, dict[str, Any]],
    ) -> IdentityDecision:
        sides = [(home, urls_of_rows(rows)) for home, rows in (kept, moved)]
        return write(self._database, connection, kind, *sides, told=told)

    def _overrule(
        self, connection: Connection, kinds: Sequence[str], sides: tuple[_Rows, _Rows], who: str
    ) -> list[str]:
        """Put decisions of these kinds that name pages of both sides out of force; -> their ids."""
        c = identity_decisions.c
        one, other = (urls_of_rows(side) for side in sides)
        query = (
            select(c.id, identity_pages.c.side, identity_pages.c.url)
            .join(identity_pages, identity_pages.c.decision_id == c.id)
            .where(c.kind.in_(kinds), c.undone_at.is_(None), identity_pages.c.url.in_(one | other))
        )
        named: dict[str, list[set[str]]] = {}
        for row in connection.execute(query):
            named.setdefault(row.id, [set(), set()])[row.side].add(row.url)
        ids = sorted(
            decision
            for decision, (first, second) in named.items()
            if (first & one and second & other) or (first & other and second & one)
        )
        undone = {"undone_at": self._database.clock.now(), "undone_by": clean(who)}
        connection.execute(update(identity_decisions).where(c.id.in_(ids)).values(undone))
        return ids

    def _carry_on(
        self, connection: Connection, overruled: Sequence[str], sides: Sequence[tuple[str, _Rows]]
    ) -> list[str]:
        """Joins that a split puts out of force hold on for the pages that it leaves together; -> the new ones' ids."""
        found = connection.execute(select(identity_decisions).where(identity_decisions.c.id.in_(overruled))).all()
        carried = []
        for join in found:
            named = connection.execute(select(identity_pages).where(identity_pages.c.decision_id == join.id)).all()
            for home, rows in sides:
                parts = [
                    [row for row in rows if urls_of_rows([row]) & {p.url for p in named if p.side == n}] for n in (0, 1)
                ]
                if all(parts):
                    told = (join.who, join.reason, {"of": join.id})
                    new = self._write(connection, JOIN, (home, parts[0]), (join.other_id, parts[1]), told)
                    carried.append(new.id)
        return carried

    def _rebuild(self, connection: Connection, *property_ids: str) -> None:
        for property_id in property_ids:
            rebuild(self._database, connection, property_id, changed=True)

    def _back_together(self, connection: Connection, row: Row[Any]) -> None:
        home, other = (alive(connection, one) for one in (row.property_id, row.other_id))
        known = set(connection.execute(select(properties.c.id).where(properties.c.id.in_([home, other]))).scalars())
        if home != other and known == {home, other}:
            fold(connection, other, home)
            self._rebuild(connection, home)

    def _back_apart(self, connection: Connection, row: Row[Any]) -> None:
        """The pages that had come from the other property go back to it, with the ids that it stood for."""
        home = alive(connection, row.property_id)
        urls = select(identity_pages.c.url).where(identity_pages.c.decision_id == row.id, identity_pages.c.side == 1)
        mine = records.c.property_id == home
        moved = connection.execute(select(records.c.url).where(mine, records.c.url.in_(urls))).scalars().all()
        stay = connection.execute(select(records.c.url).where(mine, records.c.url.not_in(moved)).limit(1)).first()
        if not moved or stay is None:
            return
        c = properties.c
        was = connection.execute(select(c.id).where(c.id == row.other_id, c.merged_into == home)).scalar()
        other = was or new_property(self._database, connection)
        theirs = [other, *row.details.get("replaced", [])]
        connection.execute(
            update(properties).where(c.id.in_(theirs[1:]), c.merged_into == home).values(merged_into=other)
        )
        connection.execute(update(properties).where(c.id == other).values(merged_into=None))
        move_pages(connection, moved, home, other)
        self._rebuild(connection, home, other)


def _existing(connection: Connection, property_id: str) -> str:
    """The living property of that id. Raises `NotFoundError`."""
    home = alive(connection, property_id)
    if connection.execute(select(properties.c.id).where(properties.c.id == home)).first() is None:
        raise NotFoundError("property", property_id)
    return home
