"""Parse numbers, counts, and dates in English, German, and Polish. Shares no code with the application's parsers."""

import re

_COUNTS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "single": 1, "ein": 1, "eine": 1, "einem": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7,
    "jedna": 1, "jedną": 1, "dwa": 2, "dwie": 2, "trzy": 3, "cztery": 4, "pięć": 5,
}  # fmt: skip
_MONTHS = (
    ("january", "januar", "stycznia"),
    ("february", "februar", "lutego"),
    ("march", "märz", "marca"),
    ("april", "april", "kwietnia"),
    ("may", "mai", "maja"),
    ("june", "juni", "czerwca"),
    ("july", "juli", "lipca"),
    ("august", "august", "sierpnia"),
    ("september", "september", "września"),
    ("october", "oktober", "października"),
    ("november", "november", "listopada"),
    ("december", "dezember", "grudnia"),
)
_NUMBER = re.compile(
    r"(?P<whole>\d{1,3}(?:[.,   '’]\d{3})+(?!\d))(?:[.,](?P<cents>\d{1,2}))?|(?P<plain>\d+(?:[.,]\d+)?)"
)
_TIMES = (
    (re.compile(r"m\b|\s?(?:mio|mln|million)\b", re.I), 1_000_000),
    (re.compile(r"k\b|\s?(?:tys|thousand)\b", re.I), 1_000),
)


def count(text: str) -> float | None:
    """Return `3`, `2.5`, `three`, or `two and a half` as a number, or None for other texts."""
    words = text.lower().strip()
    half = 0.5 if re.search(r"and[ -]a[ -]half|einhalb|½", words) else 0.0
    digits = re.match(r"\d+(?:[.,]\d+)?", words)
    if digits:
        return float(digits[0].replace(",", ".")) + half
    first = re.split(r"[\s-]", words)[0]
    return _COUNTS[first] + half if first in _COUNTS else None


def number(text: str) -> float | None:
    """Return the number in a text such as `1,410`, `1.410`, `131,5`, `$1.25M`, or `450k`."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    if found["whole"]:
        value = float(re.sub(r"\D", "", found["whole"]) + "." + (found["cents"] or "0"))
    else:
        value = float(found["plain"].replace(",", "."))
    rest = text[found.end() :]
    for pattern, factor in _TIMES:
        if pattern.match(rest):
            return round(value * factor, 2)
    return value


def iso_date(text: str) -> str | None:
    """Convert a date such as `March 3, 2016`, `3 marca 2016`, `03/14/2016`, or `14.03.2016` to ISO 8601."""
    iso = re.search(r"\b(\d{4})-(\d\d)-(\d\d)\b", text)
    if iso:
        return iso[0]
    numeric = re.search(r"\b(\d{1,2})([/.])(\d{1,2})\2(\d{4})\b", text)
    if numeric:
        first, second, year = int(numeric[1]), int(numeric[3]), int(numeric[4])
        month, day = (first, second) if numeric[2] == "/" else (second, first)
        return f"{year:04d}-{month:02d}-{day:02d}" if 1 <= month <= 12 else None
    for month, names in enumerate(_MONTHS, start=1):
        named = "|".join(f"{n}|{n[:3]}" for n in names)
        found = re.search(rf"\b(?:{named})\.?\s+(\d{{1,2}}),?\s+(\d{{4}})", text, re.I)
        if found:
            return f"{int(found[2]):04d}-{month:02d}-{int(found[1]):02d}"
        found = re.search(rf"\b(\d{{1,2}})\.?\s+(?:{named})\.?\s+(\d{{4}})", text, re.I)
        if found:
            return f"{int(found[2]):04d}-{month:02d}-{int(found[1]):02d}"
    return None
