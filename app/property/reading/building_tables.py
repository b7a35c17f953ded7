"""Tables of a building's parts, and of buildings in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.property.reading import baths, single_rows
from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.grids import Grid, is_total
from app.property.reading.object_values import Source

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
#: a part whose column of areas holds how many there are
_BATHS = re.compile(r"(?:full )?bath(?:room)?s?", re.I)
#: a total that says which of it is lived in, and a column that holds that alone
_HEATED = re.compile(r"^(?:heated|living|under air|a/c)\b[^\d]{0,12}([\d,]+)$", re.I)
_LIVING = re.compile(r"\b(?:living|heated|finished|fin|under air|gla)\b")
_NOT_LIVED_IN = re.compile(
    r"\bunf\w*|porch|garage|\bopen\b|basement|attic|patio|deck|carport|cover|screen|canopy", re.I
)


def first_building(grid: Grid, source: Source, page: Document) -> Iterator[Reading]:
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
    found = list(single_rows.of_pairs(list(zip(grid.headings, house, strict=False)), grid.above, page, where, 0.62))
    if sum(_is_lived_in(row) for row in grid.rows) > 1:  # its floors have rows of their own
        yield from (r for r in found if r.field != "LivingArea")
        yield from floors(grid, source, page)
        return
    yield from found
    if (all_baths := baths.together({r.field: r for r in found})) is not None:
        yield all_baths


def floors(grid: Grid, source: Source, page: Document) -> Iterator[Reading]:
    """The living area of a table of floors and parts of a building: its total under that heading, else its main area
    and upper floors together.
    """
    where = page.path(grid.table)
    fields = [getattr(page.meaning(h), "field", "") for h in grid.headings]
    index = next(
        (i for i, (f, w) in enumerate(zip(fields, grid.names, strict=True)) if f == "LivingArea" or w in _AREAS), None
    )
    if index is None or single_rows.LAND.search(" ".join((grid.above, *grid.names))):
        return
    total = next((row for row in grid.rows if is_total(row)), None)
    heated = next((m for text in total or () if (m := _HEATED.match(text))), None)
    if heated is not None:
        heading = grid.headings[index]
        yield Reading("LivingArea", heated[1], source.method, where, f"{heading}: {heated[0]}", 0.75, heading)
        return
    all_lived_in = _LIVING.search(grid.names[index]) or not any(_NOT_LIVED_IN.search(t) for r in grid.rows for t in r)
    if total is not None and all_lived_in and fields[index] == "LivingArea" and index < len(total) and total[index]:
        value = total[index]
        heading = grid.headings[index]
        yield Reading("LivingArea", value, source.method, where, f"Total {heading}: {value}", 0.75, heading)
        return
    lived_in = [row for row in grid.rows if index < len(row) and _is_lived_in(row) and _number(row[index])]
    bathrooms = [row for row in grid.rows if index < len(row) and any(_BATHS.fullmatch(t) for t in row)]
    if len(bathrooms) == 1 and re.fullmatch(r"\d{1,2}(?:\.[05])?", count := bathrooms[0][index]):
        quote = " ".join(t for t in bathrooms[0] if t)
        yield Reading("BathroomsTotalInteger", count, source.method, where, quote, 0.62)
    if not lived_in:
        return
    area = sum(_number(row[index]) for row in lived_in)
    quote = "; ".join(" ".join(t for t in row if t) for row in lived_in)
    if len(lived_in) == 1:
        value, heading = lived_in[0][index], grid.headings[index]
        yield Reading("LivingArea", value, source.method, where, f"{heading}: {value}", 0.62, heading)
    else:
        yield Reading("LivingArea", f"{area:g}", source.method, where, quote, 0.62)
    if "YearBuilt" in fields and (built := fields.index("YearBuilt")) < len(lived_in[0]):
        yield Reading("YearBuilt", lived_in[0][built], source.method, where, quote, 0.62)


def _is_lived_in(row: tuple[str, ...]) -> bool:
    return any(_LIVED_IN.search(t) for t in row) and not any(_NOT_LIVED_IN.search(t) for t in row)


def _number(text: str) -> float:
    match = re.fullmatch(r"([\d,]+(?:\.\d+)?)\s*(?:sq\.?\s?ft\.?|sqft|sf)?", text.strip(), re.I)
    return float(match[1].replace(",", "")) if match and any(c.isdigit() for c in match[1]) else 0.0
