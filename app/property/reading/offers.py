"""Read whether the home is for sale or for rent, and its status.

The sources are the title, the URL, the heading, the description, and short banners. Words for a completed offer do not
count as an offer: `vermietet` (already let) does not mean that a flat is for rent.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

from app.property.fields.phrases import alternatives
from app.property.reading.base import Candidate, Reading, of_text
from app.property.reading.document import Document, Segment, url_parts
from app.property.reading.past_events import has_past_date, is_in_event
from app.property.reading.unrelated_blocks import is_long
from app.property.record import Method
from app.property.values.vocabulary import OFF_MARKET, offer, standard_status

_BANNER = re.compile(
    r"^\W*(?:recently sold|sold(?: (?:by|on|for|prior|stc)\b.*)?|under offer|sale agreed|sold subject "
    r"to contract|sstc|for sale|for rent|to let|let agreed|pending|under contract|"
    r"contingent|active|zu verkaufen|zu vermieten|verkauft|reserviert|house for sale|home "
    r"for sale|coming soon|new home for sale)\W*$",
    re.IGNORECASE,
)
#: Matches a line that says that the home is not for sale: `Currently off market`.
_OFF_MARKET = re.compile(
    r"^\W*(?:(?:this|the|home|house|property|listing|is|currently|now|status)\W+){0,4}"
    rf"(?:{alternatives('status', OFF_MARKET)})\W*$",
    re.IGNORECASE,
)
#: Matches `SOLD MAR 28, 2025`. The pattern is used only on the page's first texts, since later texts may be about other
#: homes.
_SOLD_ON = re.compile(r"^sold\s+(?P<date>[a-z]{3,9}\.? \d{1,2},? \d{4}|\d{1,2}/\d{1,2}/\d{4})$", re.IGNORECASE)
_FIRST_BANNERS = 30
_MOST_BANNERS = 400
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_HIDDEN = frozenset({"hidden", "is-hidden", "d-none", "hide", "visually-hidden", "display-none"})


def read(page: Document) -> Iterator[Reading | Candidate]:
    for text, where, confidence in _texts(page):
        kind = offer(text)
        if kind is not None:
            yield from _offered(kind, text, where, confidence)
    for segment in page.segments[:_MOST_BANNERS]:
        is_banner = _BANNER.match(segment.text) or _OFF_MARKET.match(segment.text) if len(segment.text) <= 60 else None
        if is_banner and not _is_past(segment, page):
            yield from _banner(segment.text, page.path(segment.owner), is_dated=has_past_date(segment.text, page))
        elif segment.index < _FIRST_BANNERS and (sold := _SOLD_ON.match(segment.text)):
            where = page.path(segment.owner)
            yield from _banner(segment.text, where)
            yield Reading("CloseDate", sold["date"], Method.LABEL, where, segment.text, 0.5)


#: A card is the block of one home in a list, at most `_MOST_CARD_LEVELS` levels above its texts. A table row can be a
#: card only if it has at least `_LEAST_COLUMNS` cells.
_MOST_CARD_LEVELS, _LEAST_COLUMNS = 4, 3


def _texts(page: Document) -> Iterator[tuple[str, str, float]]:
    yield page.title[:300], page.title_path, 0.6
    for address in dict.fromkeys((page.url, page.page.final_url)):
        path = re.sub(r"[-_+/.]+", " ", unquote(url_parts(address).path))
        yield path[:300], "url", 0.6
    if page.heading is not None:
        yield page.heading_text[:200], page.path(page.heading), 0.6
    for meta in page.described:
        yield (meta.get("content") or "")[:160], page.path(meta), 0.45


def _is_past(segment: Segment, page: Document) -> bool:
    """Return whether a banner is hidden, is a column's heading, or is of a past event or another home's card."""
    element = segment.owner
    if element.tag == "th" and element.getparent().find("td") is None:
        return True
    row = next((a for a in islice(element.iterancestors(), 4) if a.tag == "tr"), None)
    is_dated = row is not None and _YEAR.search(" ".join(row.itertext())) is not None
    return is_dated or is_in_event(segment, page) or _is_hidden(element) or _is_in_card(element)


def _is_in_card(element: Any) -> bool:
    """Return whether the element is in a link or in one of several similar blocks or rows, which show other homes."""
    for above in (element, *islice(element.iterancestors(), _MOST_CARD_LEVELS)):
        if is_long(above):
            return False
        if above.tag == "a" and above is not element and not (above.get("href") or "#").startswith("#"):
            return True
        beside = [one for one in (above.getprevious(), above.getnext()) if one is not None and one.tag == above.tag]
        if above.tag == "tr" and len(above) >= _LEAST_COLUMNS and beside:
            return True
        alike = [one for one in beside if above.get("class") and one.get("class") == above.get("class")]
        if above.tag in ("div", "li", "article") and alike and any(a is not element for a in above.iter("a")):
            return True
    return False


def _is_hidden(element: Any) -> bool:
    """Some sites put all banners into every page, and a script shows one."""
    for above in (element, *element.iterancestors()):
        style = (above.get("style") or "").replace(" ", "")
        names = (above.get("class") or "").split()
        if "display:none" in style or above.get("hidden") is not None or _HIDDEN & set(names):
            return True
    return False


def _offered(kind: str, text: str, where: str, confidence: float) -> Iterator[Candidate]:
    lease = kind == "rent"
    yield of_text("PropertyType", "Residential Lease" if lease else "Residential", text, where, confidence)
    if standard_status(text) in (None, "Active"):
        yield of_text("StandardStatus", "Active", text, where, confidence - 0.1)


def _banner(text: str, where: str, *, is_dated: bool = False) -> Iterator[Candidate]:
    """A dated banner, such as `Sold on May 4, 2019`, may be the last sale of a home that is for sale again."""
    status = standard_status(text)
    if status is not None:
        is_unsure = is_dated or text.lower().startswith("sold by")
        confidence = 0.45 if status == "Active" else 0.42 if is_unsure else 0.62
        yield of_text("StandardStatus", status, text, where, confidence)
        yield of_text("MlsStatus", text, text, where, 0.5)
    kind = offer(text)
    if kind is not None:
        yield of_text("PropertyType", "Residential Lease" if kind == "rent" else "Residential", text, where, 0.45)
