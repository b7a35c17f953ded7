"""Find the value of a label if label and value are separate texts: by the markup, else by distance in the element
tree.
"""

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

from app.property.fields.table import FIELDS, PROSE, of_kind
from app.property.reading.document import Document, Segment
from app.property.reading.grids import cell_text
from app.property.reading.terms import Meaning
from app.property.reading.trees import is_within, levels_between, spaced_text, squared
from app.property.values.areas import find_unit

_PRICE_LIKE = re.compile(r"^(?:[A-Z]{0,3}[$€£]\s?)?\d[\d.,' \u00a0]*(?:\s?(?:€|zł|kr|[A-Z]{3}))?$")
_MONEY = re.compile(r"^(?:[A-Z]{0,3}[$€£])\s?\d[\d.,' \u00a0]*$")
_NUMBER_ONLY = re.compile(r"^[\d.,½]+\+?$|^[-–]+$")
#: Fields whose number may come before the label.
_COUNTED = frozenset(
    {"_RentWarm", *of_kind("area", "count"), *(n for n in of_kind("money", "year") if FIELDS[n].points)}
)
_NAMES = frozenset(of_kind("name"))
#: Fields whose value is only the first text of a cell. Further texts may be remarks or links.
_ONE_TEXT = _NAMES.union(of_kind("identifier"))
_FEATURES = frozenset({*of_kind("features", "answer"), "X_AccessNotes"})
#: Matches a footnote mark or help link after a label.
_NOTE = re.compile(r"\*+ ?(?:note|see note)?|\(?\d\)|\?|\(\?\)|help", re.IGNORECASE)
_MOST_VALUE_CHARS = 160
_MOST_CLIMB, _FARTHEST = 4, 9
_INNER_LABEL = re.compile(r"(?:^|\s)([A-Z][\w/# ]{1,30}?)(?::| [–—])\s")
_LISTED_AMOUNT = re.compile(r"^[^\w\s]{0,2}\s?\d[\d.,/½ ]*\+?\D{0,8}$|^[-–—]+$")
_MOST_ITEMS = 40
_MOST_CELLS = 16


@dataclass(frozen=True, slots=True)
class Nearby:
    value: str
    element: Any
    confidence: float


def value_of(found: Meaning, segment: Segment, page: Document) -> Nearby | None:
    """Return the value of the label in `segment`, or None if the label has no value. `found` is the label's meaning."""
    if _is_value(segment, found, page):
        return None
    after = _neighbor(segment, page, +1)
    stated = _by_markup(segment, page)
    limit = 5000 if found.field in PROSE else _MOST_VALUE_CHARS
    if stated is not None:
        marked, element = stated
        value = after.text if found.field in _ONE_TEXT and after is not None else marked
        good = bool(value and marked) and len(value) <= limit and not _has_labels(value, page)
        return Nearby(value, element, 0.72) if good else None
    before = _neighbor(segment, page, -1) if _order(segment, page) != "label" else None
    chosen, confidence = after, 0.7
    if found.field in _COUNTED and before is not None and _is_amount(before, found) and not segment.text.endswith(":"):
        nearer = after is None or _distance(segment, before) < _distance(segment, after) or not _is_amount(after, found)
        if nearer or _number_leads(segment, page):
            chosen, confidence = before, 0.65
    if chosen is None or (chosen is after and _is_item(segment, chosen, found)):
        return None
    whole = found.field not in _NAMES
    value = _whole_value(chosen, segment, page) if whole else chosen.text
    if not value or len(value) > limit or _has_labels(value, page):
        return None
    known = page.meaning(value)
    if known is not None and not (value == chosen.text and _is_value(chosen, known, page)):
        return None
    return Nearby(value, chosen.owner, confidence)


def _is_value(segment: Segment, found: Meaning, page: Document) -> bool:
    """Return whether the segment, itself a known label, is the value of the label before it.

    In `Cooling`, `Central air`, `Parking spaces`, `2`, the text `Central air` is nearer to `Cooling` than to the text
    after it, so it is the value of `Cooling`.
    """
    before, after = _neighbor(segment, page, -1), _neighbor(segment, page, +1)
    if before is None or getattr(page.meaning(before.text), "field", "") != found.field:
        return False
    return after is None or _distance(segment, before) < _distance(segment, after)


def _has_labels(value: str, page: Document) -> bool:
    """A label before a text that contains labels is a section's heading."""
    return any(page.meaning(m[1].strip()) is not None for m in _INNER_LABEL.finditer(value))


def _is_item(segment: Segment, after: Segment, found: Meaning) -> bool:
    """Return whether the label is itself a feature in a list, such as `Heating` before `Ceiling Fans`."""
    item = next((a for a in (segment.owner, *segment.owner.iterancestors()) if a.tag == "li"), None)
    if item is None or found.field not in _FEATURES or segment.text.endswith(":"):
        return False
    return not is_within(after.owner, item) and spaced_text(item) == segment.text


def _is_amount(segment: Segment, found: Meaning) -> bool:
    if segment.text in ("-", "–", "—", "--"):
        return True
    if found.field == "_RentWarm":
        return _PRICE_LIKE.match(segment.text) is not None
    spec = FIELDS.get(found.field)
    if spec is not None and spec.kind == "year":
        return re.match(r"^(?:1[6-9]|20)\d\d$", segment.text) is not None
    if spec is not None and spec.kind == "money":  # an asking price needs no currency sign
        return (_PRICE_LIKE if spec.per else _MONEY).match(segment.text) is not None
    if spec is not None and spec.kind == "area":
        return re.fullmatch(r"[^\d:/]{0,12}\d[\d.,' \u00a0]*", segment.text) is not None or (
            segment.text[:1].isdigit() and len(segment.text) < 40 and find_unit(segment.text) is not None
        )
    return _NUMBER_ONLY.match(segment.text) is not None


def _neighbor(segment: Segment, page: Document, step: int) -> Segment | None:
    """Return the next text in direction `step` (1 or -1) if that text is near in the tree.

    At most one text is skipped: punctuation, or the mark of a note.
    """
    for hop in (1, 2):
        index = segment.index + step * hop
        if not 0 <= index < len(page.segments):
            return None
        other = page.segments[index]
        marks = step > 0 and hop == 1 and _NOTE.fullmatch(other.text) is not None and _distance(segment, other) <= 1
        if (re.search(r"\w", other.text) and not marks) or other.text in ("-", "–", "—"):
            return other if _distance(segment, other) <= _MOST_CLIMB else None
    return None


def _distance(one: Segment, other: Segment) -> int:
    return levels_between(one.owner, other.owner, _FARTHEST)


def _number_leads(segment: Segment, page: Document) -> bool:
    """Return whether the run of numbers and labels that ends at `segment` begins with a number, so that each number
    precedes its label.
    """
    index = segment.index
    while index > 0 and segment.index - index <= 12:
        before = page.segments[index - 1]
        known = page.meaning(before.text) if len(before.text) <= 25 else None
        in_run = _NUMBER_ONLY.match(before.text) is not None or (known is not None and known.field in _COUNTED)
        if not in_run or _distance(segment, before) > 2:
            break
        index -= 1
    labeled = index > 0 and page.meaning(page.segments[index - 1].text) is not None
    return _NUMBER_ONLY.match(page.segments[index].text) is not None and not labeled


def _whole_value(start: Segment, label: Segment, page: Document) -> str:
    around = {label.owner, *label.owner.iterancestors()}
    block = start.owner
    if block in around:
        return start.text
    while block.getparent() is not None and block.getparent() not in around:
        block = block.getparent()
    while True:
        text = _text_of(block, start, page)
        if len(text) <= _MOST_VALUE_CHARS or block is start.owner:
            return text
        inner = start.owner
        while inner.getparent() is not block and inner.getparent() is not None:
            inner = inner.getparent()
        block = inner


def _text_of(block: Any, start: Segment, page: Document) -> str:
    parts = _segments_in(block, start, page)
    if any(p is not start and page.meaning(p.text) is not None and len(p.text) > 3 for p in parts[1:]):
        return ""  # the block contains labels, so the label before it is its heading
    return squared((", " if block.tag in ("ul", "ol") else " ").join(part.text for part in parts))


def _segments_in(block: Any, inside: Segment, page: Document) -> list[Segment]:
    first, segments = inside.index, page.segments
    while first > 0 and inside.index - first < _MOST_ITEMS and is_within(segments[first - 1].owner, block):
        first -= 1
    return list(takewhile(lambda one: is_within(one.owner, block), segments[first : first + _MOST_ITEMS]))


def _by_markup(segment: Segment, page: Document) -> tuple[str, Any] | None:
    """Return the label's value ("" if it has none) and the value's element in a definition list or table row.

    Return None if the label is not a whole term or cell, or if its row is not read as label and value.
    """
    cell = next((a for a in (segment.owner, *segment.owner.iterancestors()) if a.tag in ("td", "th", "dt")), None)
    if cell is None or cell_text(cell) != segment.text[:300]:
        return None
    if cell.tag == "dt":
        following = cell.getnext()
        if following is None or following.tag != "dd":
            return None
        return (cell_text(following), following)
    row = cell.getparent()
    if row is None or row.tag != "tr":
        return None
    cells = [c for c in row if c.tag in ("td", "th")][:_MOST_CELLS]
    return _in_row(cells, cells.index(cell), page) if cell in cells else None


def _in_row(cells: list[Any], at: int, page: Document) -> tuple[str, Any] | None:
    texts = [cell_text(c) for c in cells]
    first = next((t for t in texts if t), "")
    if at == 1 == len(cells) - 1 and page.meaning(texts[0].rstrip(":")) is not None:
        return ("", cells[at])  # in `A/C | Heating & Cooling`, the second cell is the value
    if at + 1 >= len(cells) or _LISTED_AMOUNT.match(first) or (len(cells) > 2 and all(c.tag == "th" for c in cells)):
        return None
    own, other = (page.meaning(t.rstrip(":")) for t in texts[at : at + 2])
    if other is not None and (len(cells) > 2 or own is None or own.field != other.field):
        return None  # two headings side by side, unlike the pair `Cooling | Central air`
    return (texts[at + 1], cells[at + 1])


def _order(segment: Segment, page: Document) -> Literal["label", "value"] | None:
    """Return what comes first in the element around `segment`: a label or a value. Return None if unclear."""
    block = segment.owner
    while block.getparent() is not None and _is_all(block.getparent(), segment):
        block = block.getparent()
    parent = block.getparent() if _is_all(block, segment) else block
    if parent is None:
        return None
    items = [one.text for one in _segments_in(parent, segment, page)]
    for index, text in enumerate(items):
        if page.meaning(text.rstrip(":")) is not None and len(text) <= 60:
            return "label" if index + 1 < len(items) else None
        if _LISTED_AMOUNT.match(text):
            return "value"
    return None


def _is_all(element: Any, segment: Segment) -> bool:
    parts = (t for t in element.itertext() if t.strip())
    first = next(parts, "")
    return " ".join(first.split()) == segment.text and next(parts, None) is None
