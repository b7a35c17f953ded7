"""A US address that stands in the page without a label: in one line, or a street above its town.

The first one only, and none on pages that name an owner: there every address may be the owner's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.property import address as addresses
from app.property.fields.countries import US_STATES
from app.property.reading.base import Candidate
from app.property.reading.document import Document
from app.property.reading.place_values import address_values
from app.property.reading.trees import spaced_text
from app.property.record import Method
from app.property.values import texts
from app.property.values.places import us_state

_STATE = "|".join(sorted((name.title() for name in US_STATES), key=len, reverse=True))
_TOWN = r"(?P<city>[A-Z][A-Za-z.']*(?:[ -][A-Z][A-Za-z.']*){0,3}),?\s+(?P<state>[A-Z]{2}|(?-i:" + _STATE + "))"
_ZIP = r",?\s+(?P<zip>\d{5}(?:-\d{4})?)"
#: `950 Ironworks Ave, Unit 2107, Denning, TX 76201`
_WHOLE = re.compile(
    rf"(?:^|(?<=[.!?•|·:–-] ))(?P<street>\d{{1,6}}[A-Z]?\s[^,|•·*$\n]{{3,45}}(?:,\s(?:unit|apt|#|suite|"
    rf"ste)[^,]{{1,12}})?)\s?[,•·|*]\s+{_TOWN}{_ZIP}\b",
    re.I,
)
_TOWN_LINE = re.compile(rf"^{_TOWN}{_ZIP}(?:,\s.{{0,40}})?$")
_TOWN_ALONE = re.compile(rf"(?:^|[—–|•·-]\s){_TOWN}$")
#: what stands between the town and a price in one line
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


class Standing:
    """Street, town, state and ZIP code of the first address of a listing's page."""

    name = "standing"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        if page.root is None or page.locale.country not in (None, "US"):
            return
        yield from _below_heading(page)
        if any(len(s.text) <= 40 and _OWNER.match(s.text) for s in page.segments):
            return
        yield from _first_address(page)
        for segment in page.segments[:_FIRST_TOWNS]:
            town = _TOWN_ALONE.search(segment.text) if len(segment.text) <= 80 else None
            is_label = town is not None and page.meaning(segment.text) is not None  # `Parcel ID` is not in Idaho
            if town and not is_label and us_state(town["state"]) and not _is_others(segment.index, "", page):
                parts = addresses.Address(city=town["city"], state=us_state(town["state"]))
                yield from _made(parts, segment.text, segment.owner, page, 0.42)
                break
        heading = page.heading
        text = spaced_text(heading) if heading is not None else ""
        if _STREET_LINE.match(text) and texts.looks_like_street(text) and "," not in text:
            yield from _made(addresses.with_street(addresses.Address(), text), text, heading, page, 0.5)


def _below_heading(page: Document) -> Iterator[Candidate]:
    """The page's first heading, a street, with its town in the next line: the property's, whoever owns it."""
    for segment in page.segments[:_FIRST_TEXTS]:
        if segment.owner is page.heading and _STREET_LINE.match(segment.text):
            below = page.segments[segment.index + 1] if segment.index + 1 < len(page.segments) else None
            town = _TOWN_LINE.match(_BESIDE.split(below.text)[0]) if below is not None else None
            if below is not None and town and us_state(town["state"]):
                quote = f"{segment.text}, {below.text}"
                yield from _made(_address(segment.text, town), quote, below.owner, page, 0.55)
            return


def _first_address(page: Document) -> Iterator[Candidate]:
    for segment in page.segments[:_FIRST_TEXTS]:
        text = segment.text
        whole = _WHOLE.search(text) if len(text) <= 400 else None
        if whole and us_state(whole["state"]) and not _is_others(segment.index, text[: whole.start()], page):
            street = re.sub(r",\s+", " ", whole["street"])
            yield from _made(_address(street, whole), whole.group(), segment.owner, page, 0.5)
            return
        town = _TOWN_LINE.match(text) if segment.index else None
        if town and us_state(town["state"]):
            before = page.segments[segment.index - 1]
            if _STREET_LINE.match(before.text) and not _is_others(before.index, "", page):
                quote = f"{before.text}, {text}"
                yield from _made(_address(before.text, town), quote, segment.owner, page, 0.5)
                return


def _address(street: str, found: re.Match[str]) -> addresses.Address:
    place = addresses.Address(city=found["city"], state=us_state(found["state"]), postal_code=found["zip"])
    return addresses.with_street(place, street)


def _is_others(index: int, before: str, page: Document) -> bool:
    """True where the words right before speak of an office, an agent, an owner."""
    near = [s.text for s in page.segments[max(0, index - 2) : index] if len(s.text) <= 60]
    return _OTHERS.search(" ".join((*near, before[-60:]))) is not None


def _made(parts: addresses.Address, quote: str, element: Any, page: Document, confidence: float) -> Iterator[Candidate]:
    where = page.path(element)
    for field, value, _ in address_values(parts):
        if value:
            yield Candidate(field, value, quote, Method.LABEL, where, quote[:300], confidence)
