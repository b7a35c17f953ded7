"""Turn tables into lines: each cell with the head of its column, or rows of labels and values.

A table's cells are expanded over the columns and rows that they span. Heads may have two rows. A row whose cells all
belong to one text is a heading.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.property.reading.document import Segment
from app.property.reading.terms import meaning

_MAX_ROWS, _MAX_COLUMNS, _MAX_HEAD, _MAX_CELL = 120, 30, 40, 400
#: In a long table, only this many first and last rows repeat the heads, because each repetition costs tokens.
_MAX_HEADED, _MAX_LAST = 8, 2
_YEAR_OR_SHARE = re.compile(r"\b(?:19|20)\d\d(?:\s?[-/]\s?(?:\d\d){1,2})?\b|\(?\d+(?:\.\d+)?\s?%\)?")


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    is_head: bool


_Row = list[_Cell]


def tables_of(segments: Sequence[Segment]) -> dict[int, tuple[str, ...]]:
    """Return the lines of each table with data, by the index of its first segment. Its other segments have no lines.

    A table that contains a table, or very long cells, is layout and is left out.
    """
    by_table: dict[Any, list[tuple[Segment, Any]]] = {}
    layout: set[Any] = set()
    for segment in segments:
        around = (segment.owner, *segment.owner.iterancestors())
        cell = next((e for e in around if e.tag in ("td", "th", "table")), None)
        if cell is None or cell.tag == "table":
            continue
        tables = list(islice(cell.iterancestors("table"), 8))
        layout.update(tables[1:])
        if tables:
            by_table.setdefault(tables[0], []).append((segment, cell))
    found: dict[int, tuple[str, ...]] = {}
    for table, members in by_table.items():
        texts: dict[Any, str] = {}
        for segment, cell in members:
            texts[cell] = f"{texts[cell]} {segment.text}" if cell in texts else segment.text
        if table in layout or max(map(len, texts.values())) > _MAX_CELL:
            continue
        rows = [row for row in _expanded(table, texts) if any(cell.text for cell in row)]
        if max((len(row) for row in rows), default=0) < 2:
            continue
        found.update(dict.fromkeys((segment.index for segment, _ in members), ()))
        found[members[0][0].index] = tuple(_lines(rows))
    return found


def _expanded(table: Any, texts: dict[Any, str]) -> Iterator[_Row]:
    """Yield the rows of a table. A cell is repeated in each column and row that it spans."""
    spanning: dict[int, tuple[int, _Cell]] = {}  # the cell that fills a column, and in how many further rows
    for row in islice(table.iter("tr"), _MAX_ROWS):
        above, spanning, cells = spanning, {}, _Row()
        for element in (*row.iterchildren("td", "th"), None):
            while len(cells) in above:
                left, cell = above[len(cells)]
                if left > 1:
                    spanning[len(cells)] = (left - 1, cell)
                cells.append(cell)
            if element is None:
                break
            cell = _Cell(texts.get(element, ""), element.tag == "th")
            width, height = (_span(element.get(name)) for name in ("colspan", "rowspan"))
            for _ in range(min(width, _MAX_COLUMNS - len(cells))):
                if height > 1:
                    spanning[len(cells)] = (height - 1, cell)
                cells.append(cell)
        yield cells[:_MAX_COLUMNS]


def _span(number: str | None) -> int:
    return max(1, min(int(number), _MAX_COLUMNS)) if number and number.isascii() and number.isdigit() else 1


def _lines(rows: list[_Row]) -> Iterator[str]:
    heads: tuple[str, ...] = ()
    are_pairs = _are_pairs([_collapsed(row) for row in rows])
    at = headed = 0
    while at < len(rows):
        row = rows[at]
        distinct = list(dict.fromkeys(cell for cell in row if cell.text))
        if len(distinct) == 1 and (len(row) > 1 or not heads):
            yield distinct[0].text
        elif not are_pairs and _is_head(row, rows[at + 1 :]):
            heads, headed = tuple(cell.text for cell in row), 0
            while at + 2 < len(rows) and _is_head(rows[at + 1], rows[at + 2 :]) and len(rows[at + 1]) == len(row):
                at += 1
                heads = tuple(_joined(upper, cell.text) for upper, cell in zip(heads, rows[at], strict=True))
        elif heads and len(row) == len(heads) and (headed < _MAX_HEADED or len(rows) - at <= _MAX_LAST):
            yield " | ".join(_headed(heads, row))
            headed += 1
        else:
            yield " | ".join(_paired(row) if are_pairs or len(distinct) == 2 else (cell.text for cell in distinct))
        at += 1


def _joined(upper: str, lower: str) -> str:
    return upper if upper == lower or not lower else f"{upper} {lower}".strip()


def _is_label_like(text: str) -> bool:
    bare = _YEAR_OR_SHARE.sub("", text)
    return 0 < len(text) <= _MAX_HEAD + 20 and not any(map(str.isdigit, bare)) and not any(m in text for m in "$€£")


def _is_known(text: str) -> bool:
    return meaning(text.rstrip(": "), None) is not None


def _is_head(row: _Row, below: Sequence[_Row]) -> bool:
    """Return whether a row heads the rows below it: its cells are `<th>`, or texts above figures."""
    filled = [cell for cell in row if cell.text]
    values = [one for one in below if len(one) == len(row)]
    if len(filled) < 2 or not values or any(cell.text.endswith(":") for cell in filled):
        return False
    if not all(_is_label_like(cell.text) for cell in filled):
        return False
    if all(cell.is_head for cell in filled):
        return not all(cell.is_head for one in values for cell in one if cell.text)
    if len({cell.text for cell in filled}) < 3 or any(cell.is_head for cell in filled[1:]):
        return False
    # most rows below have a figure where this row has a text
    figured = sum(any(any(map(str.isdigit, cell.text)) for cell in one[1:]) for one in values)
    return figured * 2 >= len(values)


def _are_pairs(rows: list[_Row]) -> bool:
    """Return whether the table consists of labels and values side by side."""
    filled = [row for row in rows if len({cell.text for cell in row if cell.text}) >= 2]
    if not filled:
        return False
    if max(map(len, filled)) == 2:
        heads = [row for row in filled if all(cell.is_head for cell in row)]
        return not heads
    even = [row for row in filled if len(row) % 2 == 0]
    if len(even) * 2 < len(filled):
        return False
    if any(all(cell.is_head for cell in row) for row in even):
        return False
    marked = sum(all(c.is_head or c.text.endswith(":") or not c.text for c in row[::2]) for row in even)
    values = sum(not any(c.is_head for c in row[1::2]) for row in even)
    if marked * 2 > len(even) and values * 2 > len(even):
        return True
    known = sum(any(_is_known(c.text) for c in row[::2]) for row in even)
    others = sum(any(_is_known(c.text) for c in row[1::2]) for row in even)
    return known * 2 > len(even) and others * 2 < known


def _headed(heads: Sequence[str], row: _Row) -> Iterator[str]:
    last: _Cell | None = None
    for at, cell in enumerate(row):
        if not cell.text or (cell is last and heads[at] == heads[at - 1]):
            continue
        head = heads[at].rstrip(": ")[:_MAX_HEAD].strip()
        is_row_head = at == 0 and (cell.is_head or not any(map(str.isdigit, cell.text)))
        yield cell.text.rstrip(": ") if not head or (is_row_head and len(row) > 2) else f"{head}: {cell.text}"
        last = cell


def _collapsed(row: _Row) -> _Row:
    """Return the row with each spanning cell once."""
    return [cell for at, cell in enumerate(row) if not at or cell is not row[at - 1]]


def _paired(row: _Row) -> Iterator[str]:
    texts = [cell.text for cell in _collapsed(row)]
    if len(texts) % 2:
        yield from (text for text in texts if text)
        return
    for label, value in zip(texts[::2], texts[1::2], strict=True):
        if label and value and _is_label_like(label):
            yield f"{label.rstrip(': ')}: {value}"
        else:
            yield from (text for text in (label, value) if text)
