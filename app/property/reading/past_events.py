"""Detect amounts that a page shows only beside a past date, as in `Feb 19, 2016 · Sold · $180,500`.

A dated past event is history, whatever its markup, its language, and its word: its amount is never the asking price.
Dates of something else, such as `Available Jan 1`, do not make an amount history.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from app.property.fields.phrases import pattern
from app.property.fields.table import of_kind
from app.property.reading.base import ASKING_PRICE, Candidate
from app.property.reading.document import Document, Segment
from app.property.reading.history import AMOUNTS
from app.property.reading.terms import words_of
from app.property.values.dates import parse_date
from app.property.values.vocabulary import standard_status

_LISTED, _SOLD, _OTHER_DATES = (pattern("history", key) for key in ("listed", "sold", "other_dates"))
#: The date stands at most this many texts before or behind the amount, in a block of at most this many characters.
_MOST_APART, _MOST_ROW_CHARS, _MOST_CLIMB = 3, 240, 6
#: The characters of a long text that are searched before and behind the amount.
_BEFORE, _BEHIND = 120, 80
#: At most this many places of one amount are examined.
_MOST_SHOWN = 40
_MANY_ROWS = frozenset({"html", "body", "main", "table", "thead", "tbody"})
_MOST_DATE_CHARS, _MOST_WORDS = 60, 24
_AMOUNT = re.compile(r"(?<!\d)\d{1,3}(?:[., '’\u00a0\u202f]\d{2,3})+(?:[.,]\d{1,2})?(?!\d)|\d{3,}")
_YEARS = frozenset(of_kind("year"))
_CENTS = re.compile(r"[.,]\d{1,2}$")
_DATE = re.compile(r"(?:19|20)\d\d|\d\D\d{1,2}\D\d\d|[0-9元]\s?年")
_YEAR = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?![\d.,]\d|\d)")
_CLAUSE = re.compile(r"[.!?]\s(?=[A-Z])|;\s|,\s(?=[a-z])|\s\(")
#: A text with an amount, the amount's position, and the text's segment (None: the title or a description).
Shown = tuple[str, int, Segment | None]


def without_past(candidates: Iterable[Candidate], page: Document) -> list[Candidate]:
    """Return `candidates` without asking prices that the page shows only as amounts of past events."""
    return [c for c in candidates if c.field != ASKING_PRICE or not is_past(float(c.value), page)]


def is_past(amount: float, page: Document) -> bool:
    """Return whether the page shows `amount`, and only beside dates of past events."""
    shown = page.once(_amounts).get(_digits(f"{amount:.2f}"), ()) if page.root is not None else ()
    return bool(shown) and all(_is_event(one, page) for one in shown[:_MOST_SHOWN])


def _digits(amount: str) -> str:
    """Return the digits without cents and trailing zeros, so that `1,850万` and `18500000` are the same."""
    return re.sub(r"\D", "", _CENTS.sub("", amount)).rstrip("0")


def _amounts(page: Document) -> dict[str, list[Shown]]:
    found: dict[str, list[Shown]] = {}
    heads = [(text, None) for text in (page.title, *((e.get("content") or "") for e in page.described))]
    for text, segment in (*heads, *((segment.text, segment) for segment in page.segments)):
        for amount in _AMOUNT.finditer(text):
            found.setdefault(_digits(amount.group()), []).append((text, amount.start(), segment))
    return found


def _is_event(shown: Shown, page: Document) -> bool:
    text, at, segment = shown
    start = max((m.end() for m in _CLAUSE.finditer(text, max(0, at - _BEFORE), at)), default=max(0, at - _BEFORE))
    end = _CLAUSE.search(text, at, at + _BEHIND)
    clause = text[start : end.start() if end else at + _BEHIND]
    if segment is None or _has_asking_label(shown, page):
        return has_past_date(clause, page, is_event=_names_event(clause))
    return is_in_event(segment, page, clause)


def is_in_event(segment: Segment, page: Document, clause: str = "") -> bool:
    """Return whether `clause`, which is of the segment, or a text in the segment's row states the date of an event."""
    row = [other for other in _near(segment, page) if _is_one_row(other, segment)]
    is_event = any(_names_event(other) for other in (clause or segment.text, *(other.text for other in row)))
    dates = (other.text for other in row if not _is_labeled_otherwise(other, page))
    return any(has_past_date(other, page, is_event=is_event) for other in (clause, *dates))


def _has_asking_label(shown: Shown, page: Document) -> bool:
    """Return whether a label such as `List price` precedes the amount. `Price` may also head a history's column."""
    text, at, segment = shown
    label, mark, _ = text[:at].rpartition(":")
    before = page.segments[segment.index - 1].text if segment is not None and segment.index else ""
    label = label if mark else before
    known = page.meaning(label)
    return known is not None and known.field == ASKING_PRICE and words_of(label) not in AMOUNTS


def _near(segment: Segment, page: Document) -> Iterator[Segment]:
    """Yield the nearest short texts before and behind the segment. Labels and separators do not count."""
    for around in (reversed(page.segments[: segment.index]), islice(page.segments, segment.index + 1, None)):
        read = (other for other in islice(around, 3 * _MOST_APART) if other.owner.tag not in ("dt", "th"))
        worded = (other for other in read if any(c.isalnum() for c in other.text))
        yield from (other for other in islice(worded, _MOST_APART) if len(other.text) <= _MOST_DATE_CHARS)


def _is_labeled_otherwise(segment: Segment, page: Document) -> bool:
    """Return whether the text before a date makes it the date of something else: `Available`, `Year built`."""
    label = page.segments[segment.index - 1] if segment.index else None
    if label is None or any(c.isdigit() for c in label.text) or not _is_one_row(label, segment):
        return False
    known = page.meaning(label.text)
    return (known is not None and known.field in _YEARS) or _OTHER_DATES.search(label.text) is not None


def _names_event(text: str) -> bool:
    return bool(_LISTED.search(text) or _SOLD.search(text)) or standard_status(text) not in (None, "Active")


def has_past_date(text: str, page: Document, *, is_event: bool = False) -> bool:
    """Return whether `text` states a past date. A lone year counts only if `is_event`: it may be the year built."""
    if _DATE.search(text) is None or _OTHER_DATES.search(text) is not None:
        return False
    today, locale = page.page.fetched_at.date().isoformat(), page.locale
    starts = (match.start() for match in islice(re.finditer(r"(?<![\w/.-])\w", text), _MOST_WORDS))
    dates = (parse_date(text[start:], lang=locale.lang, country=locale.country) for start in starts)
    years = _YEAR.findall(text) if is_event else ()
    return any(day <= today[: len(day)] for day in (*dates, *years) if day and (len(day) > 4 or is_event))


def _is_one_row(one: Segment, other: Segment) -> bool:
    """Return whether two texts are in one table row, or outside tables in one short block without the main heading."""
    around = {other.owner, *islice(other.owner.iterancestors(), _MOST_CLIMB)}
    block = next((e for e in (one.owner, *islice(one.owner.iterancestors(), _MOST_CLIMB)) if e in around), None)
    if block is None or block.tag in _MANY_ROWS or block.find(".//h1") is not None:
        return False
    siblings = one.owner.getparent() is other.owner.getparent() is block
    return block.tag == "tr" or siblings or sum(len(text) for text in islice(block.itertext(), 60)) <= _MOST_ROW_CHARS
