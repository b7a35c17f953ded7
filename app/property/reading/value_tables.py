"""Tables of values: totals of land and buildings, and columns by year."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.grids import YEAR, Grid, cell_text, column, is_total, rows_of_tables
from app.property.reading.object_values import Source
from app.property.reading.terms import Meaning, words_of
from app.property.record import Method
from app.property.values.numbers import tidy
from app.property.values.prices import parse_price

#: what a property is worth and owes for one year
YEARLY = ("TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount")
_IN_COLUMNS = {
    "actual": Meaning("X_MarketValue"),
    "appraised": Meaning("X_MarketValue"),
    "current value": Meaning("X_MarketValue", 0.9),
    "full": Meaning("X_MarketValue"),
    "total": Meaning("X_MarketValue", 0.7),
}
_SHARE = re.compile(r"^(\d{1,3}(?:\.\d+)?)\s?%$")
_PARTS = re.compile(
    r"\b(?:land|lot|buildings?|improvements?|dwelling|structures?|impr|bldg|outbuildings?|residential)\b", re.I
)


def totals(grid: Grid, source: Source, page: Document) -> Iterator[Reading]:
    """`Land | 118,000`, `Improvements | 402,350`, `Total | 520,350` under the headings of one or several values."""
    total = next((row for row in grid.rows if is_total(row)), None)
    if total is None or not any(_PARTS.search(text) for text in _first_texts(grid)):
        return
    label, where = next(text for text in total if text), page.path(grid.table)
    told = False
    for heading, words, value in zip(grid.headings, grid.names, total, strict=False):
        known = _IN_COLUMNS.get(words) or page.meaning(heading)
        if known is None or known.field not in YEARLY or not re.search(r"\d", value):
            continue
        told = True
        yield Reading(
            known.field, value, source.method, where, f"{label} {heading}: {value}", 0.85 * known.trust, heading
        )
    if told and (year := _year_of(grid, label)):
        yield Reading("TaxYear", year, source.method, where, str(year), 0.75)


def _first_texts(grid: Grid) -> Iterator[str]:
    return (next((text for text in row if text), "") for row in grid.rows)


def _year_of(grid: Grid, label: str) -> int | None:
    """The year of a table of values: in its total's label, in the words above it, or in a column of years."""
    for text in (label, grid.above):
        if years := YEAR.findall(text):
            return max(map(int, years))
    years = [
        int(text)
        for index, words in enumerate(grid.names)
        if words in ("year", "tax year")
        for text in column(grid, index)
        if YEAR.fullmatch(text)
    ]
    return max(years) if years else None


def newest_columns(page: Document) -> Iterator[Reading]:
    """Rows of values under columns of years (`Market value | 2025 | 2024`): the newest column's, and its year."""
    for table, rows in page.once(rows_of_tables):
        header = next((r for r in rows[:2] if _heads_years([cell_text(c) for c in r])), None)
        if header is None:
            continue
        yield from _newest_column(rows, header, page, page.path(table))


def _heads_years(texts: list[str]) -> bool:
    years = [t for t in texts if YEAR.search(t) and len(t) <= 40]
    return len(years) >= 2 or (
        len(years) == 1 and len(texts) == 2 and texts[1] == years[0] and "year" in texts[0].lower()
    )


def _newest(text: str) -> int:
    years = YEAR.findall(text) if len(text) <= 40 else []
    return max(map(int, years)) if years else 0


def _newest_column(rows: list[list[Any]], header: list[Any], page: Document, where: str) -> Iterator[Reading]:
    year, left = max((_newest(cell_text(cell)), -i) for i, cell in enumerate(header))
    told = False
    for row in rows:
        index = -left - (len(header) - len(row))
        label = next((t for t in map(cell_text, row) if re.search(r"[A-Za-z]{3}", t)), "")
        known = _IN_COLUMNS.get(words_of(label)) or page.meaning(label)
        if known is None or known.field not in YEARLY or not 0 < index < len(row):
            continue
        told = True
        value = cell_text(row[index])
        yield Reading(known.field, value, Method.LABEL, where, f"{label} {value}", 0.85 * known.trust, label)
    if told:
        yield Reading("TaxYear", year, Method.LABEL, where, str(year), 0.8)


def by_share(page: Document) -> Iterator[Reading]:
    """`| 35% | 100%` above land, buildings and their total: the whole is the market's value, its share is assessed."""
    for table, rows in page.once(rows_of_tables):
        shares = [m[1] for t in map(cell_text, rows[0] if rows else []) if t and (m := _SHARE.match(t))]
        total = next((r for r in rows if is_total(tuple(map(cell_text, r)))), None)
        if len(shares) != 2 or "100" not in shares or total is None or len(total) != len(rows[0]):
            continue
        told = {
            s: price.amount for s, c in zip(shares, total[-2:], strict=True) if (price := parse_price(cell_text(c)))
        }
        share = next((s for s in shares if s != "100"), "")
        market, assessed = told.get("100", 0.0), told.get(share, 0.0)
        if not market or not assessed or abs(assessed - market * float(share) / 100) > max(10.0, 0.005 * market):
            continue
        where = page.path(table)
        for field, heading, amount in (("TaxAssessedValue", share, assessed), ("X_MarketValue", "100", market)):
            quote = f"Total {heading}%: {amount:,.0f}"
            yield Reading(field, tidy(amount), Method.LABEL, where, quote, 0.8, f"Total {heading}%")
