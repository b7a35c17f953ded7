"""Dates as ISO 8601: `2024-06-03`, or `2005-10` and `1995` where the page gives no more.

Our own patterns first, dateparser (with the page's language given) for what is left: detection alone costs 68 ms.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import dateparser

_ISO_MONTH = re.compile(r"^\s*((?:19|20)\d{2}-(?:0[1-9]|1[0-2]))\s*$")
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_SLASHED = re.compile(r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_COMPACT = re.compile(r"^\s*(19|20)(\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\s*$")
_EPOCH = re.compile(r"^\s*(?:/Date\()?(-?\d{9,13})(?:[+-]\d{4})?(?:\)/)?\s*$")
_MONTH_YEAR = re.compile(r"^\s*(\d{1,2})[/.](\d{4})\s*$")
_YEAR = re.compile(r"^\s*((?:1[6-9]|20)\d{2})\s*$")
_MONTHS = {
    name: i + 1
    for i, names in enumerate(
        [
            "jan january januar januari sty styczeń",
            "feb february februar februari lut luty",
            "mar march märz mars marzec",
            "apr april kwi kwiecień",
            "may mai maj",
            "jun june juni cze czerwiec",
            "jul july juli lip lipiec",
            "aug august augusti sie sierpień",
            "sep sept september wrz wrzesień",
            "oct october okt oktober paź październik",
            "nov november lis listopad",
            "dec december dez dezember gru grudzień",
        ]
    )
    for name in names.split()
}
#: `22-JUN-12`, as databases print dates
_DASHED = re.compile(r"^\s*(\d{1,2})-([A-Za-z]{3})-(\d{4}|\d{2})\b")
_WORDS = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?\.?\s+)?([^\W\d_]{3,12})\.?,?\s+(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(\d{4})", re.I
)


def parse_date(text: str, *, lang: str | None = None, country: str | None = None) -> str | None:
    """The first date of `text`. `03/04/2024` is March in the US, April elsewhere."""
    text = text.strip()[:80]
    if not text or not any(c.isdigit() for c in text):
        return None
    return _iso(text) or _numeric(text, country) or _worded(text) or _partial(text) or _parsed(text, lang)


def _made(year: int, month: int, day: int) -> str | None:
    try:
        made = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
    return made.date().isoformat() if 1600 <= year <= 2100 else None


def _iso(text: str) -> str | None:
    if match := _ISO.search(text):
        return _made(*(int(g) for g in match.groups()))
    if match := _COMPACT.match(text):
        return _made(int(match[1] + match[2]), int(match[3]), int(match[4]))
    if match := _EPOCH.match(text):
        number = int(match[1])
        seconds = number / 1000 if abs(number) > 10**11 or text.startswith("/Date") else number
        try:
            return datetime.fromtimestamp(seconds, UTC).date().isoformat()
        except (ValueError, OverflowError, OSError):
            return None
    return None


def _numeric(text: str, country: str | None) -> str | None:
    match = _SLASHED.search(text)
    if match is None:
        return None
    first, mark, second, year = int(match[1]), match[2], int(match[3]), int(match[4])
    if len(match[4]) == 2:
        year += 2000 if year < 50 else 1900
    month_first = mark != "." and country in (None, "US")
    month, day = (first, second) if month_first else (second, first)
    return _made(year, month, day) or _made(year, day, month)


def _worded(text: str) -> str | None:
    if (match := _DASHED.match(text)) and (month := _MONTHS.get(match[2].lower())):
        year = int(match[3]) if len(match[3]) == 4 else int(match[3]) + (2000 if int(match[3]) < 50 else 1900)
        return _made(year, month, int(match[1]))
    match = _WORDS.search(text)
    if match is None or (month := _MONTHS.get(match[2].lower())) is None:
        return None
    day = match[1] or match[3]
    return _made(int(match[4]), month, int(day)) if day else f"{int(match[4]):04d}-{month:02d}"


def _partial(text: str) -> str | None:
    if (match := _MONTH_YEAR.match(text)) and 1 <= int(match[1]) <= 12:
        return f"{match[2]}-{int(match[1]):02d}"
    match = _ISO_MONTH.match(text) or _YEAR.match(text)
    return match[1] if match else None


def _parsed(text: str, lang: str | None) -> str | None:
    if len(text) > 40 or not any(c.isalpha() for c in text) or not re.search(r"\d{4}", text):
        return None
    try:
        found = dateparser.parse(text, languages=[lang or "en"], settings={"REQUIRE_PARTS": ["month", "year"]})
    except (ValueError, TypeError, OverflowError):
        return None
    return found.date().isoformat() if found and 1600 <= found.year <= 2100 else None
