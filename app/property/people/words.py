"""Split text into words and normalize them for comparing names, ignoring case, accents, and escapes.

A page's source text can contain the same name in many forms: `José`, `Jos&eacute;`, `Jos\\u00e9`, `Jos%C3%A9`.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote

from app.property.values.text_cache import remembered

#: Escapes of JSON and JavaScript, HTML character references, and URL escapes.
_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});|(?:%[0-9a-fA-F]{2})+")
WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f]|['’ʼ`´](?=[^\W\d_]))*")
_MARKS = re.compile(r"[\u0300-\u036f'’ʼ`´]")
#: Texts are normalized in pieces of this many characters, because time limits cannot interrupt a call in C.
_PIECE = 100_000
#: Words longer than this are not cached; names are shorter.
LONGEST_KEPT = 100
#: Letters that Unicode does not treat as accented forms of other letters, with their replacements.
_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its normalized form for comparison (`plain`) and its form without escapes (`text`).

    `start` and `end` are offsets in the original text. `at` and `stop` are offsets in the text without escapes.
    """

    plain: str
    text: str
    start: int
    end: int
    at: int
    stop: int


@dataclass(frozen=True, slots=True)
class Text:
    """A text without escapes, with a mapping of its offsets to the original text."""

    plain: str
    _at: list[int]
    _shift: list[int]

    def place(self, at: int) -> int:
        """Return the offset in the original text for the offset `at` in `plain`."""
        return at + self._shift[bisect_right(self._at, at) - 1]


def unescaped(text: str) -> Text:
    parts, at, shift = list[str](), [0], [0]
    done = length = 0
    for match in _ESCAPE.finditer(text):
        meant = _meant(match.group())
        if meant is None:
            continue
        parts += (text[done : match.start()], meant)
        length += match.start() - done
        # offsets inside the escape map to its start, so that a word ending there includes the whole escape
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
    for match in WORD.finditer(text.plain):
        at, stop = match.span()
        yield Word(plain_form(match.group()), match.group(), text.place(at), text.place(stop), at, stop)


@remembered(50_000, LONGEST_KEPT)
def plain_form(word: str) -> str:
    """Return the word in lower case without accents and apostrophes: `muller` for `Müller`, `obrien` for `O’Brien`."""
    return "".join(char for char in plain_text(word) if char.isalpha())


def plain_text(text: str) -> str:
    """Return a text in lower case without accents and apostrophes, to test whether it can contain a plain word."""
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
