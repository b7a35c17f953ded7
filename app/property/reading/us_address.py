"""Read US addresses without a label, on one line or on two lines (street, then town)."""

import re
from collections.abc import Iterator

from app.property import address as addresses
from app.property.fields.countries import US_STATES
from app.property.reading.base import Candidate
from app.property.reading.document import Document, Segment
from app.property.reading.owner_address import is_owners, placed_streets
from app.property.reading.place_values import placed
from app.property.reading.trees import spaced_text
from app.property.values import texts
from app.property.values.places import us_state

_STATE = "|".join(sorted((name.title() for name in US_STATES), key=len, reverse=True))
_TOWN = r"(?P<city>[A-Z][A-Za-z.']*(?:[ -][A-Z][A-Za-z.']*){0,3}),?\s+(?P<state>[A-Z]{2}|(?-i:" + _STATE + "))"
_ZIP = r",?\s+(?P<zip>\d{5}(?:-\d{4})?)"
#: An address in one line, such as `950 Ironworks Ave, Unit 2107, Denning, TX 76201`.
_ADDRESS = (
    rf"(?P<street>\d{{1,6}}(?:-\d{{1,6}})?[A-Z]?\s[^,|•·*$\n]{{3,45}}(?:,\s(?:unit|apt|#|suite|"
    rf"ste)[^,]{{1,12}})?)\s?[,•·|*]\s+{_TOWN}{_ZIP}\b"
)
_WHOLE = re.compile(rf"(?:^|(?<=[.!?•|·:–-] )){_ADDRESS}", re.I)
_ANYWHERE = re.compile(rf"(?<![\w#-]){_ADDRESS}", re.I)
_TOWN_LINE = re.compile(rf"^{_TOWN}{_ZIP}(?:,\s.{{0,40}})?$")
_TOWN_ALONE = re.compile(rf"(?:^|[—–|•·-]\s){_TOWN}$")
#: Matches the separator between a town and the rest of its line, such as a price.
_BESIDE = re.compile(r"\s+[|•·]\s+")
_STREET_LINE = re.compile(r"^\d{1,6}(?:-\d{1,6})?[A-Z]?\s+(?=\S*[A-Za-z])[^$|•:]{3,50}$")
_OTHERS = re.compile(
    r"\b(?:owners?|mail\w*|office|agents?|brokers?|brokerage|sales (?:center|office)|model home|"
    r"contact|headquarters|remit|"
    r"seller|grantee|taxpayer|holder|contractor|lender|attorney|trustee|visit|courthouse|directions|school)\b",
    re.IGNORECASE,
)
_OWNER = re.compile(r"^(?:current |property )?(?:owner|taxpayer|deed holder|grantee|mail(?:ing)?\b)", re.IGNORECASE)
_FIRST_TEXTS = 120
_FIRST_TOWNS = 30


def read(page: Document) -> Iterator[Candidate]:
    """Yield the parts of US addresses on the page that have no label."""
    is_abroad = page.locale.country not in (None, "US")
    is_owned = is_abroad or any(len(s.text) <= 40 and _OWNER.match(s.text) for s in page.segments)
    yield from _in_lines(page, is_owned=is_owned)
    if is_owned:
        return
    for segment in page.segments[:_FIRST_TOWNS]:
        town = _TOWN_ALONE.search(segment.text) if len(segment.text) <= 80 else None
        is_label = town is not None and page.meaning(segment.text) is not None  # `ID` in `Parcel ID` is not Idaho
        if town and not is_label and us_state(town["state"]) and not _is_others(segment.index, "", page):
            parts = addresses.Address(city=town["city"], state=us_state(town["state"]))
            yield from placed(parts, segment.text, page.path(segment.owner), 0.42)
            break
    heading = page.heading
    text = spaced_text(heading) if heading is not None else ""
    if _STREET_LINE.match(text) and texts.looks_like_street(text) and "," not in text:
        yield from placed(addresses.with_street(addresses.Address(), text), text, page.path(heading), 0.5)


def _in_lines(page: Document, *, is_owned: bool) -> Iterator[Candidate]:
    """Yield the parts of full addresses, on one line or on two.

    If `is_owned` (the page may show an owner's address), an address without a label counts only in the heading.
    """
    first = not is_owned
    for segment in page.segments:
        first = first and segment.index < _FIRST_TEXTS
        text, above = segment.text, page.segments[segment.index - 1] if segment.index else None
        whole = _WHOLE.search(text) if first and len(text) <= 400 else None
        if whole and us_state(whole["state"]) and not _is_others(segment.index, text[: whole.start()], page):
            first = False
            yield from placed(_address(whole["street"], whole), whole.group(), page.path(segment.owner), 0.5)
            continue
        town = _TOWN_LINE.match(_BESIDE.split(text)[0]) if above is not None else None
        if above is None or town is None or not us_state(town["state"]) or not _STREET_LINE.match(above.text):
            continue
        is_own = _below_own_label(above, page)
        if is_own or above.owner is page.heading:
            confidence = 0.75 if is_own else 0.55
        elif first and not _is_others(above.index, "", page):
            confidence = 0.5
        else:
            continue
        first = False
        yield from placed(_address(above.text, town), f"{above.text}, {text}", page.path(segment.owner), confidence)


def _below_own_label(street: Segment, page: Document) -> bool:
    for before in reversed(page.segments[max(0, street.index - 6) : street.index]):
        known = page.meaning(before.text) if len(before.text) <= 60 else None
        if known is not None:
            is_home = street.text.casefold() in page.once(placed_streets)
            return known.field == "_Address" and (is_home or not is_owners(known.field, before.text, before, page))
        if _OWNER.match(before.text[:60]):
            return False
    return False


def us_address_in(text: str) -> addresses.Address | None:
    """Return the first one-line US address in `text`, or None. A text of more than 400 characters is not searched."""
    found = _ANYWHERE.search(text) if len(text) <= 400 else None
    return _address(found["street"], found) if found and us_state(found["state"]) else None


def _address(street: str, found: re.Match[str]) -> addresses.Address:
    place = addresses.Address(city=found["city"], state=us_state(found["state"]), postal_code=found["zip"])
    return addresses.with_street(place, re.sub(r",\s+", " ", street))


def _is_others(index: int, before: str, page: Document) -> bool:
    near = [s.text for s in page.segments[max(0, index - 2) : index] if len(s.text) <= 60]
    company = texts.has_legal_form(before.rstrip(" -–—|•·,"))
    return company or _OTHERS.search(" ".join((*near, before[-60:]))) is not None
