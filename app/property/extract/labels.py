"""Labels in the visible page: `Year built: 1998`, `<dt>/<dd>`, cells side by side, a number above its word.

Works on the page's text nodes in order, so that it needs no site's markup. Tables with a row of headings are
`tables.py`, counts inside running text (`3 bed house`) are `phrases.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from app.property.extract.base import Candidate
from app.property.extract.document import Document, Segment
from app.property.extract.readings import Reading, candidates_of
from app.property.extract.terms import Meaning, meaning
from app.property.record import Method

_PAIR = re.compile(r"^([^:：]{2,45})[:：]\s*(\S.*)$", re.DOTALL)
_SEVERAL = re.compile(
    r"(?:^|[,;|•·]\s*|\s{2,})([A-Z][\w/#&'. -]{1,32}?):\s+([^:;|•·]{1,80}?)(?=\s*(?:[,;|•·]|"
    r"\s{2,})\s*[A-Z][\w/#&'. -]{1,32}?:\s|\s*[;|•·]|\s*$)"
)
_PRICE_LIKE = re.compile(r"^(?:[A-Z]{0,3}[$€£]\s?)?\d[\d.,' \u00a0]*(?:\s?(?:€|zł|kr|[A-Z]{3}))?$")
_YEAR_HEADING = re.compile(
    r"^(20\d\d)\s+(?:(?:certified|working|preliminary|proposed|final|market|assessed|"
    r"tax)\s+)?(?:values?|assessments?|roll)$",
    re.I,
)
_OF_A_YEAR = frozenset({"TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount"})
_NUMBER_ONLY = re.compile(r"^[\d.,½]+\+?$|^[-–]+$")
#: words that sites set below or behind their number
_COUNTED = frozenset(
    {
        "BedroomsTotal",
        "BathroomsTotalInteger",
        "RoomsTotal",
        "BathroomsFull",
        "BathroomsHalf",
        "LivingArea",
        "LotSizeArea",
        "ParkingTotal",
        "StoriesTotal",
        "ListPrice",
        "_RentWarm",
        "YearBuilt",
    }
)
_NAMES = frozenset({"ListAgentFullName", "ListOfficeName"})
_LONG_FIELDS = frozenset({"PublicRemarks"})
_MOST_VALUE_CHARS = 160
_MOST_CLIMB = 4


class Labels:
    """Pairs of a known label and the text that belongs to it."""

    name = "labels"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        if page.root is None:
            return
        tables = _table_headings(page)
        years = [
            (s.index, int(m[1])) for s in page.segments if len(s.text) <= 40 and (m := _YEAR_HEADING.match(s.text))
        ]
        if years:
            newest = max(years, key=lambda y: y[1])
            heading = page.segments[newest[0]]
            reading = Reading("TaxYear", newest[1], Method.LABEL, page.path(heading.owner), heading.text, 0.65)
            yield from candidates_of(reading, page.locale)
        for segment in page.segments:
            if segment.owner in tables:
                continue
            for reading in _at(segment, page):
                older = reading.field in _OF_A_YEAR and _is_older(segment, years)
                faded = replace(reading, confidence=reading.confidence * 0.8) if older else reading
                yield from candidates_of(faded, page.locale)


def _is_older(segment: Segment, years: list[tuple[int, int]]) -> bool:
    """True below a heading of a year that is not the newest of such headings."""
    above = [year for index, year in years if index < segment.index]
    return bool(above) and above[-1] < max(year for _, year in years)


def _table_headings(page: Document) -> set[Any]:
    """Elements inside heading rows of grids, which `tables.py` reads."""
    from app.property.extract.tables import grids  # noqa: PLC0415 (the two modules read each other's leftovers)

    found = {element for grid in grids(page) for row in grid.elements for cell in row for element in cell.iter()}
    for row in page.root.iter("tr"):
        cells = [c for c in row if c.tag in ("td", "th")]
        if len(cells) >= 2 and all(c.tag == "th" for c in cells):
            found.update(element for cell in cells for element in cell.iter())
    return found


def _at(segment: Segment, page: Document) -> Iterator[Reading]:
    text = segment.text
    lang = page.locale.lang
    if len(text) <= 60:
        found = meaning(text, lang)
        if found is not None:
            yield from _beside(found, segment, page)
            return
    if len(text) > 400:
        return
    pair = _PAIR.match(text)
    if pair and (found := meaning(pair[1], lang)) is not None and len(pair[2]) <= _MOST_VALUE_CHARS:
        several = _SEVERAL.findall(text)
        if len(several) < 2:
            yield _reading(found, (pair[1], pair[2], text), segment.owner, page, 0.7)
            return
    for label, value in _SEVERAL.findall(text):
        found = meaning(label, lang)
        if found is not None:
            yield _reading(found, (label, value, f"{label}: {value}"), segment.owner, page, 0.6)


def _reading(found: Meaning, pair: tuple[str, str, str], element: Any, page: Document, confidence: float) -> Reading:
    label, value, quote = pair
    return Reading(found.field, value, Method.LABEL, page.path(element), quote, confidence * found.trust, label)


def _beside(found: Meaning, segment: Segment, page: Document) -> Iterator[Reading]:
    """The value of a label that stands alone: behind it, or before it where its number is nearer."""
    before, after = _neighbour(segment, page, -1), _neighbour(segment, page, +1)
    chosen, confidence = after, 0.7
    if found.field in _COUNTED and before is not None and _is_amount(before, found) and not segment.text.endswith(":"):
        nearer = after is None or _distance(segment, before) < _distance(segment, after) or not _is_amount(after, found)
        if nearer or _number_leads(segment, page):
            chosen, confidence = before, 0.65
    if chosen is None or found.field == "_Ignore":
        return
    whole = found.field not in _NAMES
    value = _whole_value(chosen, segment, page, forward=chosen is after) if whole else chosen.text
    limit = 5000 if found.field in _LONG_FIELDS else _MOST_VALUE_CHARS
    if not value or len(value) > limit or _has_labels(value, page.locale.lang) or _in_sentence(segment, page):
        return
    if meaning(value, page.locale.lang) is None:
        yield _reading(found, (segment.text, value, f"{segment.text} {value}"), chosen.owner, page, confidence)


def _has_labels(value: str, lang: str | None) -> bool:
    """True for a block of pairs: then the label was the heading of a section."""
    return any(meaning(m[1].strip(), lang) is not None for m in re.finditer(r"(?:^|\s)([A-Z][\w/# ]{1,30}):\s", value))


def _in_sentence(segment: Segment, page: Document) -> bool:
    """True for a word in the middle of running text, such as the link in `contact <a>agent</a>`."""
    if segment.text[:1].isupper() or segment.text.endswith(":") or not segment.text[:1].isalpha() or segment.index == 0:
        return False
    before = page.segments[segment.index - 1]
    return (
        _distance(segment, before) <= 1
        and before.text[-1:].isalpha()
        and before.owner.tag not in ("dt", "th", "td", "li")
    )


def _is_amount(segment: Segment, found: Meaning) -> bool:
    if segment.text in ("-", "–", "—", "--"):
        return True
    if found.field == "YearBuilt":
        return re.match(r"^(?:1[6-9]|20)\d\d$", segment.text) is not None
    if found.field in ("ListPrice", "_RentWarm"):
        return _PRICE_LIKE.match(segment.text) is not None
    if found.field in ("LivingArea", "LotSizeArea"):
        return (len(segment.text) < 25 and segment.text[-1:].isdigit()) or re.match(
            r"^[\d.,]+\s?(?:m²|m2|sq|kvm|acre|ac)", segment.text
        ) is not None
    return _NUMBER_ONLY.match(segment.text) is not None


def _neighbour(segment: Segment, page: Document, step: int) -> Segment | None:
    """The next text that is not mere punctuation, if it stands in the same surroundings."""
    for hop in (1, 2):
        index = segment.index + step * hop
        if not 0 <= index < len(page.segments):
            return None
        other = page.segments[index]
        if re.search(r"\w", other.text) or other.text in ("-", "–", "—"):
            return other if _distance(segment, other) <= _MOST_CLIMB else None
    return None


def _distance(one: Segment, other: Segment) -> int:
    """How many elements one must climb from `one` to reach an element that also holds `other`; 9 if many."""
    around = {other.owner, *other.owner.iterancestors()}
    element = one.owner
    for steps in range(9):
        if element is None or element in around:
            return steps
        element = element.getparent()
    return 9


def _number_leads(segment: Segment, page: Document) -> bool:
    """In a flat run of numbers and words, true where the run opens with a number."""
    index = segment.index
    while index > 0 and segment.index - index <= 12:
        before = page.segments[index - 1]
        known = meaning(before.text, page.locale.lang) if len(before.text) <= 25 else None
        in_run = _NUMBER_ONLY.match(before.text) is not None or (known is not None and known.field in _COUNTED)
        if not in_run or _distance(segment, before) > 2:
            break
        index -= 1
    return _NUMBER_ONLY.match(page.segments[index].text) is not None


def _whole_value(start: Segment, label: Segment, page: Document, *, forward: bool) -> str:
    """The text of the largest element that holds `start` but not the label, if it is short; else the text node
    itself.
    """
    around = {label.owner, *label.owner.iterancestors()}
    block = start.owner
    if block in around:
        return start.text if not forward else _run(start, block, page)
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


def _run(start: Segment, block: Any, page: Document) -> str:
    """A text node and what follows in inline children of the same element: `131 <b>m</b><sup>2</sup>`."""
    parts = [start.text]
    for other in page.segments[start.index + 1 : start.index + 4]:
        if (
            other.owner is block
            or other.owner.getparent() is not block
            or other.owner.tag not in ("sup", "sub", "small", "abbr", "span")
        ):
            break
        if meaning(other.text, page.locale.lang):
            break
        parts.append(other.text)
    return " ".join(parts)


def _text_of(block: Any, start: Segment, page: Document) -> str:
    first = start.index
    segments = page.segments
    while first > 0 and _inside(segments[first - 1].owner, block):
        first -= 1
    parts: list[str] = []
    for other in segments[first : first + 40]:
        if not _inside(other.owner, block):
            break
        if (
            len(parts) >= 1
            and other is not start
            and meaning(other.text, page.locale.lang) is not None
            and len(other.text) > 3
        ):
            return ""  # a block of pairs: the label was the heading of a section
        parts.append(other.text)
    return re.sub(r"\bm 2\b", "m2", " ".join(parts))


def _inside(element: Any, block: Any) -> bool:
    return element is block or any(above is block for above in element.iterancestors())
