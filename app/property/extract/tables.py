"""Tables with a row of headings: sales, tax years, value columns by year, and buildings in a row.

A grid is a table whose first row with text names columns. Tables that pair a label with a value are left to
`labels.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from app.property.extract import history
from app.property.extract.base import Candidate
from app.property.extract.document import Document
from app.property.extract.object_values import Source
from app.property.extract.readings import Reading, candidates_of
from app.property.extract.terms import meaning, words_of
from app.property.record import Method

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_MOST_ROWS = 60
_YEARLY = ("TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's headings, its rows of cell texts below them, the text above the table, and the heading cells."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    above: str
    elements: tuple[tuple[Any, ...], ...]
    table: Any


class Tables:
    """History rows, the newest sale, the newest tax year."""

    name = "tables"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        source = Source(Method.LABEL, 0.75, page.locale.lang)
        for grid in grids(page):
            for reading in _readings(grid, source, page):
                yield from candidates_of(reading, page.locale)
        for reading in (*_heading_rows(page, source), *_value_columns(page, source)):
            yield from candidates_of(reading, page.locale)


def grids(page: Document) -> list[Grid]:
    """The tables of the page that have headings which we know, in page order."""
    found = (_grid(table, page) for table in page.tables)
    return [grid for grid in found if grid is not None]


def own_rows(table: Any) -> list[list[Any]]:
    """Cells of the first 60 rows."""
    own = table.xpath("./tr|./tbody/tr|./thead/tr|./tfoot/tr|./thead[th]|./form/tr|./form/tbody/tr")[:_MOST_ROWS]
    rows = [[cell for cell in row if cell.tag in ("td", "th")] for row in own]
    return [row for row in rows if row]


def cell_text(cell: Any) -> str:
    parts = islice((t for t in cell.itertext() if t.strip()), 200)
    return " ".join(" ".join(parts).split())[:300]


def _grid(table: Any, page: Document) -> Grid | None:
    rows = own_rows(table)
    for index, row in enumerate(rows[:3]):
        texts = [cell_text(c) for c in row]
        filled = [t for t in texts if t]
        if len(filled) < 2:
            continue
        if not _names_columns(filled, rows[index + 1 :], page.locale.lang):
            return None
        data = tuple(tuple(cell_text(c) for c in r) for r in rows[index + 1 :] if len(r) >= 2)
        return Grid(tuple(texts), data, _heading_above(table), (tuple(row),), table)
    return None


def _names_columns(texts: list[str], below: list[list[Any]], lang: str | None) -> bool:
    """True where most texts of a row are names of columns: known words, no values among them, rows of the same width
    below.
    """
    known = [
        words_of(t) in ("date", "price", "event", "year", "time", "amount") or meaning(t.rstrip(":"), lang) is not None
        for t in texts
    ]
    if not below or sum(known) < 2 or any(t.endswith(":") for t in texts):
        return False
    if len(texts) == 2:
        return all(known) and not any(_knows(row, lang) for row in below)
    return known.count(True) * 2 >= len(texts) - 2 and not any(
        re.search(r"\d{2}", t) and not _YEAR.search(t) for t in texts
    )


def _knows(row: list[Any], lang: str | None) -> bool:
    return bool(row) and meaning(cell_text(row[0]), lang) is not None


def _heading_above(table: Any) -> str:
    """The caption, or the nearest short text before the table."""
    caption = table.find("caption")
    if caption is not None:
        return words_of(cell_text(caption))
    element = table
    for _ in range(4):
        for before in element.itersiblings(preceding=True):
            text = cell_text(before) if isinstance(before.tag, str) and before.tag not in ("script", "style") else ""
            if text:
                return words_of(text) if len(text) <= 80 else ""
        element = element.getparent()
        if element is None or element.tag in ("body", "html"):
            break
    return ""


def _readings(grid: Grid, source: Source, page: Document) -> Iterator[Reading]:
    names = [words_of(h) for h in grid.headings]
    table = [dict(zip(names, row, strict=False)) for row in grid.rows]
    where = page.path(grid.table)
    found = list(history.of_table([{k: v for k, v in row.items() if v} for row in table], grid.above, source, where))
    if found:
        yield from found
        return
    if len(table) == 1 and not all(c.tag == "th" for c in grid.elements[0]):
        for heading, value in zip(grid.headings, grid.rows[0], strict=False):
            known = meaning(heading, source.lang)
            if known is not None and value and known.field != "TaxAnnualAmount":
                yield Reading(
                    known.field, value, source.method, where, f"{heading}: {value}", 0.6 * known.trust, heading
                )


def _heading_rows(page: Document, source: Source) -> Iterator[Reading]:
    """A row of nothing but headings with one row of cells below it, somewhere in a table."""
    for table in page.tables:
        rows = own_rows(table)
        for index, (upper, lower) in enumerate(pairwise(rows)):
            alone = index + 2 >= len(rows) or any(c.tag == "th" for c in rows[index + 2])
            if len(upper) < 2 or len(upper) != len(lower) or not alone or not _is_heading_row(upper, lower):
                continue
            for heading, cell in zip(upper, lower, strict=True):
                label, value = cell_text(heading), cell_text(cell)
                known = meaning(label, source.lang)
                if known is not None and value and known.field not in ("TaxAnnualAmount", "_Ignore"):
                    yield Reading(
                        known.field,
                        value,
                        source.method,
                        page.path(cell),
                        f"{label}: {value}",
                        0.7 * known.trust,
                        label,
                    )


def _is_heading_row(upper: list[Any], lower: list[Any]) -> bool:
    return all(c.tag == "th" for c in upper) and all(c.tag == "td" for c in lower)


def _value_columns(page: Document, source: Source) -> Iterator[Reading]:
    """Rows of values under columns of years (`Market value | 2025 | 2024`): the newest column's, and its year."""
    for table in page.tables:
        rows = own_rows(table)
        header = next((r for r in rows[:2] if _heads_years([cell_text(c) for c in r])), None)
        if header is None:
            continue
        yield from _newest_column(rows, header, source, page.path(table))


def _heads_years(texts: list[str]) -> bool:
    years = [t for t in texts if _YEAR.search(t) and len(t) <= 40]
    return len(years) >= 2 or (
        len(years) == 1 and len(texts) == 2 and texts[1] == years[0] and "year" in texts[0].lower()
    )


def _newest(text: str) -> int:
    years = _YEAR.findall(text) if len(text) <= 40 else []
    return max(map(int, years)) if years else 0


def _newest_column(rows: list[list[Any]], header: list[Any], source: Source, where: str) -> Iterator[Reading]:
    year, left = max((_newest(cell_text(cell)), -i) for i, cell in enumerate(header))
    told = False
    for row in rows:
        index = -left - (len(header) - len(row))
        label = next((t for t in map(cell_text, row) if re.search(r"[A-Za-z]{3}", t)), "")
        known = meaning(label, source.lang)
        if known is None or known.field not in _YEARLY or not 0 < index < len(row):
            continue
        told = True
        value = cell_text(row[index])
        yield Reading(known.field, value, source.method, where, f"{label} {value}", 0.85 * known.trust, label)
    if told:
        yield Reading("TaxYear", year, source.method, where, str(year), 0.8)
