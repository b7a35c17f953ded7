"""Read tables with headings, such as permits, sales, assessed values, and lists of features."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from app.property.reading import history, permits
from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.grids import OTHERS, YEAR, Grid, cell_text, grids, heading_above, is_total, rows_of_tables
from app.property.reading.object_values import Source
from app.property.reading.terms import Meaning, words_of
from app.property.record import Method

_YEARLY = ("TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount")
#: Headings that mean a market value in a table of `_YEARLY` values, but something else elsewhere.
_WHOLE = frozenset({"actual", "appraised", "current value", "full", "total"})
_PARTS = re.compile(
    r"\b(?:land|lot|buildings?|improvements?|dwelling|structures?|impr|bldg|outbuildings?|residential)\b", re.I
)
_LAND = re.compile(r"\b(?:land|lots?|acreage|frontage|depth)\b")
_OF_LAND = re.compile(r"(?:land|lots?|acreage)(?: \w+)?$")
_FEATURES = re.compile(
    r"\b(?:(?:extra|special|building|other|misc\w*|yard|site|outdoor) (?:features?|items?|improvements?|structures?)|"
    r"out ?buildings?|accessor(?:y|ies)|features|xfob|detached structures?|yard items?)\b"
)
_POOL = re.compile(r"^(?:\w{1,4} - )?(?:(?:in|above)[ -]?ground |swimming |private )*pool\b", re.IGNORECASE)
#: Matches parts of a pool, a shared pool, or a removed pool.
_NO_POOL = re.compile(
    r"pool[ -]*(?:cage|house|deck|screen|encl\w*|heat\w*|equip\w*|cover|table|fence|bath|shed|patio|room|slide)|"
    r"\b(?:community|shared|common|club|no|none|removed|demolished|filled|razed)\b",
    re.IGNORECASE,
)
Rows = list[list[Any]]


def read(page: Document) -> Iterator[Reading]:
    source = Source(Method.LABEL, 0.75, page.locale.lang)
    for grid in page.once(grids):
        if not OTHERS.search(grid.above):
            yield from _readings(grid, source, page)
    for reader in (_under_headings, _newest_column, _pool):
        for table, rows in page.once(rows_of_tables):
            yield from reader(table, rows, page)


def _readings(grid: Grid, source: Source, page: Document) -> Iterator[Reading]:
    where = page.path(grid.table)
    table = [{k: v for k, v in zip(grid.names, row, strict=False) if v} for row in grid.rows if not is_total(row)]
    for reader in (
        permits.of_rows(table, grid.above, source, where),
        _totals(grid, source, page),
        history.of_table(table, grid.above, source, where),
    ):
        found = list(reader)
        yield from found
        if found:
            return


def _yearly(label: str, page: Document) -> Meaning | None:
    known = Meaning("X_MarketValue", 0.9) if words_of(label) in _WHOLE else page.meaning(label)
    return known if known is not None and known.field in _YEARLY else None


def _totals(grid: Grid, source: Source, page: Document) -> Iterator[Reading]:
    """Read the total row of an assessment table: `Land | 118,000`, `Improvements | 402,350`, `Total | 520,350`."""
    total = next((row for row in grid.rows if is_total(row)), None)
    if total is None or not any(_PARTS.search(next(filter(None, row), "")) for row in grid.rows):
        return
    label, where = next(text for text in total if text), page.path(grid.table)
    stated = False
    for heading, value in zip(grid.headings, total, strict=False):
        known = _yearly(heading, page)
        if known is not None and re.search(r"\d", value):
            stated, quote = True, f"{label} {heading}: {value}"
            yield Reading(known.field, value, source.method, where, quote, 0.85 * known.trust, heading)
    if stated and (years := YEAR.findall(label) or YEAR.findall(grid.above)):
        yield Reading("TaxYear", int(max(years)), source.method, where, max(years), 0.75)


def _newest_column(table: Any, rows: Rows, page: Document) -> Iterator[Reading]:
    """Read the newest year and its values in a table with one column per year: `Market value | 2025 | 2024`."""
    header = next((row for row in rows[:2] if _heads_years([cell_text(c) for c in row])), None)
    if header is None:
        return
    year, left = max((_newest(cell_text(cell)), -i) for i, cell in enumerate(header))
    stated, where = False, page.path(table)
    for row in rows:
        index = -left - (len(header) - len(row))
        label = next((t for t in map(cell_text, row) if re.search(r"[A-Za-z]{3}", t)), "")
        known = _yearly(label, page)
        if known is not None and 0 < index < len(row):
            stated, value = True, cell_text(row[index])
            yield Reading(known.field, value, Method.LABEL, where, f"{label} {value}", 0.85 * known.trust, label)
    if stated:
        yield Reading("TaxYear", year, Method.LABEL, where, str(year), 0.8)


def _heads_years(texts: list[str]) -> bool:
    years = [t for t in texts if _newest(t)]
    alone = len(years) == 1 and len(texts) == 2 and texts[1] == years[0] and "year" in texts[0].lower()
    return len(years) >= 2 or alone


def _newest(text: str) -> int:
    return int(max(YEAR.findall(text), default=0)) if len(text) <= 40 else 0


def _under_headings(table: Any, rows: Rows, page: Document) -> Iterator[Reading]:
    """Read a heading row with one row of values below it.

    In a table about the land, an area is the lot's, and amounts are skipped because they cover only the land.
    """
    for index, (upper, lower) in enumerate(pairwise(rows)):
        after = rows[index + 2] if index + 2 < len(rows) else []
        alone = len(after) < 2 or any(c.tag == "th" for c in after)
        heads = all(c.tag == "th" for c in upper) and all(c.tag == "td" for c in lower)
        if len(upper) < 2 or len(upper) != len(lower) or not alone or not heads:
            continue
        pairs = [(cell_text(heading), cell_text(cell)) for heading, cell in zip(upper, lower, strict=True)]
        land = _OF_LAND.match(heading_above(table)) or any(_LAND.search(words_of(heading)) for heading, _ in pairs)
        for heading, value in pairs:
            known = page.meaning(heading)
            if known is None or not value or known.field in ("TaxAnnualAmount", "_Ignore"):
                continue
            if land and (known.field in _YEARLY or words_of(value) in ("land", "lot")):
                continue  # the value covers only the land, or says nothing about the home's kind
            field = "LotSizeArea" if land and known.field == "LivingArea" else known.field
            where, quote = page.path(lower[0].getparent()), f"{heading}: {value}"
            yield Reading(field, value, Method.LABEL, where, quote, 0.7 * known.trust, heading)


def _pool(table: Any, rows: Rows, page: Document) -> Iterator[Reading]:
    filled = [t for t in map(cell_text, rows[0] if rows else []) if t]
    if not _FEATURES.search(words_of(filled[0]) if len(filled) == 1 else heading_above(table)):
        return
    for row in rows[1:]:
        cell = next((c for c in row if _POOL.match(cell_text(c))), None)
        if cell is not None and not any(_NO_POOL.search(cell_text(c)) for c in row):
            yield Reading("PoolPrivateYN", True, Method.LABEL, page.path(cell), cell_text(cell), 0.65)
            return
