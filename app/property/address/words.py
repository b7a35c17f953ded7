"""Reduce address text to plain words: in capitals, without accents and needless punctuation (USPS Publication 28)."""

import re
import unicodedata

ORDINAL = re.compile(r"(\d+)(?:ST|ND|RD|TH)")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_ACRONYM = re.compile(r"\b([A-Z])\. ?(?=[A-Z](?:\b|\.))")
_RANGE = re.compile(r"(?<=\d) ?- ?(?=\d)")


def plain(text: str) -> str:
    """Return `text` in capitals, with single spaces, with `, ` between parts, and without the characters ``.'"()``.

    Dashes, slashes, `&`, `#` (as a separate word), and periods between digits are kept. `½` becomes ` 1/2`.
    """
    text = text.upper() if text.isascii() else _without_accents(text)
    text = re.sub(r"[\r\n;|•·]+", ",", _DASHES.sub("-", text))
    text = re.sub("['’‘`´ʻʼ]", "", text)
    text = _ACRONYM.sub(r"\1", text)
    text = re.sub(r"\.(?!\d)|(?<!\d)\.", " ", text)
    text = re.sub(r"([#&])", r" \1 ", text)
    text = re.sub(r"[^\w\s,.#&/-]|_", " ", text)
    text = _RANGE.sub("-", text)
    text = re.sub(r"(?<![\w])-|-(?![\w])", ",", text)
    return ", ".join(part for part in (" ".join(part.split()) for part in text.split(",")) if part)


def spaced(words: str) -> str:
    """Replace dashes, slashes, and periods with spaces: `WILKES-BARRE` becomes `WILKES BARRE`."""
    return " ".join(re.sub(r"[-/.]", " ", words).split())


def _without_accents(text: str) -> str:
    text = "".join(_unfolded(char) for char in text)
    text = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).upper()))
    return unicodedata.normalize("NFC", text)


def _unfolded(char: str) -> str:
    if unicodedata.decomposition(char).startswith("<fraction>"):
        return " " + unicodedata.normalize("NFKC", char).replace("\u2044", "/")
    return char
