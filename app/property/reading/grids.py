"""Find tables with a heading row, their columns, and the text above them."""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.property.reading.document import Document
from app.property.reading.terms import words_of
from app.property.reading.trees import squared

YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_TOTAL = re.compile(r"^\W*(?:grand |combined )?(?:totals?|ttl)\b", re.IGNORECASE)
#: Matches headings of tables about other properties.
OTHERS = re.compile(
    r"\b(?:comparables?|comps|similar|nearby|neighbou?r(?:ing|hood)|other (?:sales|homes|properties)|area sales)\b"
)
_MOST_TABLES, _MOST_ROWS = 400, 60
_MOST_COLUMNS = 24
#: Headings of columns without facts about the property. They still identify a heading row.
_COLUMN_WORDS = frozenset({
    "actual", "amount", "book", "book/page", "buyer", "buyer name", "date", "date paid", "deed book / page",
    "description", "doc type", "document", "document date", "event", "finaled", "final date", "grantee", "grantor",
    "instrument", "issued", "issue date", "page", "permit", "permit number", "permit type", "price", "reason",
    "recording", "seller", "seller name", "status", "time", "type", "unit", "work", "year"
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grid:
    """`headings` and `rows` are the texts; `head` and `body` are the cells of the same rows. `above` is the text above
    the table. If a cell spans several columns, its text is in the first of these columns.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    above: str
    head: tuple[Any, ...]
    body: tuple[tuple[Any, ...], ...]
    table: Any

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(words_of(h) for h in self.headings)


def grids(page: Document) -> list[Grid]:
    """Return the tables with known column headings, in page order."""
    found = (_grid(table, rows, page) for table, rows in page.once(rows_of_tables))
    return [grid for grid in found if grid is not None]


def rows_of_tables(page: Document) -> list[tuple[Any, list[list[Any]]]]:
    """Return the innermost tables about the property, each with the cells of its first 60 rows.

    Readers call this function through `Document.once`, which caches the result.
    """
    innermost = (t for t in page.root.iter("table") if next(t.iterdescendants("table"), None) is None)
    tables = [table for table in islice(innermost, _MOST_TABLES) if not page.is_skipped(table)]
    return [(table, _own_rows(table)) for table in tables]


def _own_rows(table: Any) -> list[list[Any]]:
    own = table.xpath("./tr|./tbody/tr|./thead/tr|./tfoot/tr|./thead[th]|./form/tr|./form/tbody/tr")[:_MOST_ROWS]
    rows = [[cell for cell in row if cell.tag in ("td", "th")] for row in own]
    return [row for row in rows if row]


def cell_text(cell: Any) -> str:
    parts = islice((t for t in cell.itertext() if t.strip()), 200)
    return squared(" ".join(" ".join(parts).split()))[:300]


def texts_of(cells: list[Any]) -> list[str]:
    """Return a row's texts by column. A cell that spans three columns is followed by two empty texts."""
    found: list[str] = []
    for cell in cells:
        span = cell.get("colspan") or "1"
        width = int(span) if span.isascii() and span.isdigit() else 1
        found += [cell_text(cell), *[""] * (min(max(width, 1), _MOST_COLUMNS) - 1)]
    return found[:_MOST_COLUMNS]


def _grid(table: Any, rows: list[list[Any]], page: Document) -> Grid | None:
    title = ""
    for index, row in enumerate(rows[:3]):
        texts = texts_of(row)
        filled = [t for t in texts if t]
        if len(filled) < 2:
            stated = words_of(filled[0]) if filled and len(filled[0]) <= 80 else ""
            title = stated or title  # keep the previous title if the row is only a remark in brackets
            continue
        below = rows[index + 1 :]
        if not _names_columns(filled, row, below, page, wide=len(texts) > 2):
            return None
        data = [r for r in below if len(r) >= 2]
        return Grid(
            tuple(texts),
            tuple(tuple(texts_of(r)) for r in data),
            title or heading_above(table),
            tuple(row),
            tuple(tuple(r) for r in data),
            table,
        )
    return None


def _names_columns(texts: list[str], row: list[Any], below: list[list[Any]], page: Document, *, wide: bool) -> bool:
    """Return whether a row is a heading row: most of its texts are known column names, none is a value, and the rows
    below are not label/value pairs.
    """
    if wide and len(row) >= 4 and all(c.tag == ("td" if i % 2 else "th") for i, c in enumerate(row)):
        return False
    if below and len(row) == len(texts) and sets_pairs(row, [page.meaning(t) is not None for t in texts], below[0]):
        return False
    terms = [page.meaning(t) is not None for t in texts]
    known = [term or words_of(t) in _COLUMN_WORDS for term, t in zip(terms, texts, strict=True)]
    if not below or sum(known) < 2 or any(t.endswith(":") for t in texts):
        return False
    labeled = [page.meaning(cell_text(row[0])) is not None for row in below]
    if len(texts) == 2 and not wide:
        return all(known) and not any(labeled)
    if terms[0] and not known[1] and sum(labeled) * 2 >= len(labeled):
        return False
    return known.count(True) * 2 >= len(texts) - 2 and not any(
        re.search(r"\d{2}", t) and not YEAR.search(t) for t in texts
    )


def sets_pairs(row: list[Any], stated: list[bool], below: list[Any]) -> bool:
    """Return whether the row consists of label/value pairs: known labels alternate with other texts, and the row below
    also has words in the places of the labels. Example: `EXTERIOR WALL | STUCCO | ROOF COVER | SHINGLE` above `ROOF
    STRUCT | HIP | FLOOR | TILE`.
    """
    turns = len(stated) >= 4 and stated == [True, False] * (len(stated) // 2)
    if not turns or len(below) != len(row) or all(c.tag == "th" for c in row):
        return False
    return all(text and not re.search(r"\d", text) for text in map(cell_text, below[::2]))


def heading_above(table: Any) -> str:
    """Return the words of the caption, or of the nearest text before the table. Return "" if that text has more than 80
    characters.
    """
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


def is_total(row: tuple[str, ...]) -> bool:
    return _TOTAL.match(next((text for text in row if text), "")) is not None
