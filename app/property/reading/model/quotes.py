"""Finds a quote in a text, word for word but for whitespace, Unicode forms, and kinds of dashes and quotation marks."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_ALIKE = str.maketrans("‘’‚‛“”„‟´`‐‑‒–—−\u00ad", "''''\"\"\"\"''------ ")


@dataclass(frozen=True, slots=True)
class Span:
    """`start` to `end` in the text as it was sent."""

    start: int
    end: int


def find_quote(quote: str, text: str) -> Span | None:
    """The first place where `text` holds `quote`, or None. An empty quote is nowhere."""
    wanted, _ = _folded(quote)
    wanted = wanted.strip()
    if not wanted:
        return None
    folded, places = _folded(text)
    at = folded.find(wanted)
    while at >= 0:
        last = at + len(wanted)
        # a number is found whole or not at all: `1,41` is not in `1,410`
        if not (_cuts(folded, at) or _cuts(folded, last)):
            return Span(places[at], places[last - 1] + 1)
        at = folded.find(wanted, at + 1)
    return None


def _cuts(text: str, place: int) -> bool:
    """Does a boundary at `place` cut a word or a number in two?"""
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum() and text[place].isascii()


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
        if found and unicodedata.combining(character):
            start, base = found[-1]
            found[-1] = (start, unicodedata.normalize("NFC", base + character))
        else:
            found.append((place, character))
    return found
