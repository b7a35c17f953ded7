"""Find a quote in a text, ignoring whitespace, Unicode forms, and kinds of dashes and quotation marks."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_ALIKE = str.maketrans("‘’‚‛“”„‟´`‐‑‒–—−\u00ad", "''''\"\"\"\"''------ ")


#: Match the rest of a number: after a quote's last digit, and before its first digit.
_GOES_ON = re.compile(r"[.,'/-]\d| ?(?:\d/\d|[\u00bc-\u00be])")
_WENT_BEFORE = re.compile(r"\d[.,'/-]$")
#: Match three digits after a blank, as in `450 000`, and the digits before that blank.
_GROUP, _FIRST_GROUP = re.compile(r"[ \u00a0\u202f]\d{3}(?![\d.,]?\d)"), re.compile(r"(?<![\w.,])[1-9]\d{0,2}$")
#: At most this many combining marks are joined to a character, because composing a text of only marks would be slow.
_MOST_MARKS = 30


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int


def find_quotes(quote: str, text: str) -> Iterator[Span]:
    """Yield the places of `quote` in `text`, in order."""
    wanted = _folded(quote)[0].strip()
    if not wanted:
        return
    folded, places = _folded_text(text)
    at = folded.find(wanted)
    while at >= 0:
        last = at + len(wanted)
        # numbers match only as a whole: `1,41` is not in `1,410`
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
    """Return whether `span` starts or ends in a number with spaces as thousands separators, as `450` in `450 000`."""
    behind = _GROUP.match(text, span.end) and _FIRST_GROUP.search(text[max(0, span.end - 5) : span.end])
    before = _GROUP.match(text, span.start - 1) if span.start else None
    return bool(behind or (before and _FIRST_GROUP.search(text[max(0, span.start - 6) : span.start - 1])))


def _folded(text: str) -> tuple[str, list[int]]:
    """Return `text` in Unicode form NFKC with single spaces, and the original position of each character."""
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


_folded_text = lru_cache(maxsize=2)(_folded)  # all quotes of an answer are searched in the same text


def _composed(text: str) -> list[tuple[int, str]]:
    """Return each character composed with the combining marks that follow it."""
    found: list[tuple[int, str]] = []
    for place, character in enumerate(text):
        if found and len(found[-1][1]) <= _MOST_MARKS and unicodedata.combining(character):
            start, base = found[-1]
            found[-1] = (start, unicodedata.normalize("NFC", base + character))
        else:
            found.append((place, character))
    return found
