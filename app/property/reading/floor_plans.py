"""The cheapest of several floor plans, on a page that lets homes in one building at a range of rents.

The range's low end is the price; bedrooms, bathrooms and area are those of the plan that it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from app.property.reading.base import Candidate, Reading
from app.property.reading.document import Document, Segment
from app.property.reading.readings import candidates_of
from app.property.reading.trees import is_within
from app.property.record import Method

_PLAN = re.compile(
    r"^(?P<beds>\d{1,2}) ?(?:beds?|bd|br|bedrooms?)[\s,|/•·]+"
    r"(?P<baths>\d{1,2}(?:\.\d)?) ?(?:baths?|ba|bathrooms?)[\s,|/•·]+"
    r"(?P<area>\d[\d,]{2,6} ?(?:sq\.? ?ft\.?|sqft|sf|square feet))$",
    re.IGNORECASE,
)
_RENT = re.compile(r"\$\s?(\d{1,2},?\d{3}|\d{3})(?![\d,])")
_RANGE = re.compile(rf"{_RENT.pattern}\s*(?:-|–|—|to)\s*{_RENT.pattern}")
_MOST_PLANS = 60


class _Plan(NamedTuple):
    rent: int
    segment: Segment
    said: re.Match[str]


class FloorPlans:
    """Bedrooms, bathrooms and living area."""

    name = "plans"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        found = [(s, m) for s in page.segments if len(s.text) <= 60 and (m := _PLAN.match(s.text))][:_MOST_PLANS]
        if len({m.group() for _, m in found}) < 2:
            return
        plans = [plan for s, m in found if (plan := _with_rent(s, m, [o for o, _ in found], page)) is not None]
        cheapest = min(plans, key=lambda plan: plan.rent, default=None)
        if cheapest is None or not _is_asked(cheapest.rent, page):
            return
        if len({plan.said.group() for plan in plans if plan.rent == cheapest.rent}) > 1:
            return
        text, where = cheapest.segment.text, page.path(cheapest.segment.owner)
        for field, part in (("BedroomsTotal", "beds"), ("BathroomsTotalInteger", "baths"), ("LivingArea", "area")):
            reading = Reading(field, cheapest.said[part], Method.LABEL, where, text, 0.72)
            yield from candidates_of(reading, page.locale)


def _with_rent(segment: Segment, said: re.Match[str], plans: list[Segment], page: Document) -> _Plan | None:
    """The plan with the first rent of the largest block around it that holds no other plan."""
    block: Any = segment.owner
    others = [other.owner for other in plans if other is not segment]
    while block.getparent() is not None and not any(is_within(o, block.getparent()) for o in others):
        block = block.getparent()
    start = segment.index
    while start > 0 and is_within(page.segments[start - 1].owner, block):
        start -= 1
    for other in page.segments[start : start + 40]:
        if not is_within(other.owner, block):
            break
        if rent := _RENT.search(other.text):
            return _Plan(int(rent[1].replace(",", "")), segment, said)
    return None


def _is_asked(rent: int, page: Document) -> bool:
    """True where the page gives a range of rents that begins with `rent`."""
    ranges = (m for s in page.segments if len(s.text) <= 60 and (m := _RANGE.search(s.text)))
    return any(int(found[1].replace(",", "")) == rent for found in ranges)
