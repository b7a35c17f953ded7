"""What people's decisions mean for a page.

Each decision names pages on two sides. Of two pages the newest one holds that names both and is not undone: a join
keeps them together, a split keeps them apart if they are on different sides. A review decides nothing: it asks a
person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

SPLIT, JOIN, REVIEW = "split", "join", "review"


@dataclass(frozen=True, slots=True)
class Pins:
    """The URLs of pages that people keep together with a page, and of those that they keep apart from it."""

    together: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()


def pins_from(decisions: Iterable[Any], urls: set[str]) -> Pins:
    """Return what decisions mean for the page with these URLs. `decisions`: their pages, each with `decision_id`,
    `kind`, `side` and `url`; by decision, the oldest first."""
    newest = dict[str, str]()
    for _, group in groupby(decisions, attrgetter("decision_id")):
        rows = list(group)
        sides = {row.side for row in rows if row.url in urls}
        if sides:
            held = (row for row in rows if row.url not in urls and (row.kind == JOIN or row.side not in sides))
            newest |= {row.url: row.kind for row in held}
    together, apart = (frozenset(url for url, kind in newest.items() if kind == one) for one in (JOIN, SPLIT))
    return Pins(together, apart)
