"""Parse numbers in local notations: `1.234,56`, `1’365`, `12 500`, `$1.25M`, `1,15,000`, `1億2,800万`."""

import math
import re
from dataclasses import dataclass

from app.property.fields.languages import languages
from app.property.fields.phrases import words

#: Languages with a decimal comma. The codes in the second set have no language file.
COMMA_LANGUAGES = frozenset(
    {code for sections in languages().values() if sections.get("decimal_comma") for code in sections["codes"]}
    | {"et", "lv", "lt", "is", "id", "vi", "ca", "gl", "eu"}
)

_GAP = " \u00a0\u202f\u2009"
#: Ranges of East Asian letters, which may directly precede a number: `約2,800万`.
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_NUMBER = re.compile(
    rf"(?<![.,])(?<![^\W{_CJK}])[-\u2212]?"
    rf"(?:\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?:\.\d{{1,2}})?(?!\d)|"  # Indian grouping, such as 1,15,000
    rf"\d{{1,3}}(?:[{_GAP}'’‘´.,]\d{{3}})+(?:[.,]\d{{1,4}})?(?!\d)|\d+(?:[.,]\d+)?|[.,]\d+)|\d+(?:[.,]\d+)?"
)
_FACTORS = {
    **{"thousand": 1e3, "million": 1e6, "billion": 1e9, "lakh": 1e5, "crore": 1e7},
    **{"ten_thousand": 1e4, "hundred_million": 1e8},
}
_MULTIPLIERS = {word: factor for key, factor in _FACTORS.items() for word in words("numbers", key)}
#: Factors of words whose meaning depends on the language, by word and language.
_OF_LANGUAGE = {
    (word, code): _FACTORS[key]
    for sections in languages().values()
    for key, among in sections.get("numbers_here", {}).items()
    for word in among
    for code in sections["codes"]
}
_MULTIPLIER = re.compile(r"\s?(?:([万萬만億亿억千천])|([^\W\d_]{1,9})\.?(?![\w²³]|\.\w))")
_EAST_ASIAN = frozenset("万萬만億亿억")
_FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text. `value` and `end` include a multiplier such as `million`."""

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
    head, _, tail = text.rpartition(mark)
    groups = text.split(mark)
    in_thousands = len(tail) == 3 and head.strip("0") != "" and len(groups[0]) <= 3
    if len(groups) > 2 or (in_thousands and not decimal):
        return text.replace(mark, "")
    return f"{head}.{tail}"


def find_numbers(text: str, lang: str | None = None, *, multipliers: bool = True) -> list[Number]:
    """Return the finite numbers in `text`, in order. `lang` (ISO 639-1) decides what a single comma or dot means."""
    found: list[Number] = []
    for match in _NUMBER.finditer(text[:4000]):
        value = _plain(match.group(), lang)
        if value is None:
            continue
        end = match.end()
        if end < len(text) and text[end] in _FRACTIONS:
            value, end = value + _FRACTIONS[text[end]], end + 1
        if multipliers:
            value, end = _multiplied(value, end, text, lang)
        if math.isinf(value):
            continue
        if found and multipliers and _continues(found[-1], value, match.start(), text):
            found[-1] = Number(found[-1].value + value, found[-1].start, end)
        else:
            found.append(Number(value, match.start(), end))
    return found


def _continues(before: Number, value: float, start: int, text: str) -> bool:
    gap = text[before.end : start]
    return gap in ("", " ") and text[before.end - 1] in _EAST_ASIAN and 0 < value < _MULTIPLIERS[text[before.end - 1]]


def _multiplied(value: float, end: int, text: str, lang: str | None) -> tuple[float, int]:
    while match := _MULTIPLIER.match(text, end):
        word = (match[1] or match[2]).lower()
        factor = _MULTIPLIERS.get(word) or _OF_LANGUAGE.get((word, lang or ""))
        if factor is None:
            break
        value, end = value * factor, match.end()
    return (round(value, 6), end)


def parse_number(text: str, lang: str | None = None) -> float | None:
    """Return the first number in `text`, or None. Ignore multipliers such as `million`."""
    numbers = find_numbers(text, lang, multipliers=False)
    return numbers[0].value if numbers else None


def tidy(value: float) -> int | float:
    """Convert a whole number to `int`: 3.0 becomes 3."""
    return int(value) if float(value).is_integer() else value
