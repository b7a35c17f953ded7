"""Decisions on identity as rows: written, read, and found by the pages on their two sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select

from app.property.source_record import SourceRecord
from app.property.storage.engine import Database
from app.property.storage.page_records import urls_of
from app.property.storage.page_sides import REVIEW
from app.property.storage.rows import clean, new_id
from app.property.storage.tables import identity_decisions, identity_pages, properties, records

#: who a review is by: no person made it
SYSTEM = "propintel"
_C = identity_decisions.c


@dataclass(frozen=True, slots=True)
class IdentityDecision:
    """A decision as it stands. `property` kept its id, `other` came of it (split) or went into it (join).

    A `review` is none yet: a page of unknown kind fits both, and a person has to say whether they are one.
    `pages` are those of `other`. `undone_at` is None while it is in force.
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
    told: tuple[str, str, dict[str, Any]],
) -> IdentityDecision:
    """Write a decision down. `kept` and `moved`: a property and the URLs of its pages; `told`: who, why, details."""
    who, reason, details = told
    row = {
        "id": new_id(),
        "at": database.clock.now(),
        "who": clean(who),
        "kind": kind,
        "reason": clean(reason),
        "property_id": kept[0],
        "other_id": moved[0],
        "details": details,
    }
    connection.execute(insert(identity_decisions).values(row))
    pages = [
        {"decision_id": row["id"], "side": side, "url": url}
        for side, urls in enumerate((kept[1], moved[1]))
        for url in sorted(set(urls))
    ]
    if pages:
        connection.execute(insert(identity_pages), pages)
    query = select(identity_decisions).where(_C.id == row["id"])
    return read(connection, [connection.execute(query).one()])[0]


def read(connection: Connection, rows: Sequence[Row[Any]]) -> list[IdentityDecision]:
    """What rows of `identity_decisions` say, with the pages of the other side."""
    ids = [row.id for row in rows]
    pages: dict[str, list[str]] = {}
    query = select(identity_pages).where(identity_pages.c.decision_id.in_(ids), identity_pages.c.side == 1)
    for page in connection.execute(query.order_by(identity_pages.c.url)):
        pages.setdefault(page.decision_id, []).append(page.url)
    return [
        IdentityDecision(
            id=row.id, at=row.at, who=row.who, kind=row.kind, reason=row.reason, property=row.property_id,
            other=row.other_id, pages=tuple(pages.get(row.id, ())), undone_at=row.undone_at, undone_by=row.undone_by,
        )
        for row in rows
    ]  # fmt: skip


def urls_of_rows(sources: Iterable[Row[Any]]) -> set[str]:
    """The URLs by which decisions name pages, of rows of `records`."""
    return {url for row in sources for url in (row.url, row.page_url) if url}


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
    named = select(identity_pages.c.decision_id).where(identity_pages.c.url.in_(mine))
    asked = select(_C.id).where(of_pair, _C.kind == REVIEW, or_(_C.undone_at.is_(None), _C.id.in_(named)))
    if connection.execute(asked.limit(1)).first():
        return
    sides = [
        urls_of_rows(connection.execute(select(records).where(records.c.property_id == one)).all()) for one in pair
    ]
    write(database, connection, REVIEW, (home, sides[0] | mine), (other, sides[1] - mine), told=(SYSTEM, why, {}))


def open_reviews() -> Any:
    """Those that nobody has answered, of properties that are still two, as a condition on `identity_decisions`."""
    one, other = (
        select(func.coalesce(properties.c.merged_into, properties.c.id))
        .where(properties.c.id == column)
        .scalar_subquery()
        for column in (_C.property_id, _C.other_id)
    )
    return and_(_C.kind == REVIEW, _C.undone_at.is_(None), one != other)


def count_reviews(connection: Connection) -> int:
    """How many pairs of properties wait for a person."""
    query = select(func.count()).select_from(identity_decisions).where(open_reviews())
    return int(connection.execute(query).scalar_one())
