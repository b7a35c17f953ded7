"""What tables with headings say: permits, sales, tax years, totals of values, living areas, value columns by year, and
buildings in a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from app.property.extract import baths, history, permits
from app.property.extract.base import Candidate
from app.property.extract.document import Document
from app.property.extract.grids import OTHERS, TOTAL, YEAR, Grid, cell_text, column, grids, heading_above, own_rows
from app.property.extract.object_values import Source
from app.property.extract.readings import Reading, candidates_of
from app.property.extract.terms import Meaning, words_of
from app.property.normalise.dates import parse_date
from app.property.record import Method

_YEARLY = ("TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount")
_IN_COLUMNS = {
    "actual": Meaning("X_MarketValue"),
    "appraised": Meaning("X_MarketValue"),
    "current value": Meaning("X_MarketValue", 0.9),
    "full": Meaning("X_MarketValue"),
    "total": Meaning("X_MarketValue", 0.7),
}
_PARTS = re.compile(
    r"\b(?:land|lot|buildings?|improvements?|dwelling|structures?|impr|bldg|outbuildings?|residential)\b", re.I
)
_LAND = re.compile(r"\b(?:land|lots?|acreage|frontage|depth)\b")
_BUILT = frozenset(
    {
        "BathroomsFull",
        "BathroomsTotalInteger",
        "BedroomsTotal",
        "ConstructionMaterials",
        "Heating",
        "LivingArea",
        "Roof",
        "StoriesTotal",
        "YearBuilt",
    }
)
_PLANS = re.compile(r"\b(?:floor ?plans?|plans?|units?|rent|models?|available|apartments?)\b")
_AREAS = frozenset({"sqft", "sq ft", "sf", "area", "square feet", "size", "floor area", "heated area", "living area"})
_LIVED_IN = re.compile(
    r"\b(?:main area|main living|living area|base area|heated area|base|(?:1st|first|2nd|second|upper|third) "
    r"(?:floor|story|storey|level))\b|^(?:BAS|MA)$",
    re.I,
)
_NOT_LIVED_IN = re.compile(
    r"\bunf\w*|porch|garage|\bopen\b|basement|attic|patio|deck|carport|cover|screen|canopy", re.I
)


class Tables:
    """History rows, the newest sale, the newest tax year, and what single rows and totals say."""

    name = "tables"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        source = Source(Method.LABEL, 0.75, page.locale.lang)
        floors = False
        for grid in page.once(grids):
            if OTHERS.search(grid.above):
                continue
            for reading in _readings(grid, source, page, floors=not floors):
                floors = floors or reading.field == "LivingArea"  # the first building is the house
                yield from candidates_of(reading, page.locale)
        for reading in (*_heading_rows(page), *_value_columns(page), *_headless(page, source)):
            yield from candidates_of(reading, page.locale)


def _readings(grid: Grid, source: Source, page: Document, *, floors: bool) -> Iterator[Reading]:
    where = page.path(grid.table)
    table = [{k: v for k, v in zip(grid.names, row, strict=False) if v} for row in grid.rows if not _is_total(row)]
    readers = (
        permits.of_rows(table, grid.above, source, where),
        _totals(grid, source, page),
        history.of_table(table, grid.above, source, where),
        _buildings(grid, page) if floors else iter(()),
        _floors(grid, source, page) if floors else iter(()),
    )
    for reader in readers:
        found = list(reader)
        if found:
            yield from found
            return
    if len(table) == 1 and not all(c.tag == "th" for c in grid.head):
        yield from _single(list(zip(grid.headings, grid.rows[0], strict=False)), grid.above, page, where, 0.6)


def _is_total(row: tuple[str, ...]) -> bool:
    return TOTAL.match(next((text for text in row if text), "")) is not None


def _single(
    pairs: list[tuple[str, str]], above: str, page: Document, where: str, confidence: float
) -> Iterator[Reading]:
    """One row under its headings. In a table of land an area is the lot's, and a value is the land's alone."""
    land = _LAND.search(" ".join((above, *(words_of(h) for h, _ in pairs)))) is not None
    for index, (heading, value) in enumerate(pairs):
        known = page.meaning(heading)
        if words_of(heading) == "description" and index and _tells_use(pairs[index - 1][0], page):
            known = Meaning("PropertySubType", 0.7)
        if known is None or not value or known.field in ("TaxAnnualAmount", "_Ignore"):
            continue
        field = "LotSizeArea" if land and known.field == "LivingArea" else known.field
        if land and field in _YEARLY:
            continue
        yield Reading(field, value, Method.LABEL, where, f"{heading}: {value}", confidence * known.trust, heading)


def _tells_use(heading: str, page: Document) -> bool:
    return getattr(page.meaning(heading), "field", "") == "PropertySubType"


# --- totals of a table of values --------------------


def _totals(grid: Grid, source: Source, page: Document) -> Iterator[Reading]:
    """`Land | 118,000`, `Improvements | 402,350`, `Total | 520,350` under the headings of one or several values."""
    total = next((row for row in grid.rows if _is_total(row)), None)
    if total is None or not any(_PARTS.search(text) for text in _first_texts(grid)):
        return
    label, where = next(text for text in total if text), page.path(grid.table)
    told = False
    for heading, words, value in zip(grid.headings, grid.names, total, strict=False):
        known = _IN_COLUMNS.get(words) or page.meaning(heading)
        if known is None or known.field not in _YEARLY or not re.search(r"\d", value):
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


# --- buildings in rows --------------------


def _buildings(grid: Grid, page: Document) -> Iterator[Reading]:
    """The first building of a table with a row a building: the house, whose garage has a row of its own. Tables of
    flats and floor plans have rents or names of plans, and are none.
    """
    fields = [getattr(page.meaning(h), "field", "") for h in grid.headings]
    if len(grid.rows) < 2 or len(_BUILT & set(fields)) < 3 or _PLANS.search(" ".join((grid.above, *grid.names))):
        return
    house = next((row for row in grid.rows if not any(_NOT_LIVED_IN.search(t) for t in row[:2])), None)
    if house is None or {"ListPrice", "_Address", "CloseDate"} & set(fields):
        return
    where = page.path(grid.table)
    found = list(_single(list(zip(grid.headings, house, strict=False)), grid.above, page, where, 0.62))
    yield from found
    if (all_baths := baths.together({r.field: r for r in found})) is not None:
        yield all_baths


# --- areas by floor --------------------


def _floors(grid: Grid, source: Source, page: Document) -> Iterator[Reading]:
    """The living area of a table of floors and parts of a building: its total under that heading, else its main area
    and upper floors together.
    """
    where = page.path(grid.table)
    fields = [getattr(page.meaning(h), "field", "") for h in grid.headings]
    index = next(
        (i for i, (f, w) in enumerate(zip(fields, grid.names, strict=True)) if f == "LivingArea" or w in _AREAS), None
    )
    if index is None or _LAND.search(" ".join((grid.above, *grid.names))):
        return
    total = next((row for row in grid.rows if _is_total(row)), None)
    if total is not None and fields[index] == "LivingArea" and index < len(total) and total[index]:
        value = total[index]
        yield Reading("LivingArea", value, source.method, where, f"Total {grid.headings[index]}: {value}", 0.75)
        return
    lived_in = [
        row
        for row in grid.rows
        if index < len(row)
        and any(_LIVED_IN.search(t) for t in row)
        and not any(_NOT_LIVED_IN.search(t) for t in row)
        and _number(row[index])
    ]
    if not lived_in:
        return
    area = sum(_number(row[index]) for row in lived_in)
    quote = "; ".join(" ".join(t for t in row if t) for row in lived_in)
    yield Reading("LivingArea", f"{area:g}", source.method, where, quote, 0.62)
    if "YearBuilt" in fields and (built := fields.index("YearBuilt")) < len(lived_in[0]):
        yield Reading("YearBuilt", lived_in[0][built], source.method, where, quote, 0.62)


def _number(text: str) -> float:
    match = re.fullmatch(r"([\d,]+(?:\.\d+)?)\s*(?:sq\.?\s?ft\.?|sqft|sf)?", text.strip(), re.I)
    return float(match[1].replace(",", "")) if match and any(c.isdigit() for c in match[1]) else 0.0


# --- headings over single rows --------------------


def _heading_rows(page: Document) -> Iterator[Reading]:
    """A row of nothing but headings with one row of cells below it, somewhere in a table."""
    for table in page.tables:
        rows = own_rows(table)
        for index, (upper, lower) in enumerate(pairwise(rows)):
            after = rows[index + 2] if index + 2 < len(rows) else []
            alone = len(after) < 2 or any(c.tag == "th" for c in after) or _has_words_only(after)
            if len(upper) < 2 or len(upper) != len(lower) or not alone or not _is_heading_row(upper, lower, page):
                continue
            pairs = [(cell_text(heading), cell_text(cell)) for heading, cell in zip(upper, lower, strict=True)]
            yield from _single(pairs, "", page, page.path(lower[0].getparent()), 0.7)


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


# --- rows of dated prices without headings --------------------


def _headless(page: Document, source: Source) -> Iterator[Reading]:
    """`02/11/2026 | Listed | $925,000` in every row, below words that announce a history."""
    for table in page.tables:
        rows = [[cell_text(c) for c in row] for row in own_rows(table)]
        above = heading_above(table)
        if len(rows) < 2 or not history.tells_of_prices(above) or any(len(r) < 2 for r in rows):
            continue
        found = [_dated_price(row) for row in rows]
        if all(row is not None for row in found):
            yield from history.of_table([r for r in found if r], above, source, page.path(table))


def _dated_price(row: list[str]) -> dict[str, str] | None:
    date = next((t for t in row if len(t) <= 20 and parse_date(t)), None)
    price = next((t for t in row if re.fullmatch(r"\$\s?[\d,]+(?:\.\d\d)?", t)), None)
    event = next((t for t in row if t not in (date, price) and re.search(r"[A-Za-z]{4}", t)), "")
    return {"date": date, "event": event, "price": price} if date and price else None


# --- columns of years --------------------


def _value_columns(page: Document) -> Iterator[Reading]:
    """Rows of values under columns of years (`Market value | 2025 | 2024`): the newest column's, and its year."""
    for table in page.tables:
        rows = own_rows(table)
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
        if known is None or known.field not in _YEARLY or not 0 < index < len(row):
            continue
        told = True
        value = cell_text(row[index])
        yield Reading(known.field, value, Method.LABEL, where, f"{label} {value}", 0.85 * known.trust, label)
    if told:
        yield Reading("TaxYear", year, Method.LABEL, where, str(year), 0.8)
