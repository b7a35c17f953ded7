"""Finds a quote in a text, word for word but for whitespace, Unicode forms, and kinds of dashes and quotation marks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_ALIKE = str.maketrans("‘’‚‛“”„‟´`‐‑‒–—−\u00ad", "''''\"\"\"\"''------ ")


#: what continues a number behind its last digit, and what stands before its first one
_GOES_ON = re.compile(r"[.,'/-]\d| ?(?:\d/\d|[\u00bc-\u00be])")
_WENT_BEFORE = re.compile(r"\d[.,'/-]$")
#: the thousands of a number that is written with blanks, and what may stand before them
_GROUP, _FIRST_GROUP = re.compile(r"[ \u00a0\u202f]\d{3}(?![\d.,]?\d)"), re.compile(r"(?<![\w.,])[1-9]\d{0,2}$")
#: marks that compose with one character; a text of marks alone is not composed
_MOST_MARKS = 30


@dataclass(frozen=True, slots=True)
class Span:
    """`start` to `end` in the text as it was sent."""

    start: int
    end: int


def find_quote(quote: str, text: str) -> Span | None:
    """The first place where `text` holds `quote`, or None."""
    return next(find_quotes(quote, text), None)


def find_quotes(quote: str, text: str) -> Iterator[Span]:
    """The places where `text` holds `quote`, in order. An empty quote is nowhere."""
    wanted = _folded(quote)[0].strip()
    if not wanted:
        return
    folded, places = _folded_text(text)
    at = folded.find(wanted)
    while at >= 0:
        last = at + len(wanted)
        # a number is found whole or not at all: `1,41` is not in `1,410`
        span = Span(places[at], places[last - 1] + 1)
        ends_line = text[span.end : span.end + 1] == "\n"
        if not (_cuts(folded, at) or (_cuts(folded, last) and not ends_line) or _cuts_groups(text, span)):
            yield span
        at = folded.find(wanted, at + 1)


def _cuts(text: str, place: int) -> bool:
    """Return whether a boundary at `place` cuts a word or a number in two: `1,41` of `1,410`, `2` of `2.5`."""
    if not 0 < place < len(text):
        return False
    last, first = text[place - 1], text[place]
    if last.isalnum() and first.isalnum() and first.isascii():
        return True
    if last.isdigit() and _GOES_ON.match(text, place):
        return True
    return first.isdigit() and _WENT_BEFORE.search(text[max(0, place - 2) : place]) is not None


def _cuts_groups(text: str, span: Span) -> bool:
    """Return whether a blank at an end of `span` parts the thousands of a number: `450` of `450 000`."""
    behind = _GROUP.match(text, span.end) and _FIRST_GROUP.search(text[max(0, span.end - 5) : span.end])
    before = _GROUP.match(text, span.start - 1) if span.start else None
    return bool(behind or (before and _FIRST_GROUP.search(text[max(0, span.start - 6) : span.start - 1])))


@lru_cache(maxsize=2)  # the quotes of one answer are looked up in one text
def _folded_text(text: str) -> tuple[str, list[int]]:
    return _folded(text)


def _folded(text: str) -> tuple[str, list[int]]:
    """`text` in compatibility form with single spaces, and for each of its characters the place it came from."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in _composed(text):
        for letter in unicodedata.normalize("NFKC", character).translate(_ALIKE):
            space = letter.isspace()
            if space and (not letters or letters[-1] == " "):
                continue
            letters.append(" " if space else letter)
            places.append(place)
    return "".join(letters), places


def _composed(text: str) -> list[tuple[int, str]]:
    """Each character with the combining marks that follow it, composed."""
    found: list[tuple[int, str]] = []
    for place, character in enumerate(text):
        if found and len(found[-1][1]) <= _MOST_MARKS and unicodedata.combining(character):
            start, base = found[-1]
            found[-1] = (start, unicodedata.normalize("NFC", base + character))
        else:
            found.append((place, character))
    return found
