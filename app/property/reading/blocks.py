"""Join a page's text segments into blocks: paragraphs, list items, and table rows."""

from dataclasses import dataclass
from typing import Any

from app.property.reading.document import Document, Segment
from app.property.reading.sheet import block_of

_CELLS = frozenset({"td", "th"})
_MOST_CHARS = 6000


@dataclass(frozen=True, slots=True)
class Block:
    """The text has a line feed for each `<br>` and is cut after 6,000 characters."""

    text: str
    element: Any
    index: int  #: the index of the block's first segment


def blocks(page: Document) -> list[Block]:
    """Return the page's blocks in order, without struck-out text."""
    found: list[Block] = []
    parts: list[str] = []
    start, last = 0, None
    for segment in page.segments:
        if segment.owner.tag in ("s", "strike", "del"):
            continue
        block = block_of(segment.owner)
        block = block.getparent() if block is not None and block.tag in _CELLS else block
        if block is not last and parts:
            found.append(_made(parts, last, start))
            parts = []
        if not parts:
            start = segment.index
        parts.append(f"\n{segment.text}" if parts and _after_break(segment) else segment.text)
        last = block
    return [*found, _made(parts, last, start)] if parts else found


def _made(parts: list[str], element: Any, start: int) -> Block:
    return Block(" ".join(parts).replace(" \n", "\n")[:_MOST_CHARS], element, start)


def _after_break(segment: Segment) -> bool:
    owner = segment.owner
    if any(" ".join((br.tail or "").split()) == segment.text for br in owner.iterchildren("br")):
        return True
    before = owner.getprevious() if block_of(owner) is not owner else None
    return before is not None and before.tag == "br" and not (before.tail or "").strip()
