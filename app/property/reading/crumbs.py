"""The county in a trail of links that leads to the property: `Tennessee / Davidson County / Nashville`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.property.reading.base import Candidate, Reading
from app.property.reading.document import Document
from app.property.reading.readings import candidates_of
from app.property.record import Method

_NAMED = ("class", "id", "aria-label", "data-testid")
_TRAIL = re.compile(r"bread-?crumb", re.IGNORECASE)
_SPELLED = ("readcrumb", "read-crumb", "READCRUMB", "readCrumb")  # quicker than the pattern on a long page
_COUNTY = re.compile(r"[A-Z][\w.']+(?: [A-Z][\w.']+){0,2} (?:County|Parish)")
_MOST_TRAILS, _MOST_CRUMBS = 10, 40


class Crumbs:
    """CountyOrParish, where all trails name one."""

    name = "crumbs"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        if page.root is None or not any(name in page.text for name in _SPELLED):
            return
        trails = [e for e in page.having(*_NAMED) if _TRAIL.search(" ".join(e.get(name, "") for name in _NAMED))]
        found: dict[str, Any] = {}
        for trail in trails[:_MOST_TRAILS]:
            for element in [e for e in trail.iter() if isinstance(e.tag, str)][:_MOST_CRUMBS]:
                text = " ".join((element.text or "").split())
                if _COUNTY.fullmatch(text):
                    found.setdefault(text, element)
        if len(found) == 1:
            text, element = next(iter(found.items()))
            reading = Reading("CountyOrParish", text, Method.LABEL, page.path(element), text, 0.55)
            yield from candidates_of(reading, page.locale)
