"""Read an asking price without a label, in one element or split among its children: `<b>AED</b> 5,750,000`."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from app.property.reading.base import Reading
from app.property.reading.document import Document, Segment
from app.property.reading.other_subjects import names_other
from app.property.reading.remarks import lets
from app.property.reading.terms import meaning
from app.property.record import Method
from app.property.values import prices

_FIRST_SEGMENTS = 220
_MOST = 4
_MOST_READ = 12
_MOST_ABOVE = 12
_STEP = 0.09
_SKIPPED = frozenset({"td", "th", "dd", "dt", "option"})


def read(page: Document) -> Iterator[Reading]:
    """Yield the amounts near the top of the page that may be the asking price. Earlier amounts get a higher
    confidence.
    """
    lang, country = page.locale.lang, page.locale.country
    seen: list[str] = []
    count = 0
    for text, segment in _blocks(page):
        if len(seen) >= _MOST or count >= _MOST_READ:
            break
        if not prices.stands_alone(text, lang=lang, country=country):
            continue
        if not _is_asked(text, segment, page):
            continue
        count += 1
        amount = re.sub(r"\D", "", text)
        if amount not in seen:
            seen.append(amount)
        confidence = 0.54 - _STEP * seen.index(amount) - 0.1 * segment.index / _FIRST_SEGMENTS
        yield Reading("ListPrice", text, Method.LABEL, page.path(segment.owner), text, confidence)


def _blocks(page: Document) -> Iterator[tuple[str, Segment]]:
    """Yield each short text with a digit, and the longer texts of the elements around it."""
    for segment in page.segments[:_FIRST_SEGMENTS]:
        if len(segment.text) > 60 or not any(c.isdigit() for c in segment.text):
            continue
        if any(above.tag in _SKIPPED for above in (segment.owner, *islice(segment.owner.iterancestors(), _MOST_ABOVE))):
            continue
        yield segment.text, segment
        behind = page.segments[segment.index + 1] if segment.index + 1 < len(page.segments) else None
        if behind is not None and behind.owner is segment.owner.getparent():
            yield f"{segment.text} {behind.text}"[:80], segment  # as in `<b>845 €</b> per month`
        for block in (segment.owner, segment.owner.getparent()):
            text = _text_of(block)
            if text and text != segment.text:
                yield text, segment


def _text_of(block: Any) -> str:
    if block is None or block.tag in ("body", "html", "ul", "table", "tr"):
        return ""
    text = ""
    for part in block.itertext():
        text += f" {part}"
        if len(text) > 120:
            return ""
    return " ".join(text.split())


def _is_asked(text: str, segment: Segment, page: Document) -> bool:
    """Return whether the amount may be the asking price: it is large enough, and no text beside it says otherwise."""
    before, after = _short(page, segment.index - 1), _short(page, segment.index + 1)
    is_end = before in ("-", "–", "—")  # this amount ends a range
    if is_end or names_other("ListPrice", text) or not _is_big(text, page):
        return False
    for beside in (before, after):
        known = meaning(beside.rstrip(": "), page.locale.lang) if beside else None
        if known is not None and known.field == "ListPrice":
            return True
        # `labels.py` reads rents with heating; an amount above the label `Sold price` is a past price
        others = ("_RentWarm", "_Ignore" if beside is before else "ClosePrice")
        if known is not None and known.field in others:
            return False
    return not (names_other("ListPrice", before) and not any(c.isdigit() for c in before))


def _short(page: Document, index: int) -> str:
    text = page.segments[index].text if 0 <= index < len(page.segments) else ""
    last = text.rpartition(" | ")[2]
    return last if len(last) <= 50 else ""


def _is_big(text: str, page: Document) -> bool:
    price = prices.parse_price(text, lang=page.locale.lang, country=page.locale.country)
    is_rent = price is not None and (price.period is not None or page.once(lets))
    return price is not None and price.amount >= (100 if is_rent else 10_000)
