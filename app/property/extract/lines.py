"""A page's text as lines: a paragraph, a table row, a label with its value; or the plain values of a JSON body.

Orders to a reader of the page ("ignore the instructions ...") are left out: no property is described by them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from app.property.extract.cues import CUES
from app.property.extract.document import Document
from app.property.extract.state import blobs
from app.property.extract.terms import meaning

_BLOCKS = frozenset(
    {
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "center",
            "dd",
            "details",
            "div",
            "dl",
            "dt",
            "fieldset",
        ),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li"),
        *(
            "main",
            "ol",
            "p",
            "pre",
            "section",
            "summary",
            "table",
            "tbody",
            "td",
            "tfoot",
            "th",
            "thead",
            "title",
            "tr",
        ),
        "ul",
    }
)
#: between the columns of a printed card
_COLUMNS = re.compile(r"\s{2,}")
_CELLS = frozenset({"td", "th"})
#: field names that no page writes by chance
_OUR_NAMES = "|".join(name for name in CUES if sum(c.isupper() for c in name) > 1)
#: what is said to a model, not about a property (English, German, Polish, French, Spanish)
ORDERS = re.compile(
    r"(?i)\b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:instructions?|prompts?|rules|above|previous|prior)\b|"
    r"\bsystem\s(?:prompt|message)\b|^\W*(?-i:SYSTEM):|\b(?:as an ai|language model)\b|"
    r"\byou are (?:now )?(?:an? )?(?:\w+ )?(?:ai|assistant|model|llm|chatbot)\b|"
    rf"\b(?:set|report|return|output|answer|change|respond)\w*\b[^.\n]{{0,40}}\b(?-i:{_OUR_NAMES})\b|"
    r"\bignorier\w* [^.\n]{0,30}anweisung|\bzignoruj\b[^.\n]{0,30}(?:instrukcj|poleceni)|"
    r"\bignorez [^.\n]{0,30}instructions|\bignora [^.\n]{0,30}instrucciones|"
    # our own names in running words, in any language: a page that has them has them as labels
    rf"(?<![A-Za-z])(?-i:{_OUR_NAMES})(?![A-Za-z]|\s*(?:[:|,;()]|$))|\"role\"\s*:"
)
_SENTENCE = re.compile(r"(?<=[.!?。])\s+(?=[A-ZÄÖÜŁŚŻ0-9\"„“\u3040-\u9fff])")
_NO_BREAK = re.compile(
    r"(?:\b(?:St|Ave|Rd|Dr|Ln|Ct|Blvd|No|Nr|ca|approx|sq|ft|ul|al|Mr|Mrs|Dr|Str|inkl|incl|zzgl|Apt|Est|vs|Inc)|\b[A-Z]|\d)\.$"
)
_LONGEST = 320
_OTHERS_KEY = re.compile(
    r"(?i)similar|nearby|recommend|related|others?$|comparable|breadcrumb|filter|translation|i18n|messages|config|tracking"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
#: keys that say nothing without the key above them
_BARE_KEYS = frozenset(
    {"value", "name", "amount", "text", "label", "type", "total", "id", "code", "description", "unit"}
)
#: fewer words than this are the shell of a page that a script fills from its state
_FEWEST_WORDS = 50
_MOST_STATE_LINES = 1500


def lines_of(document: Document) -> list[str]:
    """The page's text line by line, labels joined to their values, without repetitions and without orders."""
    if document.json is not None:
        raw = _json_lines(document.json)
    elif document.root is None:
        raw = iter(document.text.splitlines())
    else:
        raw = iter([*head_of(document), *_joined(_blocks(document)), *_state_lines(document)])
    found: dict[str, None] = {}
    for line in raw:
        folded = " ".join(unicodedata.normalize("NFC", line).split())
        for sentence in _sentences(folded):
            if sentence and any(c.isalnum() for c in sentence) and not ORDERS.search(sentence):
                found.setdefault(sentence)
    return list(found)


def head_of(document: Document) -> list[str]:
    """Title and description: short, and often complete."""
    described = document.root.xpath(
        "//meta[@name='description' or @property='og:description' or @property='og:title']/@content"
    )
    texts = [document.title, *map(str, described[:3])]
    folded = (" ".join(unicodedata.normalize("NFC", text).split())[:_LONGEST] for text in texts)
    return [text for text in folded if text]


def _blocks(document: Document) -> list[tuple[str, str]]:
    """Text by the block that it stands in, with that block's tag; cells of a simple row count as one block."""
    found: list[tuple[str, str]] = []
    last: Any = None
    last_cell: Any = None
    for segment in document.segments:
        if segment.owner.tag == "pre" and "\n" in (segment.owner.text or "").strip():
            found += [("pre", " | ".join(_COLUMNS.split(line.strip()))) for line in segment.owner.text.splitlines()]
            last = None
            continue
        block = _block_of(segment.owner)
        cell = block if block is not None and block.tag in _CELLS else None
        row = cell.getparent() if cell is not None else block
        if row is not None and row is last:
            tag, text = found[-1]
            gap = " " if cell is last_cell else (": " if text.count(": ") == 0 and len(text) < 50 else " | ")
            found[-1] = (tag, f"{text.rstrip(':') if gap == ': ' else text}{gap}{segment.text}")
        else:
            found.append((str(row.tag) if row is not None else "", segment.text))
        last, last_cell = row, cell
    return found


def _block_of(element: Any) -> Any:
    while element is not None and element.tag not in _BLOCKS:
        element = element.getparent()
    return element


def _joined(blocks: Iterable[tuple[str, str]]) -> list[str]:
    """A label that stands alone is joined to the short line after it: `<dt>` to `<dd>`, or a word that we know."""
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
    """A short line as it is; a long one sentence by sentence, and those cut where they are very long."""
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


def _state_lines(document: Document) -> list[str]:
    """What the page's scripts carry, for a page whose markup says next to nothing."""
    if sum(len(s.text.split()) for s in document.segments) >= _FEWEST_WORDS:
        return []
    found = (line for _, value in blobs(document) for line in _json_lines(value))
    return [line for line, _ in zip(found, range(_MOST_STATE_LINES), strict=False)]


def _json_lines(value: Any, key: str = "", parent: str = "") -> Iterator[str]:
    """`key: value` for every plain value, camel case and underscores as words; not of other properties."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not _OTHERS_KEY.search(str(name)):
                yield from _json_lines(inner, _CAMEL.sub(" ", str(name)), key)
    elif isinstance(value, list):
        for inner in value[:50]:
            yield from _json_lines(inner, key, parent)
    elif value not in (None, "") and not isinstance(value, bool):
        named = f"{parent} {key}".strip() if key.lower() in _BARE_KEYS else key
        yield f"{named}: {value}" if named else str(value)
