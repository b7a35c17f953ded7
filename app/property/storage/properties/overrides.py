"""What people decided on which pages are one property, as rows: each decision names pages on two sides.

Of two pages the newest decision holds that names both and is not undone: a join keeps them together, a split keeps them
apart if they are on different sides. A review decides nothing: it asks a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select

from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.properties.rebuild import moment
from app.property.storage.properties.source_records import urls_of
from app.property.storage.statements import clean, new_id
from app.property.storage.tables import identity_overrides, properties, records

SPLIT, JOIN, REVIEW = "split", "join", "review"
#: who a review is by: no person made it
SYSTEM = "propintel"
_C = identity_overrides.c


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
        """The shape that the doors show: JSON types only."""
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "who": self.who,
            "kind": self.kind,
            "reason": self.reason,
            "property": self.property,
            "other": self.other,
            "pages": list(self.pages),
            "undone_at": self.undone_at.isoformat() if self.undone_at else None,
            "undone_by": self.undone_by,
        }


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
    connection.execute(insert(identity_overrides), rows)
    return read(connection, [decision_id])[0]


def read(connection: Connection, ids: Sequence[str]) -> list[IdentityDecision]:
    """The decisions with these ids, the oldest first."""
    query = select(identity_overrides).where(_C.decision_id.in_(ids)).order_by(_C.at, _C.decision_id, _C.url)
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


def urls_of_rows(pages: Iterable[Row[Any] | SourceRecord]) -> set[str]:
    """The URLs by which decisions name pages."""
    return {url for row in pages for url in (row.url, row.page_url) if url}


# --- what holds for a page


@dataclass(frozen=True, slots=True)
class Pins:
    """The URLs of pages that people keep together with a page, and of those that they keep apart from it."""

    together: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()


def pins_of(connection: Connection, page: Row[Any] | SourceRecord) -> Pins:
    """What people decided on a page and others."""
    urls = urls_of_rows([page])
    return _pins(_naming(connection, urls), urls)


def are_split(connection: Connection, property_ids: Sequence[str]) -> bool:
    """Whether people keep pages of two of these properties apart."""
    pages = connection.execute(select(records).where(records.c.property_id.in_(property_ids))).all()
    decisions = _naming(connection, urls_of_rows(pages))
    for page in pages:
        apart = _pins(decisions, urls_of_rows([page])).apart
        if apart & urls_of_rows(one for one in pages if one.property_id != page.property_id):
            return True
    return False


def homes_of(connection: Connection, urls: Collection[str]) -> set[str]:
    """The properties that these pages are of by now."""
    if not urls:
        return set()
    named = or_(records.c.url.in_(urls), records.c.page_url.in_(urls))
    return set(connection.execute(select(records.c.property_id).where(named)).scalars())


def joined_to(connection: Connection, pins: Pins) -> str | None:
    """The property of the pages that people keep together with one; the oldest of several."""
    homes = homes_of(connection, pins.together)
    if not homes:
        return None
    query = select(properties.c.id).where(properties.c.id.in_(homes), properties.c.merged_into.is_(None))
    return connection.execute(query.order_by(properties.c.created_at, properties.c.id).limit(1)).scalar()


def _naming(connection: Connection, urls: Collection[str]) -> Sequence[Row[Any]]:
    """All pages of the decisions that name one of `urls`, by decision, the oldest first."""
    named = select(_C.decision_id).where(_C.url.in_(urls), _C.undone_at.is_(None), _C.kind != REVIEW)
    query = select(_C.decision_id, _C.kind, _C.side, _C.url).where(_C.decision_id.in_(named))
    rows: Sequence[Any] = connection.execute(query.order_by(_C.at, _C.decision_id)).all()
    return rows


def _pins(decisions: Iterable[Row[Any]], urls: set[str]) -> Pins:
    newest = dict[str, str]()
    for _, group in groupby(decisions, attrgetter("decision_id")):
        rows = list(group)
        sides = {row.side for row in rows if row.url in urls}
        if sides:
            held = (row for row in rows if row.url not in urls and (row.kind == JOIN or row.side not in sides))
            newest |= {row.url: row.kind for row in held}
    together, apart = (frozenset(url for url, kind in newest.items() if kind == one) for one in (JOIN, SPLIT))
    return Pins(together, apart)


# --- what a person is asked


def ask_for_review(
    database: Database, connection: Connection, record: SourceRecord, pair: tuple[str, str], why: str
) -> None:
    """Have a person say whether the two properties are one, which only `record` says.

    Asked once: neither while a review of the two is open, nor again for the same page after it was closed.
    """
    home, other = pair
    mine = {url for url in urls_of(record) if url}
    of_pair = or_(
        and_(_C.property_id == home, _C.other_id == other), and_(_C.property_id == other, _C.other_id == home)
    )
    asked = select(_C.decision_id).where(of_pair, _C.kind == REVIEW, or_(_C.undone_at.is_(None), _C.url.in_(mine)))
    if connection.execute(asked.limit(1)).first():
        return
    sides = [
        urls_of_rows(connection.execute(select(records).where(records.c.property_id == one)).all()) for one in pair
    ]
    kept, moved = (home, sides[0] | mine), (other, sides[1] - mine)
    write(database, connection, REVIEW, kept, moved, who=SYSTEM, reason=why)


def open_reviews() -> Any:
    """Those that nobody has answered, of properties that are still two, as a condition on `identity_overrides`."""
    one, other = (
        select(func.coalesce(properties.c.merged_into, properties.c.id))
        .where(properties.c.id == column)
        .scalar_subquery()
        for column in (_C.property_id, _C.other_id)
    )
    return and_(_C.kind == REVIEW, _C.undone_at.is_(None), one != other)


def count_reviews(connection: Connection) -> int:
    """How many pairs of properties wait for a person."""
    return int(connection.execute(select(func.count(_C.decision_id.distinct())).where(open_reviews())).scalar_one())
