"""Show text that a source writes in capitals in sentence case. Stored values stay as the source writes them."""

import re

from app.property.fields.phrases import words

#: Abbreviations that contain a vowel. Without a vowel, a word is taken for an abbreviation anyway.
_ABBREVIATIONS = words("texts", "abbreviations")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_VOWEL = re.compile("[AEIOUY]|[^\x00-\x7f]")
_ROMAN = re.compile(r"(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})")
_ORDINAL = re.compile(r"\d+(?:ST|ND|RD|TH)")
#: A dot behind a short word marks an abbreviation: `COMP. SHINGLE`.
_SENTENCE_END = re.compile(r"(?:[^\W\d_]{5}\.|[!?])\s+\Z")
#: Letters of Turkish and Azeri, in which `I` is not the capital of `i`.
_DOTLESS = re.compile("[İĞ]")
#: Characters that join a letter to an abbreviation or a code: `A/C`, `R-2`, `U.S.`, `T&G`.
_JOINTS = frozenset("/-.&")


def in_sentence_case(text: str) -> str:
    """Return `text` in sentence case if all its letters are capitals, else unchanged.

    Abbreviations, codes, and Roman numerals stay as they are.
    """
    if text != text.upper() or text == text.lower() or _DOTLESS.search(text):
        return text
    return _WORD.sub(_written, text)


def _written(match: re.Match[str]) -> str:
    word, text = match.group(), match.string
    if _is_code(match):
        return word
    lower = word.lower()
    before = text[: match.start()]
    is_first = _WORD.search(before) is None or _SENTENCE_END.search(before) is not None
    return f"{lower[:1].upper()}{lower[1:]}" if is_first else lower


def _is_code(match: re.Match[str]) -> bool:
    word, text = match.group(), match.string
    around = {text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]} - {""}
    if len(word) == 1:  # a vowel alone is a word: `WITH A PORCH`, `TEJA Y MADERA`
        return word == "I" or not _VOWEL.match(word) or match.end() == len(text.rstrip()) or bool(around & _JOINTS)
    if any(char.isdigit() for char in word):
        return _ORDINAL.fullmatch(word) is None
    return word in _ABBREVIATIONS or _VOWEL.search(word) is None or _ROMAN.fullmatch(word) is not None
