"""Join a page's text segments into lines. A line is a paragraph, a table row, or a label with its value."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any, cast

from app.property.reading.document import Document, Segment
from app.property.reading.terms import meaning

# fmt: off
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "html", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "title", "tr", "ul",
})
# fmt: on
_COLUMNS = re.compile(r"\s{2,}")
_CELLS = frozenset({"td", "th"})
_SENTENCE = re.compile(r"(?<=[.!?。])\s+(?=[A-ZÄÖÜŁŚŻ0-9\"„“\u3040-\u9fff])")
_NO_BREAK = re.compile(
    r"(?:\b(?:St|Ave|Rd|Dr|Ln|Ct|Blvd|No|Nr|ca|approx|sq|ft|ul|al|Mr|Mrs|Dr|Str|inkl|incl|zzgl|Apt|Est|vs|Inc)|\b[A-Z]|\d)\.$"
)
_LONGEST = 320


def lines_in(texts: Iterable[Segment] | Iterable[str]) -> Iterator[str]:
    """Yield the lines of segments (with labels joined to values) or of texts. Long lines are split into sentences."""
    found = list(texts)
    raw = found if not found or isinstance(found[0], str) else _joined(_blocks(cast("list[Segment]", found)))
    for line in raw:
        folded = " ".join(unicodedata.normalize("NFC", str(line)).split())
        yield from (sentence for sentence in _sentences(folded) if any(c.isalnum() for c in sentence))


def head_of(document: Document) -> list[str]:
    """Return the page's title and up to three of its `<meta>` titles and descriptions."""
    described = document.root.xpath(
        "//meta[@name='description' or @property='og:description' or @property='og:title']/@content"
    )
    texts = [document.title, *map(str, described[:3])]
    folded = (" ".join(unicodedata.normalize("NFC", text).split())[:_LONGEST] for text in texts)
    return [text for text in folded if text]


def _blocks(segments: Iterable[Segment]) -> list[tuple[str, str]]:
    """Return the tag and text of each block. A table row is one block, in which each cell follows its column head."""
    found: list[tuple[str, str]] = []
    heads = cache(_heads)
    last: Any = None
    last_cell: Any = None
    for segment in segments:
        if segment.owner.tag == "pre" and "\n" in (segment.owner.text or "").strip():
            found += [("pre", " | ".join(_COLUMNS.split(line.strip()))) for line in segment.owner.text.splitlines()]
            last = None
            continue
        block = block_of(segment.owner)
        cell = block if block is not None and block.tag in _CELLS else None
        row = cell.getparent() if cell is not None else block
        text = segment.text
        head = _head_of(cell, row, heads) if cell is not None and cell is not last_cell else ""
        if head:
            text = f"{head}: {text}"
        if row is not None and row is last:
            tag, before = found[-1]
            gap = " " if cell is last_cell else " | " if head or ": " in before or len(before) >= 50 else ": "
            found[-1] = (tag, f"{before.rstrip(':') if gap == ': ' else before}{gap}{text}")
        else:
            found.append((str(row.tag) if row is not None else "", text))
        last, last_cell = row, cell
    return found


def _head_of(cell: Any, row: Any, heads: Callable[[Any], tuple[Any, tuple[str, ...]]]) -> str:
    table = next(row.iterancestors("table"), None) if row is not None else None
    first, names = heads(table) if table is not None else (None, ())
    at = row.index(cell) if names and row is not first else len(names)
    return names[at] if at < len(names) and len(row) == len(names) else ""


def _heads(table: Any) -> tuple[Any, tuple[str, ...]]:
    """Return the first row of `table` and its texts, if it has only `<th>` cells and at least two rows follow."""
    rows = list(islice(table.iter("tr"), 4))
    if len(rows) < 3 or len(rows[0]) < 2 or any(cell.tag != "th" for cell in rows[0]):
        return None, ()
    names = tuple(" ".join("".join(cell.itertext()).split())[:40] for cell in rows[0])
    return rows[0], names


def block_of(element: Any) -> Any:
    """Return the nearest element, from `element` up, that starts a new line; None if there is none."""
    while element is not None and element.tag not in _BLOCKS:
        element = element.getparent()
    return element


def _joined(blocks: Iterable[tuple[str, str]]) -> list[str]:
    """Join a label that is alone in its block to the short text of the next block, such as `<dt>` to `<dd>`."""
    found: list[str] = []
    label = ""
    for tag, text in blocks:
        if label:
            joins = len(text) <= 120 and not _is_label(tag, text)
            found.append(f"{label.rstrip(': ')}: {text}" if joins else label)
            label = ""
            if joins:
                continue
        if _is_label(tag, text):
            label = text
        else:
            found.append(text)
    return [*found, label] if label else found


def _is_label(tag: str, text: str) -> bool:
    if tag == "dt":
        return True
    if len(text) > 40 or ": " in text or any(c.isdigit() for c in text):
        return False
    return text.endswith(":") or (tag not in ("h1", "p") and meaning(text, None) is not None)


def _sentences(text: str) -> Iterator[str]:
    """Split a line of more than 120 characters into sentences. Split sentences of more than 320 characters."""
    if len(text) <= 120:
        yield text
        return
    held = ""
    for part in _SENTENCE.split(text):
        held = f"{held} {part}" if held else part
        if not _NO_BREAK.search(part):
            yield from _pieces(held)
            held = ""
    if held:
        yield from _pieces(held)


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > _LONGEST:
        cut = text.rfind(" ", start, start + _LONGEST)
        cut = cut if cut > start + _LONGEST // 2 else start + _LONGEST
        yield text[start:cut].strip()
        start = cut
        while start < len(text) and text[start] == " ":
            start += 1
    yield text[start:].strip()
