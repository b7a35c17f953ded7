"""Parse counts, including bathroom counts such as `2.5` or `3 (3/0)`."""

import re
from dataclasses import dataclass

from app.property.fields.languages import language
from app.property.fields.phrases import alternatives
from app.property.values.dates import year_of_era
from app.property.values.numbers import find_numbers

_RANGE = re.compile(r"\d\s*(?:-|–|—|to\b|bis\b|,|&|\+|/|or\b)\s*\d")
#: Matches an ordinal such as `3rd`, which is not a count.
ORDINAL = re.compile(rf"\d+(?:{alternatives('numbers', 'ordinals', whole=False)})(?!\w)", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_FULL = re.compile(r"(\d+)[^\S\n]*(?:full|fu?l?l?\b)|full[^\d]{0,12}(\d+)", re.I)
#: Matches a total with the full and half bathrooms in parentheses: `2 (2/0)` or `2.5 (2 1)`.
_TOTAL_OF_BOTH = re.compile(r"(\d{1,2}(?:\.\d)?)\s?\((\d{1,2})\s?[/ ]\s?(\d)\)")
_HALF = re.compile(r"(\d+)[^\S\n]*(?:half|partial|1/2)\b|half[^\d]{0,12}(\d+)|\b(\d+)\s+1/2", re.I)


#: English number words. Number words of other languages are not used, because many of them are also articles.
_WORDS = {words[0]: n for n, words in enumerate(language("en")["numbers"]["counts"], 1)}
_WORD = re.compile(rf"({'|'.join(_WORDS)})\b(?![ -]of\b)", re.I)
_AND_A_HALF = re.compile(rf"({'|'.join(_WORDS)})[ -]and[ -](?:a|one)[ -]half\b", re.I)


@dataclass(frozen=True, slots=True)
class Bathrooms:
    """A half bathroom counts as one in `total` (RESO BathroomsTotalInteger)."""

    total: int
    full: int | None = None
    half: int | None = None


def single(text: str, lang: str | None = None, *, year: bool = False) -> float | None:
    """Return the first number in a short text, or None for a range or an ordinal. With `year`, return the year."""
    text = text.strip()
    if len(text) > (60 if year else 40):
        return None
    if year:
        match, era = _YEAR.search(text), year_of_era(text)
        return float(match[1]) if match else float(era) if era else None
    found = find_numbers(text.replace("/", " / "), lang, multipliers=False)
    if not found and (word := _WORD.match(text)):
        return _WORDS[word[1].casefold()] + (0.5 if _AND_A_HALF.match(text) else 0.0)
    if not found or (_RANGE.search(text) and len(found) > 1) or ORDINAL.match(text, found[0].start):
        return None
    return found[0].value


def of_kinds(text: str) -> int | None:
    """Return the sum of the counts in a list such as `1 garage, 2 outside`, or None if `text` is not such a list."""
    parts = [re.findall(r"\d+", part) for part in re.split(r"[,;]\s", text.rpartition(":")[2])]
    is_sum = len(parts) > 1 and all(len(found) == 1 and len(found[0]) <= 2 for found in parts)
    return sum(int(*found) for found in parts) if is_sum else None


def bathrooms(text: str, lang: str | None = None) -> Bathrooms | None:
    """Parse bathroom counts such as `2.5`, `2 full, 1 half`, `3 / 0` (full / half), or `two and a half baths`."""
    text = text.strip()
    if len(text) > 60:
        return None
    if match := re.fullmatch(r"(\d{1,2})\s*/\s*(\d{1,2})", text):
        return _made(int(match[1]), int(match[2]))
    if match := _TOTAL_OF_BOTH.fullmatch(text):
        full_ones, half_ones = int(match[2]), int(match[3])
        adds_up = int(float(match[1])) in (full_ones, full_ones + half_ones)
        return _made(full_ones, half_ones) if adds_up else None
    text = text.replace("½", "1/2")
    full, half = _FULL.search(text), _HALF.search(text)
    if full and half:
        return _made(int(full[1] or full[2]), int(half[1] or half[2] or half[3]))
    if match := re.search(r"(\d+)\s*(?:ba|bath)\w*\W+(?:1\s+)?1/2", text, re.I):
        return _made(int(match[1]), 1)
    value = single(text, lang)
    return _of_number(value, lang) if value is not None and 0 < value < 60 else None


def _of_number(value: float, lang: str | None) -> Bathrooms | None:
    whole = int(value)
    if value == whole:
        return Bathrooms(whole)
    halves = round(10 * (value - whole), 3)
    if halves == 7.5:  # 0.75 means a bathroom without a tub, which counts as neither full nor half
        return Bathrooms(whole + 1)
    if halves == 5:
        return _made(whole, 1)
    # some US listing services write `2.1` for two full bathrooms and one half
    return _made(whole, int(halves)) if lang in (None, "en") and halves in (1, 2, 3) else None


def _made(full: int, half: int) -> Bathrooms | None:
    return Bathrooms(full + half, full, half) if 0 < full + half < 60 else None
