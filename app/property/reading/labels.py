"""Read labeled values of the page: `Year built: 1998`, `<dt>/<dd>`, adjacent cells, or a number above its label."""

from collections.abc import Iterator
from typing import Any

from app.property.reading import grids, nearby, owner_address, pairs
from app.property.reading.base import Reading
from app.property.reading.document import Document, Segment
from app.property.reading.terms import Meaning
from app.property.record import Method

_MOST_PAIR_CHARS = 400


def read(page: Document) -> Iterator[Reading]:
    tables = _table_headings(page)
    for segment in page.segments:
        if segment.owner in tables:
            continue
        found = _at(segment, page)
        yield from (one for one in found if not owner_address.is_owners(one.field, one.label, segment, page))


def _table_headings(page: Document) -> set[Any]:
    """Return the elements in heading rows and in the tables that `tables.py` reads. `read` skips these elements."""
    found: set[Any] = set()
    for grid in page.once(grids.grids):
        rows = [grid.head]
        if len(grid.headings) > 2:
            rows += [row for row in grid.body if len(row) == len(grid.head)]
        found.update(element for row in rows for cell in row for element in cell.iter())
    for row in page.root.iter("tr"):
        cells = [c for c in row if c.tag in ("td", "th")]
        if len(cells) >= 2 and all(c.tag == "th" for c in cells):
            found.update(element for cell in cells for element in cell.iter())
    return found


def _at(segment: Segment, page: Document) -> Iterator[Reading]:
    text = segment.text
    if segment.owner.tag == "pre" and "\n" in (segment.owner.text or ""):
        for pair in pairs.in_lines("".join(segment.owner.itertext()), page):
            yield _reading(pair.found, (pair.label, pair.value), segment.owner, page, 0.65)
        return
    if len(text) <= 60 and (found := page.meaning(text)) is not None:
        near = nearby.value_of(found, segment, page) if found.field != "_Ignore" else None
        if near is not None:
            yield _reading(found, (text, near.value), near.element, page, near.confidence)
        return
    if len(text) > _MOST_PAIR_CHARS:
        return
    known = pairs.in_text(text, page)
    for pair in known:
        yield _reading(pair.found, (pair.label, pair.value), segment.owner, page, 0.7 if pair.alone else 0.6)
    if not known and "/" in text and len(text) <= 60:
        yield from _composite(segment, page)


def _reading(found: Meaning, pair: tuple[str, str], element: Any, page: Document, confidence: float) -> Reading:
    label, value = pair
    quote = f"{label.rstrip(':')}: {value}"
    return Reading(found.field, value, Method.LABEL, page.path(element), quote, confidence * found.trust, label)


def _composite(segment: Segment, page: Document) -> Iterator[Reading]:
    """Read a label that names several values: `Lot SF / Acres` with the values next to it, or `Yr Built / Eff: 1988 /
    1992` in one text.
    """
    label, colon, value = segment.text.partition(":")
    if colon and value.strip():
        for pair in pairs.composite(label, value.strip(), page):
            yield _reading(pair.found, (pair.label, pair.value), segment.owner, page, 0.65)
        return
    near = nearby.value_of(Meaning("_Composite"), segment, page) if pairs.names_several(label, page) else None
    for pair in pairs.composite(label, near.value, page) if near else ():
        yield _reading(pair.found, (pair.label, pair.value), near.element if near else None, page, 0.68)
