"""Read the first unlabeled address of a page outside the US, from its headings, body, or title."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from app.property.address import Address, with_street
from app.property.fields.phrases import pattern
from app.property.reading.base import Candidate
from app.property.reading.document import Document, Segment
from app.property.reading.place_values import placed
from app.property.reading.trees import is_within
from app.property.values import address_lines, texts
from app.property.values.address_lines import SPACELESS, Line
from app.property.values.vocabulary import offer

_FIRST_SEGMENTS = 400
_LONGEST = 160
_MOST_ABOVE = 12
_MOST_READ = 40
#: Matches what an address line must contain: a number, the start of a code such as `SW1`, or a separator of parts.
_CAN_PLACE = re.compile(r"\d[\d -]{2}|\b[A-Z]{1,2}\d|[,/|·•;(]")
#: Matches words near an address that is not the property's, such as an agency's or the seller's.
_OF_OTHERS = re.compile(
    r"agen[tc]|broker|contact|kontakt|branch|office|anbieter|footer|imprint|impressum|solicitor|seller|owner|vendor|"
    r"realtor|makler|mäklar|megler|mægler|courtier|agence|inmobiliaria|registered|head office|©|company|gmbh",
    re.IGNORECASE,
)
_LAWYERS = pattern("addresses", "lawyers")


def read(page: Document) -> Iterator[Candidate]:
    """Read the parts of the page's first address from every line that agrees with this address."""
    country = page.locale.country
    if country is None or country == "US":
        return
    best: Line | None = None
    count = 0
    for text, place, confidence in _lines(page, country):
        line = address_lines.read(text, country)
        if line is None or not _is_placed(line, country):
            continue
        element = place.owner if isinstance(place, Segment) else place
        if line.postal_code is None and element.tag == "a":
            continue  # a link without a postal code leads to another property as often as to a map
        if isinstance(place, Segment) and _belongs_to_somebody(place, page):
            continue
        best = best or line
        count += 1
        if count <= _MOST_READ and _agrees(line, best):
            parts = Address(city=line.city, state=line.region, postal_code=line.postal_code, country=country)
            yield from placed(with_street(parts, line.street or ""), text, page.path(element), confidence)


def _is_placed(line: Line, country: str) -> bool:
    known = line.postal_code or line.region or line.street or not address_lines.has_code(country)
    return bool(line.city and known)


def _agrees(line: Line, best: Line) -> bool:
    same_code = line.postal_code is None or best.postal_code is None or line.postal_code == best.postal_code
    return same_code and (line.city or "").casefold() == (best.city or "").casefold()


def _lines(page: Document, country: str) -> Iterator[tuple[str, Any, float]]:
    """Yield (text, element or segment, confidence): headings, then the body, then the title."""
    for heading in page.root.xpath("//h1|//h2|//address")[:6]:
        if not page.is_skipped(heading) and not _is_contact(heading, page):
            text = " ".join(", ".join(t for t in heading.itertext() if t.strip()).split())
            yield text[:_LONGEST], heading, 0.64
            yield " ".join(text.replace(", ", " ").split())[:_LONGEST], heading, 0.6
    spaceless = country in SPACELESS
    for segment in page.segments[:_FIRST_SEGMENTS]:
        if len(segment.text) > _LONGEST or not (spaceless or _CAN_PLACE.search(segment.text)):
            continue
        street = _street_above(segment, page)
        if street is not None:
            yield f"{street}, {segment.text}", segment, 0.62
        yield segment.text, segment, 0.58
    for title in page.root.xpath("(//head/title|//title)[1]"):
        yield page.title[:300], title, 0.5


def _street_above(segment: Segment, page: Document) -> str | None:
    if segment.index == 0 or len(segment.text) > 60:
        return None
    above = page.segments[segment.index - 1].text.strip(" ,")
    can_be = 4 <= len(above) <= 60 and ":" not in above and texts.looks_like_street(above) and offer(above) is None
    numbered = re.search(r"^\d{1,6}[A-Za-z]?\s+[^\W\d_]|[^\W\d_]\s+\d{1,4}\s?[A-Za-z]?(?:$|[,\s])", above) is not None
    return above if can_be and (numbered or texts.has_street_word(above)) else None


def _is_contact(heading: Any, page: Document) -> bool:
    """Return whether an `<address>`, which HTML uses for contacts, is somebody else's, such as an agency's."""
    if heading.tag != "address":
        return False
    first = next((s for s in page.segments if is_within(s.owner, heading)), None)
    return first is None or _belongs_to_somebody(first, page)


def _belongs_to_somebody(segment: Segment, page: Document) -> bool:
    for above in (segment.owner, *islice(segment.owner.iterancestors(), _MOST_ABOVE)):
        if above.tag in ("body", "html", "main"):
            break
        if _OF_OTHERS.search(f"{above.get('class') or ''} {above.get('id') or ''}"):
            return True
    before = page.segments[max(0, segment.index - 2) : segment.index]
    return any(
        _OF_OTHERS.search(s.text) or _LAWYERS.search(s.text) or texts.has_legal_form(s.text)
        for s in before
        if len(s.text) <= 80
    )
