"""Find a label's value by markup: `<dt>/<dd>`, cells of a row, and the order of labels and values in a block.

A block reads `Beds 4` or `4 Beds`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from app.property.reading.document import Document, Segment
from app.property.reading.grids import cell_text
from app.property.reading.trees import is_within

_AMOUNT = re.compile(r"^[^\w\s]{0,2}\s?\d[\d.,/½ ]*\+?\D{0,8}$|^[-–—]+$")
_MOST_ITEMS = 40
_MOST_CELLS = 16


@dataclass(frozen=True, slots=True)
class MarkedValue:
    """A label's value and its element, by markup; `value` is "" if the label has none."""

    value: str
    element: Any


def by_markup(segment: Segment, page: Document) -> MarkedValue | None:
    """Return the label's value in a definition list or table row; None outside of both, or if values precede labels."""
    cell = next((a for a in (segment.owner, *segment.owner.iterancestors()) if a.tag in ("td", "th", "dt")), None)
    if cell is None or cell_text(cell) != segment.text[:300]:
        return None
    if cell.tag == "dt":
        following = cell.getnext()
        if following is None or following.tag != "dd":
            return None
        return MarkedValue(cell_text(following), following)
    row = cell.getparent()
    if row is None or row.tag != "tr":
        return None
    cells = [c for c in row if c.tag in ("td", "th")][:_MOST_CELLS]
    return _in_row(cells, cells.index(cell), page) if cell in cells else None


def _in_row(cells: list[Any], at: int, page: Document) -> MarkedValue | None:
    texts = [cell_text(c) for c in cells]
    first = next((t for t in texts if t), "")
    if at == 1 == len(cells) - 1 and page.meaning(texts[0].rstrip(":")) is not None:
        return MarkedValue("", cells[at])  # `A/C | Heating & Cooling` is a value of the label before it
    if at + 1 >= len(cells) or _AMOUNT.match(first) or (len(cells) > 2 and all(c.tag == "th" for c in cells)):
        return None
    own, other = (page.meaning(t.rstrip(":")) for t in texts[at : at + 2])
    if other is not None and (len(cells) > 2 or own is None or own.field != other.field):
        return None  # these are headings side by side, unlike `Cooling | Central air`
    return MarkedValue(texts[at + 1], cells[at + 1])


def order(segment: Segment, page: Document) -> Literal["label", "value"] | None:
    """Return whether labels or values come first in the label's block; None if unclear."""
    block = segment.owner
    while block.getparent() is not None and _is_all(block.getparent(), segment):
        block = block.getparent()
    parent = block.getparent() if _is_all(block, segment) else block
    if parent is None:
        return None
    items = _items(parent, segment, page)
    for index, text in enumerate(items):
        if page.meaning(text.rstrip(":")) is not None and len(text) <= 60:
            return "label" if index + 1 < len(items) else None
        if _AMOUNT.match(text):
            return "value"
    return None


def _is_all(element: Any, segment: Segment) -> bool:
    """Return whether `element` holds the text of `segment` and no other."""
    parts = (t for t in element.itertext() if t.strip())
    first = next(parts, "")
    return " ".join(first.split()) == segment.text and next(parts, None) is None


def _items(parent: Any, segment: Segment, page: Document) -> list[str]:
    """Return the texts inside `parent` around `segment`, in order."""
    first = segment.index
    while first > 0 and segment.index - first < _MOST_ITEMS and is_within(page.segments[first - 1].owner, parent):
        first -= 1
    found: list[str] = []
    for other in page.segments[first : first + _MOST_ITEMS]:
        if not is_within(other.owner, parent):
            break
        found.append(other.text)
    return found
