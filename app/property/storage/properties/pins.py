"""Find the pages that people's identity decisions keep together or apart.

Each decision names pages on two sides. A join keeps all its pages together. A split keeps pages on different sides
apart. If several decisions apply to the same two pages, the newest one that is not undone counts. A review decides
nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, or_, select

from app.property.source_record import SourceRecord
from app.property.storage.properties.tables import IdentityDecision, IdentityPin, Property, SourceRow
from app.property.storage.statements import entities

SPLIT, JOIN, REVIEW = "split", "join", "review"


class Pins(NamedTuple):
    """The URLs of pages that decisions keep together with a given page, or apart from it."""

    together: frozenset[str]
    apart: frozenset[str]


def pages_of(connection: Connection, *property_ids: str) -> Sequence[Row[Any]]:
    """Return the pages of these properties as rows with the property's id and the page's URLs."""
    columns = SourceRow.property_id, SourceRow.url, SourceRow.final_url, SourceRow.page_url
    rows: Sequence[Any] = connection.execute(select(*columns).where(SourceRow.property_id.in_(property_ids))).all()
    return rows


def pinned_urls(pages: Iterable[Row[Any] | SourceRecord]) -> set[str]:
    """Return the URLs under which decisions store these pages."""
    return {url for page in pages for url in (page.url, page.page_url) if url}


def pins_of(connection: Connection, pages: Sequence[Row[Any] | SourceRecord]) -> dict[str, Pins]:
    """Return, for the URL of each page, the pages that decisions keep together with it or apart from it."""
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
    """Return whether a decision keeps pages of two of these properties apart."""
    pages = pages_of(connection, *property_ids)
    pins = pins_of(connection, pages)
    return any(
        pins[page.url].apart & pinned_urls(one for one in pages if one.property_id != page.property_id)
        for page in pages
    )


def properties_with(connection: Connection, urls: Collection[str]) -> Sequence[str]:
    """Return the ids of the properties that have one of these pages, oldest property first."""
    if not urls:
        return []
    query = select(Property.id).join(SourceRow, SourceRow.property_id == Property.id).group_by(Property.id)
    mine = query.where(or_(SourceRow.url.in_(urls), SourceRow.page_url.in_(urls)), Property.merged_into.is_(None))
    return connection.execute(mine.order_by(Property.created_at, Property.id)).scalars().all()
