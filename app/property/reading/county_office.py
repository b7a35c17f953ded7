"""Read the name of the county or town whose authority publishes the page, from the title or the first lines."""

import re
from collections.abc import Iterator
from typing import Any

from app.property.reading.base import Candidate, of_text
from app.property.reading.document import Document
from app.property.values.places import us_state

_PIECES = re.compile(r"\s+[-–—|·•>:]\s+|\s*\|\s*")
_OFFICES = (
    r"Assess(?:or|ment)|Auditor|(?:Property )?Apprais(?:er|al)|CAD\b|Central Appraisal|Treasurer|Tax\b|Recorder|"
    r"Equalization|Board of|Department of|Property (?:Search|Records?|Information|Data)|Real Estate|Parcels?\b|GIS\b|"
    r"Land Records|Commissioner of the Revenue"
)
_NAMED = r"^(?:The |Welcome to (?:the )?|Office of the )?((?:[A-Z][\w.'’-]*\s){1,3}?)(?:County|Parish)"
_COUNTY = re.compile(rf"{_NAMED},?\s(?:[A-Z]{{2}},?\s)?(?:{_OFFICES})")
_TOWN = re.compile(r"^(?:Town|City|Village|Borough|Township) of ([A-Z][A-Za-z.' -]{2,40}), ([A-Z]{2})$")
_NO_NAME = re.compile(r"\b(?:Property|Tax|Real|Search|Home|Official|County|State|Records?|Online)\b")
_FIRST_SEGMENTS = 20
_LONGEST = 120


def read(page: Document) -> Iterator[Candidate]:
    """Read the county of an assessor's page, or the town and state of a town's record card."""
    counties: dict[str, tuple[str, Any]] = {}
    for text, element in _heads(page):
        for piece in _PIECES.split(text):
            match = _COUNTY.match(piece)
            name = match[1].strip() if match else ""
            if name and not _NO_NAME.search(name):
                counties.setdefault(name, (piece, element))
            town = _TOWN.match(piece)
            if town and us_state(town[2]):
                for field, value in (("City", town[1]), ("StateOrProvince", town[2])):
                    yield of_text(field, value, piece, page.path(element), 0.5)
    if len(counties) == 1:
        ((name, (piece, element)),) = counties.items()
        yield of_text("CountyOrParish", name, piece, page.path(element), 0.5)


def _heads(page: Document) -> Iterator[tuple[str, Any]]:
    if page.title_element is not None:
        yield page.title[:_LONGEST], page.title_element
    for segment in page.segments[:_FIRST_SEGMENTS]:
        if len(segment.text) <= _LONGEST:
            yield segment.text, segment.owner
