"""Words of a text as names are compared by: without case and accents, whatever escapes they were written with.

A page's source writes one name in many ways: `José`, `Jos&eacute;`, `Jos\\u00e9`, `Jos%C3%A9`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote

from app.property.values.text_cache import remembered

#: a backslash escape of JSON and JavaScript, a character reference of HTML, escapes of a URL
_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});|(?:%[0-9a-fA-F]{2})+")
WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f]|['’ʼ`´](?=[^\W\d_]))*")
_MARKS = re.compile(r"[\u0300-\u036f'’ʼ`´]")
#: characters at a time: nothing ends a step of C code, and one character may stand for eighteen
_PIECE = 100_000
#: characters of a word that is remembered: longer ones are a page's runs of letters
LONGEST_KEPT = 100
#: letters that are no accented form of another one
_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


@dataclass(frozen=True, slots=True)
class Word:
    """One word: `plain` is what it is compared by, `text` how it stands, without escapes. `start` and `end` are its
    place in the text, `at` and `stop` its place in the text without escapes."""

    plain: str
    text: str
    start: int
    end: int
    at: int
    stop: int


@dataclass(frozen=True, slots=True)
class Text:
    """A text without escapes, and how to get from its places to those of the text as it stands."""

    plain: str
    _at: list[int]
    _shift: list[int]

    def place(self, at: int) -> int:
        """The place in the text as it stands, of the place `at` in `plain`."""
        return at + self._shift[bisect_right(self._at, at) - 1]


def unescaped(text: str) -> Text:
    """`text` without escapes. What an escape stands for takes the escape's place as a whole."""
    parts, at, shift = list[str](), [0], [0]
    done = length = 0
    for match in _ESCAPE.finditer(text):
        meant = _meant(match.group())
        if meant is None:
            continue
        parts += (text[done : match.start()], meant)
        length += match.start() - done
        # from within the escape one gets to its beginning: a word that ends there ends at the next place's
        for n in range(1, len(meant)):
            at.append(length + n)
            shift.append(match.start() - length - n)
        length += len(meant)
        done = match.end()
        at.append(length)
        shift.append(done - length)
    if not parts:
        return Text(text, at, shift)
    return Text("".join((*parts, text[done:])), at, shift)


def words_of(text: Text) -> Iterator[Word]:
    """The words of a text in their order."""
    for match in WORD.finditer(text.plain):
        at, stop = match.span()
        yield Word(plain_form(match.group()), match.group(), text.place(at), text.place(stop), at, stop)


@remembered(50_000, LONGEST_KEPT)
def plain_form(word: str) -> str:
    """Small letters without accents and apostrophes: `Müller` and `MULLER` are `muller`, `O’Brien` is `obrien`."""
    return "".join(char for char in plain_text(word) if char.isalpha())


def plain_text(text: str) -> str:
    """A text without escapes in small letters, without accents and apostrophes: whether a plain word can be in it."""
    if text.isascii():
        return text.lower().replace("'", "").replace("`", "")
    return "".join(_plain_piece(text[at : at + _PIECE]) for at in range(0, len(text), _PIECE))


def _plain_piece(text: str) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()).translate(_PLAIN))


def _meant(escape: str) -> str | None:
    if escape.startswith("&"):
        meant = unescape(escape)
        return meant if meant != escape else None
    if escape.startswith("\\"):
        units = bytes.fromhex(escape.replace("\\u", ""))
        return units.decode("utf-16-be", "replace")
    return unquote(escape, errors="replace")
