"""What one row of cells says under its headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from app.property.extract.base import Reading
from app.property.extract.document import Document
from app.property.extract.grids import cell_text, own_rows
from app.property.extract.terms import Meaning, words_of
from app.property.extract.value_tables import YEARLY
from app.property.record import Method

#: what a table of land says of it
LAND = re.compile(r"\b(?:land|lots?|acreage|frontage|depth)\b")


def of_pairs(
    pairs: list[tuple[str, str]], above: str, page: Document, where: str, confidence: float
) -> Iterator[Reading]:
    """One row under its headings. In a table of land an area is the lot's, and a value is the land's alone."""
    land = LAND.search(" ".join((above, *(words_of(h) for h, _ in pairs)))) is not None
    for index, (heading, value) in enumerate(pairs):
        known = page.meaning(heading)
        if words_of(heading) == "description" and index and _tells_use(pairs[index - 1][0], page):
            known = Meaning("PropertySubType", 0.7)
        if known is None or not value or known.field in ("TaxAnnualAmount", "_Ignore"):
            continue
        field = "LotSizeArea" if land and known.field == "LivingArea" else known.field
        if land and field in YEARLY:
            continue
        yield Reading(field, value, Method.LABEL, where, f"{heading}: {value}", confidence * known.trust, heading)


def _tells_use(heading: str, page: Document) -> bool:
    return getattr(page.meaning(heading), "field", "") == "PropertySubType"


def under_headings(page: Document) -> Iterator[Reading]:
    """A row of nothing but headings with one row of cells below it, somewhere in a table."""
    for table in page.tables:
        rows = own_rows(table)
        for index, (upper, lower) in enumerate(pairwise(rows)):
            after = rows[index + 2] if index + 2 < len(rows) else []
            alone = len(after) < 2 or any(c.tag == "th" for c in after) or _has_words_only(after)
            if len(upper) < 2 or len(upper) != len(lower) or not alone or not _is_heading_row(upper, lower, page):
                continue
            pairs = [(cell_text(heading), cell_text(cell)) for heading, cell in zip(upper, lower, strict=True)]
            yield from of_pairs(pairs, "", page, page.path(lower[0].getparent()), 0.7)


def _is_heading_row(upper: list[Any], lower: list[Any], page: Document) -> bool:
    if all(c.tag == "th" for c in upper):
        return all(c.tag == "td" for c in lower)
    return _reads_as_headings(upper, page) and not _reads_as_headings(lower, page)


def _reads_as_headings(cells: list[Any], page: Document) -> bool:
    """True for cells of which all are short words and most are known, as labels in one row are."""
    texts = [cell_text(c) for c in cells]
    if not all(0 < len(t) <= 30 and not t.endswith(":") and not re.search(r"\d", t) for t in texts):
        return False
    known = sum(page.meaning(t) is not None for t in texts)
    return known >= 2 and known * 2 >= len(texts) and (len(texts) > 2 or known == 2)


def _has_words_only(cells: list[Any]) -> bool:
    return all(len(t) <= 30 and not re.search(r"\d", t) for t in map(cell_text, cells))
