"""Turn a page's visible text into lines: a paragraph, a label with its value, or a table row with its column heads.

Pairing follows structure, so that labels nobody knows are paired too (docs/extraction.md, "The sheet"):

1. A table cell belongs to the heads of its column (`tabular.py`). Other tables are rows of labels and values.
2. An element with two parts, of which the page has several alike, is a label with its value. So is every two parts of
   an element whose parts alternate. The whole group has its labels on one side.
3. A part that ends with a colon, or whose words are a known label, introduces the next part of its own section.
4. An icon's title is the label of the bare number beside it.

Buttons are neither labels nor values, a list item is never the value of another item, and a label has one value.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from app.property.reading import tabular
from app.property.reading.document import Document, Segment
from app.property.reading.terms import meaning

# fmt: off
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "button", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "html", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "title", "tr", "ul",
})
# fmt: on
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "summary", "legend", "caption"})
_CONTROLS = frozenset({"button", "select", "option"})
_FIGURE = re.compile(r"[^\w\s]{0,3}\s?\d")
_SENTENCE = re.compile(r"(?<=[.!?。])\s+(?=[A-ZÄÖÜŁŚŻ0-9\"„“\u3040-\u9fff])")
_NO_BREAK = re.compile(
    r"(?:\b(?:St|Ave|Rd|Dr|Ln|Ct|Blvd|No|Nr|ca|approx|sq|ft|ul|al|Mr|Mrs|Dr|Str|inkl|incl|zzgl|Apt|Est|vs|Inc)|\b[A-Z]|\d)\.$"
)
_COLUMNS = re.compile(r"\s{2,}")
#: Maximum characters of a line, of a label, of the value of a label, and of a text that is not split into sentences.
_MAX_LINE, _MAX_LABEL, _MAX_VALUE, _MAX_UNSPLIT = 320, 40, 160, 120
#: Maximum parts of an element whose parts alternate, and levels above a text whose elements are examined.
_MAX_PARTS, _MAX_LEVELS = 160, 40
#: Matches a bare number, whose label may be the title of an icon.
_BARE = re.compile(r"[^\w\s]{0,2}\s?\d[\d.,/ ½+-]{0,12}(?:\s?(?:m²|m2|sq\.? ?ft\.?|ft²|[^\W\d_]{1,2}))?")
_ICONS = frozenset({"img", "svg", "i", "title", "use"})


@dataclass(frozen=True, slots=True)
class Pair:
    """A label and the segments of its value. If `is_number_first`, the label is behind the value, and
    stays there if it is unknown: `3 sleeping rooms`."""

    label: str
    value: str
    is_number_first: bool = False

    @property
    def text(self) -> str:
        is_behind = self.is_number_first and not _is_known(self.label)
        return f"{self.value} {self.label}" if is_behind else f"{self.label.rstrip(': ')}: {self.value}"


def lines_of(document: Document) -> list[str]:
    """Return the lines of the text about the property, in page order."""
    return list(_split(_lines(document.segments)))


def lines_beside(document: Document) -> list[str]:
    """Return the lines of the text in unrelated blocks, in page order."""
    return list(_split(_lines(document.segments_beside)))


def lines_of_texts(texts: Iterable[str]) -> list[str]:
    """Return texts as lines, with long texts split into sentences."""
    return list(_split(texts))


def head_of(document: Document) -> list[str]:
    """Return the page's title and up to three of its `<meta>` titles and descriptions."""
    described = document.root.xpath(
        "//meta[@name='description' or @property='og:description' or @property='og:title']/@content"
    )
    folded = (_folded(text)[:_MAX_LINE] for text in (document.title, *map(str, described[:3])))
    return [text for text in folded if text]


def block_of(element: Any) -> Any:
    """Return the nearest element, from `element` up, that starts a new line; None if there is none."""
    while element is not None and element.tag not in _BLOCKS:
        element = element.getparent()
    return element


def is_label_like(text: str) -> bool:
    """Return whether `text` may be a label: short, with letters, without digits, and no sentence."""
    bare = text.rstrip(" :?*")
    return (
        0 < len(bare) <= _MAX_LABEL
        and any(map(str.isalpha, bare))
        and not any(map(str.isdigit, bare))
        and not bare.endswith((".", "!"))
        and not any(mark in bare for mark in "$€£")
    )


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _is_known(text: str) -> bool:
    return len(text) <= _MAX_LABEL and meaning(text, None) is not None


# --- from segments to lines ------------------------------------------------------------------------------------------


def _lines(segments: Sequence[Segment]) -> Iterator[str]:
    pairs = _Pairs(segments)
    tables = tabular.tables_of(segments)
    written: list[_Block] = []
    for segment in segments:
        at = segment.index
        if at in tables:
            written += [_Block(line, None, is_done=True) for line in tables[at]]
            continue
        block = block_of(segment.owner)
        if segment.owner.tag == "pre" and "\n" in (segment.owner.text or "").strip():
            rows = (" | ".join(_COLUMNS.split(row.strip())) for row in segment.owner.text.splitlines())
            written += [_Block(row, None, is_done=True) for row in rows]
        elif at in pairs.starts:
            pair = pairs.starts[at]
            before = written[-1] if written and written[-1].element is block and not written[-1].is_alone else None
            mark = " " if pair.is_number_first else " | "
            if before is not None and before.pairs:
                before.text += f"{mark}{pair.text}"
            elif before is not None and pair.is_number_first:
                before.text += f" {pair.text}"
            else:
                written.append(_Block(pair.text, block, pairs=1))
        elif not pairs.has(at):
            text = _titled(segment)
            before = written[-1] if written else None
            if before is not None and block is not None and before.element is block and not before.is_done:
                before.text += f"{' | ' if before.pairs and ': ' in before.text else ' '}{text}"
            else:
                written.append(_Block(text, block))
    return iter(_joined(written))


@dataclass
class _Block:
    """A line that is being written, and its element. `pairs` counts its pairs; a line that `is_done` gets no more."""

    text: str
    element: Any
    pairs: int = 0
    is_done: bool = False

    @property
    def is_alone(self) -> bool:
        return self.is_done or self.element is None


def _joined(blocks: Sequence[_Block]) -> list[str]:
    """Join a label that is alone in its block to the text of the next block."""
    found: list[str] = []
    label: _Block | None = None
    for block in blocks:
        if label is not None:
            joins = _may_be_value(label, block)
            found.append(f"{label.text.rstrip(': ')}: {block.text}" if joins else label.text)
            label = None
            if joins:
                continue
        if _introduces(block):
            label = block
        else:
            found.append(block.text)
    return [*found, label.text] if label is not None else found


def _introduces(block: _Block) -> bool:
    if block.is_done or block.pairs or block.element is None or block.element.tag in _CONTROLS:
        return False
    if not is_label_like(block.text):
        return False
    return block.text.endswith(":") or (block.element.tag not in ("h1", "p", "li") and _is_known(block.text))


def _may_be_value(label: _Block, block: _Block) -> bool:
    if block.is_done or block.pairs or block.element is None or len(block.text) > _MAX_UNSPLIT:
        return False
    if block.element.tag in _HEADINGS | _CONTROLS or _introduces(block):
        return False
    # without a colon, an item of a list is no value of the item before it
    is_other_item = label.element.tag == block.element.tag == "li" and label.element is not block.element
    return label.text.endswith(":") or not is_other_item


def _titled(segment: Segment) -> str:
    """Return the segment's text, behind the title of its icon or of its own element if it is a bare number."""
    if len(segment.text) > 24 or _BARE.fullmatch(segment.text) is None:
        return segment.text
    owner, around = segment.owner, segment.owner.getparent()
    before = [e.getprevious() for e in (owner, around) if e is not None]
    icons = (*islice(owner.iterchildren(), 3), *(e for e in before if e is not None and not _has_text(e)))
    titles = [_own_title(owner), *map(_icon_title, icons)]
    if around is not None and len("".join(islice(around.itertext(), 8)).strip()) <= 24:
        titles.append(_own_title(around))
    title = next((one.rstrip(": ") for one in titles if is_label_like(one) and len(one) <= 30), "")
    return f"{title}: {segment.text}" if title else segment.text


def _has_text(element: Any) -> bool:
    return any(e.tag != "title" and e.text and e.text.strip() for e in islice(element.iter(), 6))


def _own_title(element: Any) -> str:
    return "" if element.tag in _CONTROLS | {"a"} else _folded(element.get("title") or element.get("aria-label") or "")


def _icon_title(element: Any) -> str:
    """Return the title of an icon: a drawing, an empty element whose class is an icon's, or an image with a known
    label.
    """
    for one in islice(element.iter(), 6):
        if isinstance(one.tag, str) and (one.tag in _ICONS or "icon" in (one.get("class") or "")):
            titles = (one.get("title"), one.get("aria-label"), one.get("alt"), one.text if one.tag == "title" else None)
            title = _folded(next(filter(None, titles), ""))
            if title and (one.tag != "img" or _is_known(title)):
                return title
    return ""


# --- pairs by structure ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """A child of an element with its text: the segments from `first` to `last`. `kind` is its tag and class."""

    kind: tuple[str, str]
    first: int
    last: int


class _Pairs:
    """The pairs that the elements of a text form, by the index of the pair's first segment."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self.starts: dict[int, Pair] = {}
        self._taken: set[int] = set()  # the segments of pairs
        self._labels: set[int] = set()  # those of pairs whose label leads
        groups: dict[Any, list[tuple[_Part, _Part]]] = {}
        for element, parts in _parts_of_elements(segments):
            for key, pair in _possible_pairs(element, parts):
                groups.setdefault(key, []).append(pair)
        # inner elements come last in a page, and their labels take precedence
        for found in reversed(groups.values()):
            self._add_group(found)

    def has(self, at: int) -> bool:
        return at in self._taken

    def _text(self, part: _Part) -> str:
        return " ".join(one.text for one in self._segments[part.first : part.last + 1])

    def _add_group(self, found: Sequence[tuple[_Part, _Part]]) -> None:
        texts = [(self._text(one), self._text(other)) for one, other in found]
        figures_lead = _figures_lead(texts)
        for (one, other), (first, second) in zip(found, texts, strict=True):
            span = range(one.first, other.last + 1)
            if not self._labels.isdisjoint(span):
                continue
            if figures_lead:
                if self._taken.isdisjoint(span) and _FIGURE.match(first) and is_label_like(second):
                    self._add(span, Pair(second, first, is_number_first=True))
            elif self._may_be_label(one, other) and _is_pair(
                first, second, is_repeated=len(found) > 1 or one.kind[0] == "dt", blocks=self._blocks(other)
            ):
                self._add(span, Pair(first, second))
                self._labels.update(span)

    def _add(self, span: range, pair: Pair) -> None:
        for at in span:
            self.starts.pop(at, None)
        self.starts[span.start] = pair
        self._taken.update(span)

    def _may_be_label(self, one: _Part, other: _Part) -> bool:
        """Return whether the texts are no two links, and no two labels of a form."""
        owner, value = self._segments[one.first].owner, self._segments[other.first].owner
        is_link = _is_in(owner, "a") and not _is_known(self._text(one))
        return not is_link and not _is_in(value, "label")

    def _blocks(self, part: _Part) -> int:
        """Return the number of blocks with texts of the part, or 1 if it is the description of a term."""
        if part.kind[0] in ("dd", "td"):
            return 1
        return len({block_of(one.owner) for one in self._segments[part.first : part.last + 1]})


def _is_in(element: Any, tag: str) -> bool:
    return element.tag == tag or next(element.iterancestors(tag), None) is not None


def _parts_of_elements(segments: Sequence[Segment]) -> Iterator[tuple[Any, list[_Part]]]:
    """Yield the elements with text in page order, outer before inner, each with its parts. Controls are no parts."""
    found: dict[Any, list[_Part]] = {}
    last_child: dict[Any, Any] = {}
    levels: dict[Any, list[tuple[Any, Any]]] = {}
    for segment in segments:
        owner, at = segment.owner, segment.index
        if owner not in levels:
            levels[owner] = _levels(owner)
        if not any(map(str.isalnum, segment.text)):
            continue
        for element, child in levels[owner]:
            parts = found.setdefault(element, [])
            if child is not None and last_child.get(element) is child:
                parts[-1] = replace(parts[-1], last=at)
            else:
                kind = ("", "") if child is None else (child.tag, child.get("class") or "")
                parts.append(_Part(kind, at, at))
            last_child[element] = child
    yield from found.items()


def _levels(owner: Any) -> list[tuple[Any, Any]]:
    """Return the elements around `owner`, outermost first, each with its child on the way to `owner`; None is the
    child of `owner` itself. Return nothing for a control.
    """
    around = (owner, *islice(owner.iterancestors(), _MAX_LEVELS))
    if any(element.tag in _CONTROLS or element.get("role") == "button" for element in around):
        return []
    return list(zip(around, (None, *around), strict=False))[::-1]


def _possible_pairs(element: Any, parts: Sequence[_Part]) -> Iterator[tuple[Any, tuple[_Part, _Part]]]:
    if element.tag in ("html", "body", "table", "tbody", "tr") or len(parts) > _MAX_PARTS:
        return
    name = (element.tag, element.get("class") or "")
    if element.tag == "dl":
        yield from (((name, "dt", "dd"), pair) for pair in _definitions(parts))
    elif len(parts) == 2 and "li" not in (parts[0].kind[0], parts[1].kind[0]):
        yield (name, parts[0].kind, parts[1].kind), (parts[0], parts[1])
    elif len(parts) >= 4 and len(parts) % 2 == 0:
        first, second = parts[0].kind, parts[1].kind
        is_running_text = ("", "") in (first, second) and "a" in (first[0], second[0])
        alternates = all(part.kind == (second if at % 2 else first) for at, part in enumerate(parts))
        if first != second and alternates and not is_running_text:
            for at in range(0, len(parts), 2):
                yield (name, first, second, "alternating"), (parts[at], parts[at + 1])


def _definitions(parts: Sequence[_Part]) -> Iterator[tuple[_Part, _Part]]:
    """Yield each term of a definition list with the descriptions that follow it."""
    term: _Part | None = None
    described: _Part | None = None
    for part in (*parts, None):
        if part is not None and part.kind[0] == "dd" and term is not None:
            described = part if described is None else _Part(part.kind, described.first, part.last)
            continue
        if term is not None and described is not None:
            yield term, described
        term, described = (part if part is not None and part.kind[0] == "dt" else None), None


def _figures_lead(texts: Sequence[tuple[str, str]]) -> bool:
    """Return whether the labels of a group are behind their values: most of the first texts are figures."""
    return 2 * sum(_FIGURE.match(first) is not None and is_label_like(second) for first, second in texts) > len(texts)


def _is_pair(label: str, value: str, *, is_repeated: bool, blocks: int) -> bool:
    """Return whether `label` introduces `value`, which has texts in this many `blocks`."""
    if not is_label_like(label) or not value or len(value) > _MAX_VALUE or label == value:
        return False
    if label.endswith(":"):
        return True
    is_label = _is_known(label)
    if _is_known(value) and (is_label or value.endswith(":")) and not is_repeated:
        return False
    return is_label or (is_repeated and blocks < 2)


# --- sentences -------------------------------------------------------------------------------------------------------


def _split(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (one for one in _sentences(_folded(text)) if any(map(str.isalnum, one)))


def _sentences(text: str) -> Iterator[str]:
    """Split a line of more than 120 characters into sentences. Split sentences of more than 320 characters."""
    if len(text) <= _MAX_UNSPLIT:
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
    while len(text) - start > _MAX_LINE:
        cut = text.rfind(" ", start, start + _MAX_LINE)
        cut = cut if cut > start + _MAX_LINE // 2 else start + _MAX_LINE
        yield text[start:cut].strip()
        start = cut
        while start < len(text) and text[start] == " ":
            start += 1
    yield text[start:].strip()
