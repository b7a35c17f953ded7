"""Numbers as people write them: `1.234,56`, `1’365`, `12 500`, `$1.25M`, `1 850 000 kr`, `18.5万`.

Knows digits, separators and multipliers; what the number measures is `prices.py`, `areas.py` and `values.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Languages that write the decimal part after a comma.
COMMA_LANGUAGES = frozenset({"de", "pl", "sv", "fr", "es", "it", "nl", "pt", "cs", "da", "no", "nb", "fi", "ru", "tr"})

_GAP = " \u00a0\u202f\u2009"
_NUMBER = re.compile(
    rf"(?<![\w.,])[-\u2212]?(?:\d{{1,3}}(?:[{_GAP}'’‘´.,]\d{{3}})+(?:[.,]\d{{1,4}})?(?!\d)|\d+(?:[.,]\d+)?|[.,]\d+)|\d+(?:[.,]\d+)?"
)
_MULTIPLIERS: dict[str, float] = {
    "k": 1e3, "tsd": 1e3, "tys": 1e3, "thousand": 1e3, "tkr": 1e3,
    "m": 1e6, "mm": 1e6, "mio": 1e6, "mln": 1e6, "mn": 1e6, "million": 1e6, "millionen": 1e6, "milj": 1e6, "mkr": 1e6,
    "b": 1e9, "bn": 1e9, "billion": 1e9, "mrd": 1e9,
    "lakh": 1e5, "lac": 1e5, "cr": 1e7, "crore": 1e7,
    "万": 1e4, "萬": 1e4, "億": 1e8, "亿": 1e8, "千": 1e3,
}  # fmt: skip
_MULTIPLIER = re.compile(r"\s?(?:([万萬億亿千])|([A-Za-z]{1,9})\.?(?![\w²³]))")
_FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}


@dataclass(frozen=True, slots=True)
class Number:
    """A number and where it stands in the text (`start` to `end`, multiplier included)."""

    value: float
    start: int
    end: int


def _plain(digits: str, lang: str | None) -> float | None:
    sign = -1 if digits[0] in "-\u2212" else 1
    text = digits.lstrip("-\u2212")
    for gap in _GAP + "'’‘´":
        text = text.replace(gap, "")
    comma, dot = text.rfind(","), text.rfind(".")
    if comma >= 0 and dot >= 0:
        thousands = "," if dot > comma else "."
        text = text.replace(thousands, "").replace(",", ".")
    elif comma >= 0:
        text = _one_kind(text, ",", decimal=(lang or "en") in COMMA_LANGUAGES)
    elif dot >= 0:
        text = _one_kind(text, ".", decimal=(lang or "en") not in COMMA_LANGUAGES)
    try:
        return sign * float(text)
    except ValueError:
        return None


def _one_kind(text: str, mark: str, *, decimal: bool) -> str:
    """`text` with its only kind of separator resolved: repeated or before three digits it parts thousands."""
    head, _, tail = text.rpartition(mark)
    groups = text.split(mark)
    in_thousands = len(tail) == 3 and head.strip("0") != "" and len(groups[0]) <= 3
    if len(groups) > 2 or (in_thousands and not decimal):
        return text.replace(mark, "")
    return f"{head}.{tail}"


def find_numbers(text: str, lang: str | None = None, *, multipliers: bool = True) -> list[Number]:
    """Every number of `text`, in order. `lang` (ISO 639-1) decides what a lone comma or dot means."""
    found: list[Number] = []
    for match in _NUMBER.finditer(text[:4000]):
        value = _plain(match.group(), lang)
        if value is None:
            continue
        end = match.end()
        if end < len(text) and text[end] in _FRACTIONS:
            value, end = value + _FRACTIONS[text[end]], end + 1
        if multipliers:
            value, end = _multiplied(value, end, text)
        found.append(Number(value, match.start(), end))
    return found


def _multiplied(value: float, end: int, text: str) -> tuple[float, int]:
    while (match := _MULTIPLIER.match(text, end)) and (word := (match[1] or match[2]).lower()) in _MULTIPLIERS:
        value, end = value * _MULTIPLIERS[word], match.end()
    return (round(value, 6), end)


def parse_number(text: str, lang: str | None = None, *, multipliers: bool = False) -> float | None:
    """The first number of `text`, or None."""
    numbers = find_numbers(text, lang, multipliers=multipliers)
    return numbers[0].value if numbers else None


def tidy(value: float) -> int | float:
    """A whole number as `int`, so that 3.0 is stored as 3."""
    return int(value) if float(value).is_integer() else value
