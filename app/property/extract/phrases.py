"""What titles, headings and short lines say in running words: `3 bed semi-detached house for sale`,
`4-Zimmer-Wohnung, 150 m²`.

The weakest of the deterministic sources: it fills what no label and no markup gave.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.property.extract.base import Candidate
from app.property.extract.document import Document
from app.property.extract.readings import Reading, candidates_of
from app.property.record import Method

_NUM = r"(\d{1,2}(?:[.,]\d)?)"
_COUNTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "BedroomsTotal",
        re.compile(
            rf"(?<![\d.,&-]){_NUM}[ -]?(?:beds?\b|bedrooms?\b|bd\b|bdrms?\b|br\b|schlafzimmer|"
            r"sypialni\w*|sovrum|chambres?\b|slaapkamers?)",
            re.I,
        ),
    ),
    (
        "BathroomsTotalInteger",
        re.compile(
            rf"(?<![\d.,&-]){_NUM}[ -]?(?:full )?(?:baths?\b|bathrooms?\b|ba\b|badezimmer|"
            r"bäder|łazien\w+|badrum|salles? de bains?)(?: 1 1/2 ba)?",
            re.I,
        ),
    ),
    (
        "RoomsTotal",
        re.compile(
            rf"(?<![\d.,&-]){_NUM}[ -]?(?:zimmer\b|zi\.|zkb\b|raum\b|"
            r"pok(?:oje|oi|\.)?\b|pokoj\w+|rum\b|rok\b|pièces?\b|locali\b|kamers?\b)",
            re.I,
        ),
    ),
    (
        "YearBuilt",
        re.compile(r"\b(?:built|constructed)(?: in)?:? (\d{4})\b|\bbaujahr:? (\d{4})\b|\bbyggår:? (\d{4})\b", re.I),
    ),
    (
        "LotSizeArea",
        re.compile(
            r"(\d{1,3}(?:[.,]\d{3})+|\d+(?:[.,]\d+)?)\s?(?:m²|m2|sqm|qm|acres?|ac|ha|sq\.? ?ft|sqft)\s*(?:lot|"
            r"plot|block|land|site|grundstück|działk\w*|tomt)\b",
            re.I,
        ),
    ),
    (
        "LivingArea",
        re.compile(
            r"(?<![\d.,/])(\d{1,3}(?:[.,\u00a0 ]\d{3})+|\d{2,5}(?:[.,]\d{1,2})?)\s?(?:m²|m2\b|qm\b|kvm\b|"
            r"mkw\b|sq\.?\s?(?:ft|feet|m)\b|sqft\b|square feet|ft²|ft2\b)(?!\s*(?:lot|plot|land|block|site|"
            r"grundst|działk|of land))",
            re.I,
        ),
    ),
)
_SHORT = 140


class Phrases:
    """Counts and offers in the title, the first headings, the description and short lines."""

    name = "phrases"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        if page.root is None:
            return
        for text, element, confidence in _texts(page):
            for reading in _readings(text, page.path(element), confidence):
                yield from candidates_of(reading, page.locale)


def _texts(page: Document) -> Iterator[tuple[str, Any, float]]:
    """Texts worth reading, with their element and how far to trust a count in them."""
    for title in page.root.xpath("//title[1]"):
        yield " ".join(title.text_content().split())[:300], title, 0.5
    for tag, confidence in (("h1", 0.55), ("h2", 0.35)):
        for heading in page.root.iter(tag):
            if not any(above in page.skipped for above in (heading, *heading.iterancestors())):
                yield " ".join(heading.text_content().split())[:_SHORT], heading, confidence
                if tag == "h2":
                    break
    for meta in page.root.xpath("//meta[@property='og:title' or @name='description' or @property='og:description']"):
        yield " ".join((meta.get("content") or "").split())[:300], meta, 0.45
    for segment in page.segments[:400]:
        if len(segment.text) <= 40 and any(c.isdigit() for c in segment.text):
            yield segment.text, segment.owner, 0.45


_FULL_AND_HALF = re.compile(
    r"\b\d{1,2} full,? (?:and )?\d (?:half|partial) (?:bath|bathroom)s?\b|\b\d{1,2} ba 1 (?:1/2|½) ba\b", re.I
)


def _readings(text: str, where: str, confidence: float) -> Iterator[Reading]:
    if baths := _FULL_AND_HALF.search(text):
        yield Reading("BathroomsTotalInteger", baths.group(), Method.LABEL, where, text, 0.93)
    for field, pattern in _COUNTS:
        found = pattern.findall(text)
        if len(found) == 1:
            match = pattern.search(text)
            raw = match.group() if match else ""
            yield Reading(field, raw, Method.LABEL, where, text, confidence - (0.1 if field == "LivingArea" else 0.0))
