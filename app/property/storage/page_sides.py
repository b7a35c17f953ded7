"""What people decided on pages, as it bears on the next one that is stored: kept apart from which, kept with which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, or_, select

from app.property.source_record import SourceRecord
from app.property.storage.tables import identity_decisions, identity_pages, properties, records

SPLIT, JOIN = "split", "join"
#: two properties that a person has to look at: no decision yet
REVIEW = "review"
_IN_FORCE = identity_decisions.c.undone_at.is_(None)


def known_as(record: SourceRecord) -> list[str]:
    """The URLs by which a decision knows the page."""
    return [url for url in dict.fromkeys((record.url, record.page_url)) if url]


def sides_of(connection: Connection, urls: Iterable[str]) -> list[tuple[str, str, int]]:
    """(kind, decision, side) of the decisions in force that name one of `urls`."""
    query = (
        select(identity_decisions.c.kind, identity_pages.c.decision_id, identity_pages.c.side)
        .join(identity_decisions, identity_decisions.c.id == identity_pages.c.decision_id)
        .where(_IN_FORCE, identity_pages.c.url.in_(list(urls)))
    )
    return sorted({(row.kind, row.decision_id, row.side) for row in connection.execute(query)})


def homes_of_side(connection: Connection, decision_id: str, side: int) -> set[str]:
    """The properties that the pages of one side are of by now."""
    urls = select(identity_pages.c.url).where(
        identity_pages.c.decision_id == decision_id, identity_pages.c.side == side
    )
    return set(connection.execute(select(records.c.property_id).where(_known(urls))).scalars())


def split_from(connection: Connection, sides: Sequence[tuple[str, str, int]]) -> set[str]:
    """The properties that hold a page which somebody said is not of the property of the page with these `sides`."""
    found = set[str]()
    for kind, decision_id, side in sides:
        if kind == SPLIT:
            found |= homes_of_side(connection, decision_id, 1 - side)
    return found


def joined_to(connection: Connection, sides: Sequence[tuple[str, str, int]]) -> str | None:
    """The property of the pages which somebody said are one with the page of these `sides`; the oldest of several."""
    homes = set[str]()
    for kind, decision_id, _ in sides:
        if kind == JOIN:
            homes |= homes_of_side(connection, decision_id, 0) | homes_of_side(connection, decision_id, 1)
    if not homes:
        return None
    query = select(properties.c.id).where(properties.c.id.in_(homes), properties.c.merged_into.is_(None))
    return connection.execute(query.order_by(properties.c.created_at, properties.c.id).limit(1)).scalar()


def are_split(connection: Connection, property_ids: Sequence[str]) -> bool:
    """Whether a decision in force keeps pages of two of these properties apart."""
    rows = connection.execute(select(records).where(records.c.property_id.in_(property_ids)))
    urls: dict[str, set[str]] = {}
    for row in rows:
        urls.setdefault(row.property_id, set()).update(url for url in (row.url, row.page_url) if url)
    sides = {
        home: {(decision, side) for kind, decision, side in sides_of(connection, of_home) if kind == SPLIT}
        for home, of_home in urls.items()
    }
    return any(
        (decision, 1 - side) in sides[other]
        for home in sides
        for decision, side in sides[home]
        for other in sides
        if other != home
    )


def _known(urls: object) -> ColumnElement[bool]:
    return or_(records.c.url.in_(urls), records.c.page_url.in_(urls))  # type: ignore[arg-type]
