"""What tables with headings say: permits, sales, values, and single rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.property.reading import history, outdoors, permits, single_rows, value_tables
from app.property.reading.base import Candidate, Reading
from app.property.reading.document import Document
from app.property.reading.grids import OTHERS, Grid, cell_text, grids, heading_above, is_total, rows_of_tables
from app.property.reading.object_values import Source
from app.property.reading.readings import candidates_of
from app.property.reading.terms import words_of
from app.property.record import Method
from app.property.values.dates import parse_date


class Tables:
    """History rows, the newest sale, the newest tax year, and what single rows and totals say."""

    name = "tables"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        source = Source(Method.LABEL, 0.75, page.locale.lang)
        for grid in page.once(grids):
            if OTHERS.search(grid.above):
                continue
            for reading in _readings(grid, source, page):
                yield from candidates_of(reading, page.locale)
        for reading in (
            *single_rows.under_headings(page),
            *value_tables.newest_columns(page),
            *value_tables.by_share(page),
            *outdoors.pools(page),
            *_headless(page, source),
        ):
            yield from candidates_of(reading, page.locale)


def _readings(grid: Grid, source: Source, page: Document) -> Iterator[Reading]:
    where = page.path(grid.table)
    table = [{k: v for k, v in zip(grid.names, row, strict=False) if v} for row in grid.rows if not is_total(row)]
    readers = (
        permits.of_rows(table, grid.above, source, where),
        value_tables.totals(grid, source, page),
        history.of_table(table, grid.above, source, where),
    )
    for reader in readers:
        found = list(reader)
        if found:
            yield from found
            return
    if len(table) == 1 and not all(c.tag == "th" for c in grid.head):
        yield from single_rows.of_pairs(
            list(zip(grid.headings, grid.rows[0], strict=False)), grid.above, page, where, 0.6
        )


def _headless(page: Document, source: Source) -> Iterator[Reading]:
    """`02/11/2026 | Listed | $925,000` in every row, below words that announce a history."""
    for table, cells in page.once(rows_of_tables):
        rows = [[cell_text(c) for c in row] for row in cells]
        titled = len(rows) > 2 and len(rows[0]) == 1 and 0 < len(rows[0][0]) <= 80
        above = words_of(rows.pop(0)[0]) if titled else heading_above(table)
        if len(rows) < 2 or OTHERS.search(above) or not history.tells_of_prices(above) or any(len(r) < 2 for r in rows):
            continue
        found = [_dated_price(row) for row in rows]
        if all(row is not None for row in found) and sum("price" in row for row in found if row) * 2 >= len(found):
            yield from history.of_table([r for r in found if r], above, source, page.path(table))


def _dated_price(row: list[str]) -> dict[str, str] | None:
    """Date, event and price of a row; no price where it tells another amount as well: `$349,900->$334,900`."""
    date = next((t for t in row if len(t) <= 20 and parse_date(t)), None)
    price = next((t for t in row if re.fullmatch(r"\$\s?[\d,]+(?:\.\d\d)?", t)), None)
    event = next((t for t in row if t not in (date, price) and re.search(r"[A-Za-z]{4}", t)), "")
    if date is None or not (price or event):
        return None
    return {"date": date, "event": event} | ({"price": price} if price else {})
