"""Store decisions on which pages describe the same property: splits, joins, and reviews.

People split and join properties, and can undo these decisions. The program requests a review if only a page of unknown
kind connects two properties.

A decision refers to page URLs on two sides, because a merge changes properties but not pages. A join keeps all its
pages in one property. A split keeps its two sides in different properties. Joins and splits also apply to later records
of their pages (`resolve.py`), until they are undone. Of several decisions on the same two pages, the newest counts.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, update

from app.errors import NotFoundError
from app.errors.pages import IdentityDecisionError
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.paging import Order, Page
from app.property.storage.properties.locks import lock_rows
from app.property.storage.properties.rebuild import (
    canonical_id,
    existing,
    merge_into,
    move_pages,
    new_property,
    next_update_time,
    rebuild,
)
from app.property.storage.properties.source_records import urls_of
from app.property.storage.properties.tables import IdentityDecision, IdentityPin, Property, SourceRow
from app.property.storage.statements import Store, clean, entities, insert_all, new_id

SPLIT, JOIN, REVIEW = "split", "join", "review"
#: The author of reviews.
SYSTEM = "propintel"
_C = IdentityDecision
ORDER = Order("reviews", (_C.at, _C.id))


class DecisionStore(Store):
    def split(self, property_id: str, urls: Sequence[str], *, who: str, reason: str = "") -> IdentityDecision:
        """Move the pages `urls` to a new property, and keep the two properties apart.

        Raises `NotFoundError` if there is no property `property_id`. Raises `IdentityDecisionError` if a URL is not a
        page of the property, or if all or none of its pages would move.
        """

        def work(connection: Connection) -> IdentityDecision:
            kept_id = existing(connection, property_id).id
            lock_rows(connection, [kept_id])
            sources = pages_of(connection, kept_id)
            moved = [row for row in sources if set(urls) & {row.url, row.final_url, row.page_url}]
            for url in urls:
                if not any(url in (row.url, row.final_url, row.page_url) for row in moved):
                    raise IdentityDecisionError(property_id, f"{url} is not one of its sources")
            kept = [row for row in sources if row not in moved]
            if not kept or not moved:
                raise IdentityDecisionError(property_id, "at least one source has to move, and at least one to stay")
            other = new_property(self._database, connection)
            sides = (kept_id, pinned_urls(kept)), (other, pinned_urls(moved))
            decision = _decide(self._database, connection, SPLIT, *sides, who=who, reason=reason)
            self._move(connection, [row.url for row in moved], kept_id, other)
            return decision

        return self._database.repeat(work)

    def join(self, property_id: str, other_id: str, *, who: str, reason: str = "") -> IdentityDecision:
        """Merge `other_id` into `property_id`, and keep their pages together.

        Raises `NotFoundError`, and `IdentityDecisionError` if both ids already mean the same property.
        """

        def work(connection: Connection) -> IdentityDecision:
            lock_rows(connection, [property_id, other_id])
            kept_id, other = existing(connection, property_id).id, existing(connection, other_id).id
            lock_rows(connection, [kept_id, other])
            if kept_id == other:
                raise IdentityDecisionError(property_id, f"{other_id} is this property already")
            sides = [(one, pinned_urls(pages_of(connection, one))) for one in (kept_id, other)]
            decision = _decide(self._database, connection, JOIN, *sides, who=who, reason=reason)
            self._merge(connection, other, kept_id)
            return decision

        return self._database.repeat(work)

    def undo(self, decision_id: str, *, who: str) -> IdentityDecision:
        """Undo a decision.

        Undoing a join moves the other property's pages back, except pages that another join keeps with the remaining
        ones. Undoing a split merges the two properties, unless another split keeps them apart. Undoing a review closes
        it.

        Raises `NotFoundError`, and `IdentityDecisionError` if the decision is already undone.
        """

        def work(connection: Connection) -> IdentityDecision:
            mine = select(_C).where(_C.id == decision_id)
            found = entities(connection, mine)
            if not found:
                raise NotFoundError("decision", decision_id)
            lock_rows(connection, [found[0].property_id, found[0].other_id])
            undone = update(_C).where(_C.id == decision_id, _C.undone_at.is_(None))
            values = {"undone_at": self._database.clock.now(), "undone_by": clean(who)}
            if connection.execute(undone.values(values)).rowcount != 1:
                raise IdentityDecisionError(found[0].property_id, f"decision {decision_id} is undone already")
            (decision,) = entities(connection, mine)
            if decision.kind == SPLIT:
                self._back_together(connection, decision)
            elif decision.kind == JOIN:
                self._back_apart(connection, decision)
            return decision

        return self._database.repeat(work)

    def of(self, property_id: str) -> list[IdentityDecision]:
        """Return the decisions on a property and on those merged into it, newest first."""
        with self._database.reading() as connection:
            kept_id = canonical_id(connection, property_id)
            family = select(Property.id).where(or_(Property.id == kept_id, Property.merged_into == kept_id))
            named = or_(_C.property_id.in_(family), _C.other_id.in_(family))
            return entities(connection, select(_C).where(named).order_by(_C.at.desc(), _C.id.desc()))

    def reviews(self, cursor: str | None = None, *, limit: int = 100) -> Page[IdentityDecision]:
        """Return a page of open reviews, oldest first. Raises `InvalidCursorError`."""
        return self._page(ORDER, select(_C).where(_is_open()), cursor, limit)

    def _merge(self, connection: Connection, other: str, kept_id: str) -> None:
        merge_into(connection, other, kept_id)
        rebuild(self._database, connection, kept_id, changed=True)

    def _move(self, connection: Connection, urls: Sequence[str], kept_id: str, other: str) -> None:
        move_pages(connection, urls, kept_id, other)
        for property_id in (kept_id, other):
            rebuild(self._database, connection, property_id, changed=True)

    def _back_together(self, connection: Connection, split: IdentityDecision) -> None:
        kept_id, other = pair = [canonical_id(connection, one) for one in (split.property_id, split.other_id)]
        known = connection.execute(select(Property.id).where(Property.id.in_(pair))).all()
        if len(known) == 2 and not are_split(connection, pair):
            self._merge(connection, other, kept_id)

    def _back_apart(self, connection: Connection, join: IdentityDecision) -> None:
        kept_id = canonical_id(connection, join.property_id)
        sources = pages_of(connection, kept_id)
        stay = pinned_urls(row for row in sources if row.url not in join.pages)
        pins = pins_of(connection, [row for row in sources if row.url in join.pages])
        moved = [url for url, pin in pins.items() if not stay & pin.together]
        if not moved or len(moved) == len(sources):
            return
        c = Property
        was = connection.execute(select(c.id).where(c.id == join.other_id, c.merged_into == kept_id)).scalar()
        other = was or new_property(self._database, connection)
        back = update(Property).where(c.id.in_(join.replaced), c.merged_into == kept_id)
        connection.execute(back.values(merged_into=other))
        connection.execute(update(Property).where(c.id == other).values(merged_into=None))
        self._move(connection, moved, kept_id, other)


def _decide(
    database: Database,
    connection: Connection,
    kind: str,
    kept: tuple[str, Iterable[str]],
    moved: tuple[str, Iterable[str]],
    *,
    who: str,
    reason: str,
) -> IdentityDecision:
    replaced = connection.execute(select(Property.id).where(Property.merged_into == moved[0]).order_by(Property.id))
    decision = IdentityDecision(
        id=new_id(),
        at=next_update_time(database, connection),  # later than any earlier update of a property
        who=clean(who),
        kind=kind,
        reason=clean(reason),
        property_id=kept[0],
        other_id=moved[0],
        replaced=list(replaced.scalars()),
        pins=[IdentityPin(side=n, url=url) for n, (_, urls) in enumerate((kept, moved)) for url in sorted(urls)],
    )
    insert_all(connection, [decision])
    return decision


def ask_for_review(
    database: Database, connection: Connection, record: SourceRecord, pair: tuple[str, str], why: str
) -> None:
    """Request a review of two properties that only `record` connects.

    Do nothing if the pair has an open review, or a closed one that names the page of `record`.
    """
    mine = urls_of(record)
    of_pair = _C.property_id.in_(pair) & _C.other_id.in_(pair) & (_C.kind == REVIEW)
    asked = select(_C.id).where(of_pair, or_(_C.undone_at.is_(None), _C.pins.any(IdentityPin.url.in_(mine))))
    if connection.execute(asked.limit(1)).first():
        return
    kept, other = (pinned_urls(pages_of(connection, one)) for one in pair)
    sides = (pair[0], kept | mine), (pair[1], other - mine)
    _decide(database, connection, REVIEW, *sides, who=SYSTEM, reason=why)


def _is_open() -> ColumnElement[bool]:
    """The condition for open reviews. A review also ends when its two properties are merged."""
    one, other = (
        select(func.coalesce(Property.merged_into, Property.id)).where(Property.id == column).scalar_subquery()
        for column in (_C.property_id, _C.other_id)
    )
    return (_C.kind == REVIEW) & _C.undone_at.is_(None) & (one != other)


def count_reviews(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(_C).where(_is_open())).scalar_one())


class Pins(NamedTuple):
    """URLs of pages that decisions keep together with one page, or apart from it."""

    together: frozenset[str]
    apart: frozenset[str]


def pages_of(connection: Connection, *property_ids: str) -> Sequence[Row[Any]]:
    columns = SourceRow.property_id, SourceRow.url, SourceRow.final_url, SourceRow.page_url
    rows: Sequence[Any] = connection.execute(select(*columns).where(SourceRow.property_id.in_(property_ids))).all()
    return rows


def pinned_urls(pages: Iterable[Row[Any] | SourceRecord]) -> set[str]:
    return {url for page in pages for url in (page.url, page.page_url) if url}


def pins_of(connection: Connection, pages: Sequence[Row[Any] | SourceRecord]) -> dict[str, Pins]:
    """Return, by page URL, the pages that decisions keep together with the page or apart from it."""
    named = select(IdentityPin.decision_id).where(IdentityPin.url.in_(pinned_urls(pages)))
    c = IdentityDecision
    query = select(c).where(c.id.in_(named), c.undone_at.is_(None), c.kind != REVIEW).order_by(c.at, c.id)
    decisions = entities(connection, query)
    return {page.url: _pins(decisions, pinned_urls([page])) for page in pages}


def _pins(decisions: Iterable[IdentityDecision], urls: set[str]) -> Pins:
    newest = dict[str, str]()
    for decision in decisions:  # oldest first, so that newer decisions override older ones
        sides = {pin.side for pin in decision.pins if pin.url in urls}
        if sides:
            others = (pin for pin in decision.pins if pin.url not in urls)
            held = (pin for pin in others if decision.kind == JOIN or pin.side not in sides)
            newest |= {pin.url: decision.kind for pin in held}
    together, apart = (frozenset(url for url, kind in newest.items() if kind == one) for one in (JOIN, SPLIT))
    return Pins(together, apart)


def are_split(connection: Connection, property_ids: Sequence[str]) -> bool:
    pages = pages_of(connection, *property_ids)
    pins = pins_of(connection, pages)
    return any(
        pins[page.url].apart & pinned_urls(one for one in pages if one.property_id != page.property_id)
        for page in pages
    )


def properties_with(connection: Connection, urls: Collection[str]) -> Sequence[str]:
    """Return the ids of properties that have one of these pages, the oldest property first."""
    if not urls:
        return []
    query = select(Property.id).join(SourceRow, SourceRow.property_id == Property.id).group_by(Property.id)
    mine = query.where(or_(SourceRow.url.in_(urls), SourceRow.page_url.in_(urls)), Property.merged_into.is_(None))
    return connection.execute(mine.order_by(Property.created_at, Property.id)).scalars().all()
