"""The subdivision where a legal description and the assessor's neighbourhood name the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.property.reading import nearby
from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.terms import Meaning, words_of
from app.property.record import Method

_NEIGHBOURHOOD = frozenset({"neighborhood", "neighborhood name", "neighborhood description"})
_LEGAL = frozenset({"legal", "legal description", "legal desc", "brief legal description", "short legal"})
#: numbers that the assessor sets before or behind a name
_CODE = re.compile(r"^[\dA-Z.]*\d[\dA-Z.]*\s*[-:–]?\s+|\s*[([][^)\]]*[)\]]$")


def subdivisions(page: Document) -> Iterator[Reading]:
    """A neighbourhood of several words that the legal description names as well: an assessor's neighbourhood alone may
    be any part of the county.
    """
    told = {words_of(s.text): s for s in page.segments if len(s.text) <= 30}
    area = next((told[w] for w in _NEIGHBOURHOOD if w in told), None)
    legal = next((told[w] for w in _LEGAL if w in told), None)
    if area is None or legal is None:
        return
    named, described = (nearby.value_of(Meaning("_"), label, page) for label in (area, legal))
    if named is None or described is None:
        return
    name = _CODE.sub("", named.value).strip()
    if re.fullmatch(r"[^\W\d_]{2,}(?: [\w'&.-]+)+", name) and re.search(
        rf"(?<!\w){re.escape(name)}(?!\w)", described.value, re.IGNORECASE
    ):
        quote = f"{area.text.rstrip(':')}: {named.value}"
        yield Reading("SubdivisionName", name, Method.LABEL, page.path(named.element), quote, 0.65, area.text)
