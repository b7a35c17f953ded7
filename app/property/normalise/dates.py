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
            "jan january januar januari sty styczeń stycznia janv janvier ene enero gen gennaio janeiro leden "
            "ledna ιανουαρίου ocak",
            "feb february februar februari lut luty lutego févr février fév febrero febbraio fevereiro únor února "
            "φεβρουαρίου şubat",
            "mar march märz mars marzec marca marzo março maart marts březen března μαρτίου mart",
            "apr april kwi kwiecień kwietnia avr avril abr abril aprile duben dubna απριλίου nisan",
            "may mai maj maja mayo maggio mag maio mei květen května μαΐου mayıs",
            "jun june juni cze czerwiec czerwca juin junio giugno giu junho červen června ιουνίου haziran",
            "jul july juli lip lipiec lipca juil juillet julio luglio lug julho červenec července ιουλίου temmuz",
            "aug august augusti sie sierpień sierpnia août aout ago agosto augustus srpen srpna αυγούστου ağustos",
            "sep sept september wrz wrzesień września septembre septiembre settembre set setembro září "
            "σεπτεμβρίου eylül",
            "oct october okt oktober paź październik października octobre octubre ottobre ott outubro říjen října "
            "οκτωβρίου ekim",
            "nov november lis listopad listopada novembre noviembre novembro listopadu νοεμβρίου kasım",
            "dec december dez dezember gru grudzień grudnia déc décembre dic diciembre dicembre dezembro prosinec "
            "prosince δεκεμβρίου aralık",
        ]
    )
    for name in names.split()
}
#: `22-JUN-12`, as databases print dates
_DASHED = re.compile(r"^\s*(\d{1,2})-([A-Za-z]{3})-(\d{4}|\d{2})\b")
#: first years of the Japanese eras; the first year of an era is 1
_ERAS = {"明治": 1868, "大正": 1912, "昭和": 1926, "平成": 1989, "令和": 2019}
_EAST_ASIAN = re.compile(
    rf"(?:({'|'.join(_ERAS)})\s?(\d{{1,2}}|元)|((?:1[6-9]|20)\d\d))\s?[年년]"
    r"(?:\s?(\d{1,2})\s?[月월](?:\s?(\d{1,2})\s?[日일])?)?"
)
_YEAR_FIRST = re.compile(r"\b((?:1[6-9]|20)\d\d)\.\s+([^\W\d_]{3,12})\.?(?:\s+(\d{1,2})\.?)?")
_HUNGARIAN = [
    "január",
    "február",
    "március",
    "április",
    "május",
    "június",
    "július",
    "augusztus",
    "szeptember",
    "október",
    "november",
    "december",
]
_WORDS = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th|er|º|°)?\.?\s+(?:de\s+|"
    r"of\s+)?)?([^\W\d_]{3,12})\.?,?\s+(?:del?\s+)?(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(\d{4})",
    re.I,
)


def parse_date(text: str, *, lang: str | None = None, country: str | None = None) -> str | None:
    """The first date of `text`. `03/04/2024` is March in the US, April elsewhere."""
    text = text.strip()[:80]
    if _EAST_ASIAN.search(text):
        return _east_asian(text)
    if not text or not any(c.isdigit() for c in text):
        return None
    return (
        _iso(text)
        or _year_first(text)
        or _numeric(text, country)
        or _worded(text)
        or _partial(text)
        or _parsed(text, lang)
    )


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


def year_of_era(text: str) -> int | None:
    """The year of a date in Chinese characters or hangul, Japanese eras included: `平成16年3月` is 2004."""
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


def _year_first(text: str) -> str | None:
    """`2024. március 5.`"""
    match = _YEAR_FIRST.search(text)
    if match is None or match[2].lower() not in _HUNGARIAN:
        return None
    return _as_exact(int(match[1]), _HUNGARIAN.index(match[2].lower()) + 1, int(match[3]) if match[3] else None)


def _as_exact(year: int, month: int | None, day: int | None) -> str | None:
    """No more than is given: a year, a month or a day."""
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
