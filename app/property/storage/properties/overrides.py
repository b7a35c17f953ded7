"""What people decided on which pages are one property, as rows: each decision names pages on two sides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select

from app.property.merging.pins import REVIEW, Pins, pins_from
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.properties.rebuild import moment
from app.property.storage.properties.source_records import urls_of
from app.property.storage.properties.tables import IdentityOverride, Property, SourceRow
from app.property.storage.statements import clean, new_id

#: who a review is by: no person made it
SYSTEM = "propintel"
_C = IdentityOverride


@dataclass(frozen=True, slots=True)
class IdentityDecision:
    """A decision as it stands. `property` kept its id, `other` came of it (split) or went into it (join).

    A `review` is none yet: a page of unknown kind fits both, and a person has to say whether they are one.
    `pages` are those of `other`. `undone_at` is None while it is not undone.
    """

    id: str
    at: datetime
    who: str
    kind: str
    reason: str
    property: str
    other: str
    pages: tuple[str, ...]
    undone_at: datetime | None
    undone_by: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the shape that interfaces show: JSON types only."""
        undone_at = self.undone_at.isoformat() if self.undone_at else None
        return {**asdict(self), "at": self.at.isoformat(), "pages": list(self.pages), "undone_at": undone_at}


def write(
    database: Database,
    connection: Connection,
    kind: str,
    kept: tuple[str, Iterable[str]],
    moved: tuple[str, Iterable[str]],
    *,
    who: str,
    reason: str,
    replaced: Sequence[str] = (),
) -> IdentityDecision:
    """Store a decision. `kept` and `moved`: a property and the URLs of its pages."""
    decision_id = new_id()
    row = {
        "decision_id": decision_id,
        "at": moment(database, connection),  # after all earlier decisions
        "who": clean(who),
        "kind": kind,
        "reason": clean(reason),
        "property_id": kept[0],
        "other_id": moved[0],
        "replaced": list(replaced),
    }
    sides = enumerate((kept[1], moved[1]))
    rows = [row | {"side": side, "url": url} for side, urls in sides for url in sorted(set(urls))]
    connection.execute(insert(IdentityOverride), rows)
    return read(connection, [decision_id])[0]


def read(connection: Connection, ids: Sequence[str]) -> list[IdentityDecision]:
    """The decisions with these ids, the oldest first."""
    query = select(IdentityOverride).where(_C.decision_id.in_(ids)).order_by(_C.at, _C.decision_id, _C.url)
    groups = (list(rows) for _, rows in groupby(connection.execute(query), attrgetter("decision_id")))
    return [
        IdentityDecision(
            id=row.decision_id, at=row.at, who=row.who, kind=row.kind, reason=row.reason, property=row.property_id,
            other=row.other_id, pages=tuple(one.url for one in rows if one.side == 1), undone_at=row.undone_at,
            undone_by=row.undone_by,
        )
        for rows in groups
        for row in rows[:1]
    ]  # fmt: skip


def pages_of(connection: Connection, *property_ids: str) -> Sequence[Row[Any]]:
    """The URLs of the pages of these properties."""
    columns = SourceRow.property_id, SourceRow.url, SourceRow.final_url, SourceRow.page_url
    rows: Sequence[Any] = connection.execute(select(*columns).where(SourceRow.property_id.in_(property_ids))).all()
    return rows


def urls_of_rows(pages: Iterable[Row[Any] | SourceRecord]) -> set[str]:
    """The URLs by which decisions name pages."""
    return {url for row in pages for url in (row.url, row.page_url) if url}


# --- what holds for a page


def pins_of(connection: Connection, page: SourceRecord) -> Pins:
    """What people decided on a page and others."""
    return pins_of_each(connection, [page])[page.url]


def pins_of_each(connection: Connection, pages: Sequence[Row[Any] | SourceRecord]) -> dict[str, Pins]:
    """What people decided on each of the pages, by its URL."""
    decisions = _naming(connection, urls_of_rows(pages))
    return {page.url: pins_from(decisions, urls_of_rows([page])) for page in pages}


def are_split(connection: Connection, property_ids: Sequence[str]) -> bool:
    """Whether people keep pages of two of these properties apart."""
    pages = pages_of(connection, *property_ids)
    pins = pins_of_each(connection, pages)
    return any(
        pins[page.url].apart & urls_of_rows(one for one in pages if one.property_id != page.property_id)
        for page in pages
    )


def homes_of(connection: Connection, urls: Collection[str]) -> set[str]:
    """The properties that these pages are of by now."""
    return set(connection.execute(select(SourceRow.property_id).where(_goes_by(urls))).scalars()) if urls else set()


def joined_to(connection: Connection, pins: Pins) -> str | None:
    """The property of the pages that people keep together with one; the oldest of several."""
    if not pins.together:
        return None
    query = select(Property.id).join(SourceRow, SourceRow.property_id == Property.id)
    mine = query.where(_goes_by(pins.together), Property.merged_into.is_(None))
    return connection.execute(mine.order_by(Property.created_at, Property.id).limit(1)).scalar()


def _goes_by(urls: Collection[str]) -> ColumnElement[bool]:
    return or_(SourceRow.url.in_(urls), SourceRow.page_url.in_(urls))


def _naming(connection: Connection, urls: Collection[str]) -> Sequence[Row[Any]]:
    """All pages of the decisions that name one of `urls`, by decision, the oldest first."""
    named = select(_C.decision_id).where(_C.url.in_(urls), _C.undone_at.is_(None), _C.kind != REVIEW)
    query = select(_C.decision_id, _C.kind, _C.side, _C.url).where(_C.decision_id.in_(named))
    rows: Sequence[Any] = connection.execute(query.order_by(_C.at, _C.decision_id)).all()
    return rows


# --- what a person is asked


def ask_for_review(
    database: Database, connection: Connection, record: SourceRecord, pair: tuple[str, str], why: str
) -> None:
    """Have a person say whether the two properties are one, which only `record` says.

    Asked once: neither while a review of the two is open, nor again for the same page after it was closed.
    """
    home, other = pair
    mine = urls_of(record)
    of_pair = or_(
        and_(_C.property_id == home, _C.other_id == other), and_(_C.property_id == other, _C.other_id == home)
    )
    asked = select(_C.decision_id).where(of_pair, _C.kind == REVIEW, or_(_C.undone_at.is_(None), _C.url.in_(mine)))
    if connection.execute(asked.limit(1)).first():
        return
    pages = pages_of(connection, home, other)
    sides = [urls_of_rows(page for page in pages if page.property_id == one) for one in pair]
    kept, moved = (home, sides[0] | mine), (other, sides[1] - mine)
    write(database, connection, REVIEW, kept, moved, who=SYSTEM, reason=why)


def open_reviews() -> Any:
    """Those that nobody has answered, of properties that are still two, as a condition on `identity_overrides`."""
    one, other = (
        select(func.coalesce(Property.merged_into, Property.id)).where(Property.id == column).scalar_subquery()
        for column in (_C.property_id, _C.other_id)
    )
    return and_(_C.kind == REVIEW, _C.undone_at.is_(None), one != other)


def count_reviews(connection: Connection) -> int:
    """How many pairs of properties wait for a person."""
    return int(connection.execute(select(func.count(_C.decision_id.distinct())).where(open_reviews())).scalar_one())
