"""What one row of cells says under its headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.grids import cell_text, heading_above, rows_of_tables, sets_pairs
from app.property.reading.terms import Meaning, words_of
from app.property.reading.value_tables import YEARLY
from app.property.record import Method
from app.property.values.areas import find_unit

#: what a table of land says of it
LAND = re.compile(r"\b(?:land|lots?|acreage|frontage|depth)\b")

_OF_LAND = re.compile(r"(?:land|lots?|acreage)(?: \w+)?$")


def of_pairs(
    pairs: list[tuple[str, str]], above: str, page: Document, where: str, confidence: float
) -> Iterator[Reading]:
    """One row under its headings. In a table of land an area is the lot's, and a value is the land's alone."""
    land = LAND.search(" ".join((above, *(words_of(h) for h, _ in pairs)))) is not None
    if land:
        yield from _units_of_land(pairs, where, confidence)
    for index, (heading, value) in enumerate(pairs):
        known = page.meaning(heading)
        if words_of(heading) == "description" and index and _tells_use(pairs[index - 1][0], page):
            known = Meaning("PropertySubType", 0.7)
        if known is None or not value or known.field in ("TaxAnnualAmount", "_Ignore"):
            continue
        if land and known.field == "PropertySubType" and words_of(value) in ("land", "lot"):
            continue  # every property has land; what stands on it is told elsewhere
        field = "LotSizeArea" if land and known.field == "LivingArea" else known.field
        if land and field in YEARLY:
            continue
        yield Reading(field, value, Method.LABEL, where, f"{heading}: {value}", confidence * known.trust, heading)


def _units_of_land(pairs: list[tuple[str, str]], where: str, confidence: float) -> Iterator[Reading]:
    """`Number of Units | 10,000.00`, `Unit of Measure | Square Feet`; lots and front feet are no area."""
    told = {words_of(heading): value for heading, value in pairs}
    number = next((told[w] for w in ("number of units", "land units", "units", "size") if told.get(w)), "")
    unit = next((told[w] for w in ("unit of measure", "unit type", "units type", "uom") if told.get(w)), "")
    if find_unit(unit) is not None and re.fullmatch(r"[\d,]*\.?\d+", number):
        yield Reading("LotSizeArea", f"{number} {unit}", Method.LABEL, where, f"{number} {unit}", confidence, "Units")


def _tells_use(heading: str, page: Document) -> bool:
    return getattr(page.meaning(heading), "field", "") == "PropertySubType"


def under_headings(page: Document) -> Iterator[Reading]:
    """A row of nothing but headings with one row of cells below it, somewhere in a table."""
    for table, rows in page.once(rows_of_tables):
        for index, (upper, lower) in enumerate(pairwise(rows)):
            after = rows[index + 2] if index + 2 < len(rows) else []
            alone = len(after) < 2 or any(c.tag == "th" for c in after) or _has_words_only(after)
            if len(upper) < 2 or len(upper) != len(lower) or not alone or not _is_heading_row(upper, lower, page):
                continue
            pairs = [(cell_text(heading), cell_text(cell)) for heading, cell in zip(upper, lower, strict=True)]
            above = heading_above(table)
            of_land = above if _OF_LAND.match(above) else ""
            yield from of_pairs(pairs, of_land, page, page.path(lower[0].getparent()), 0.7)


def _is_heading_row(upper: list[Any], lower: list[Any], page: Document) -> bool:
    if all(c.tag == "th" for c in upper):
        return all(c.tag == "td" for c in lower)
    told = [page.meaning(cell_text(c)) is not None for c in upper]
    return (
        _reads_as_headings(upper, page) and not _reads_as_headings(lower, page) and not sets_pairs(upper, told, lower)
    )


def _reads_as_headings(cells: list[Any], page: Document) -> bool:
    """True for cells of which all are short words and most are known, as labels in one row are."""
    texts = [cell_text(c) for c in cells]
    if not all(0 < len(t) <= 30 and not t.endswith(":") and not re.search(r"\d", t) for t in texts):
        return False
    known = sum(page.meaning(t) is not None for t in texts)
    return known >= 2 and known * 2 >= len(texts) and (len(texts) > 2 or known == 2)


def _has_words_only(cells: list[Any]) -> bool:
    return all(len(t) <= 30 and not re.search(r"\d", t) for t in map(cell_text, cells))
