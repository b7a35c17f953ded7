"""Parse dates into ISO 8601: `2024-06-03`, or `2005-10` or `1995` if the text has no day or month."""

import re
from datetime import UTC, datetime

from app.property.values.months import month_of

_ISO_MONTH = re.compile(r"^\s*((?:19|20)\d{2}-(?:0[1-9]|1[0-2]))\s*$")
#: Matches dates with the year first: `2024-03-05`, `2024/3/5`, or `2024. 03. 05.`.
_YEAR_LEADS = re.compile(r"(?<!\d)(\d{4})(?:-(\d{2})-|/(\d{1,2})/|\.\s?(\d{1,2})\.\s?)(\d{1,2})(?!\d)")
_SLASHED = re.compile(r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_COMPACT = re.compile(r"^\s*(19|20)(\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\s*$")
_EPOCH = re.compile(r"^\s*(?:/Date\()?(-?\d{9,13})(?:[+-]\d{4})?(?:\)/)?\s*$")
_MONTH_YEAR = re.compile(r"^\s*(\d{1,2})[/.](\d{4})\s*$")
_YEAR = re.compile(r"^\s*((?:1[6-9]|20)\d{2})\s*$")
#: Matches dates in the format of some databases: `22-JUN-12`.
_DASHED = re.compile(r"^\s*(\d{1,2})-([A-Za-z]{3})-(\d{4}|\d{2})\b")
#: The calendar year of the first year of each Japanese era.
_ERAS = {"明治": 1868, "大正": 1912, "昭和": 1926, "平成": 1989, "令和": 2019}
_EAST_ASIAN = re.compile(
    rf"(?:({'|'.join(_ERAS)})\s?(\d{{1,2}}|元)|((?:1[6-9]|20)\d\d))\s?[年년]"
    r"(?:\s?(\d{1,2})\s?[月월](?:\s?(\d{1,2})\s?[日일])?)?"
)
_YEAR_FIRST = re.compile(r"\b((?:1[6-9]|20)\d\d)\.\s+([^\W\d_]{3,12})\.?(?:\s+(\d{1,2})\.?)?")
_WORDS = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th|er|º|°)?\.?\s+(?:de\s+|"
    r"of\s+)?)?([^\W\d_]{3,12})\.?,?\s+(?:del?\s+)?(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(\d{4})",
    re.I,
)


def parse_date(text: str, *, lang: str | None = None, country: str | None = None) -> str | None:
    """Return the date in `text`, or None. If `country` is the US or None, `03/04/2024` means March 4, else April 3."""
    text = text.strip()[:80]
    if _EAST_ASIAN.search(text):
        return _east_asian(text)
    if not text or not any(c.isdigit() for c in text):
        return None
    return _iso(text) or _year_first(text, lang) or _numeric(text, country) or _worded(text, lang) or _partial(text)


def _made(year: int, month: int, day: int) -> str | None:
    try:
        made = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
    return made.date().isoformat() if 1600 <= year <= 2100 else None


def _iso(text: str) -> str | None:
    if match := _YEAR_LEADS.search(text):
        return _made(int(match[1]), int(match[2] or match[3] or match[4]), int(match[5]))
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


def year_of_era(text: str) -> int | None:
    """Return the year of an East Asian date, or None. Years of Japanese eras are converted: `平成16年` is 2004."""
    match = _EAST_ASIAN.search(text)
    if match is None:
        return None
    if match[3]:
        return int(match[3])
    return _ERAS[match[1]] + (1 if match[2] == "元" else int(match[2])) - 1


def _east_asian(text: str) -> str | None:
    match, year = _EAST_ASIAN.search(text), year_of_era(text)
    if match is None or year is None:
        return None
    return _as_exact(year, int(match[4]) if match[4] else None, int(match[5]) if match[5] else None)


def _year_first(text: str, lang: str | None) -> str | None:
    match = _YEAR_FIRST.search(text)
    month = month_of(match[2], lang) if match else None
    return _as_exact(int(match[1]), month, int(match[3]) if match[3] else None) if match and month else None


def _as_exact(year: int, month: int | None, day: int | None) -> str | None:
    if month is None:
        return str(year)
    if not 1 <= month <= 12:
        return None
    return _made(year, month, day) if day else f"{year:04d}-{month:02d}"


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


def _worded(text: str, lang: str | None) -> str | None:
    if (match := _DASHED.match(text)) and (month := month_of(match[2], lang)):
        year = int(match[3]) if len(match[3]) == 4 else int(match[3]) + (2000 if int(match[3]) < 50 else 1900)
        return _made(year, month, int(match[1]))
    match = _WORDS.search(text)
    month = month_of(match[2], lang) if match else None
    if match is None or month is None:
        return None
    return _as_exact(int(match[4]), month, int(match[1] or match[3] or 0) or None)


def _partial(text: str) -> str | None:
    if (match := _MONTH_YEAR.match(text)) and 1 <= int(match[1]) <= 12:
        return f"{match[2]}-{int(match[1]):02d}"
    match = _ISO_MONTH.match(text) or _YEAR.match(text)
    return match[1] if match else None
