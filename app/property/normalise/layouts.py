"""Rooms in the short hand of each country: `3LDK`, `3+kk`, `T4`, `3 BHK`, `3室2厅1卫`, `trilocale`, `3h+k+s`.

What such a word counts differs: rooms in Japan, Czechia, France and Italy; bedrooms in Portugal, India, China, Turkey.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """Counts that a layout tells, each None where it does not; rooms may be halves."""

    rooms: float | None = None
    bedrooms: int | None = None
    bathrooms: int | None = None


_N = r"(?<![\d.,/])(\d{1,2})"
_HALVES = r"(?<![\d.,/])(\d{1,2}(?:[.,]5)?)(½)?"
_ROOMS: Mapping[str, re.Pattern[str]] = {
    "ja": re.compile(r"(?<![\dA-Za-z])(\d{1,2})\s?(?:S?L?D?K|R|SK|[SLDK+]{2,5})(?![A-Za-z])"),
    "cs": re.compile(rf"{_N}\s?\+\s?(?:1|kk)(?!\d)", re.IGNORECASE),
    "sk": re.compile(rf"{_N}[ -]?izb\w*", re.IGNORECASE),
    "fi": re.compile(rf"{_N}\s?h\b(?=\s*[+,]|\s*$)", re.IGNORECASE),
    "fr": re.compile(r"(?<![\w.-])[TF]\s?([1-9])(?:\s?bis)?(?![\w.-])"),
    "sv": re.compile(rf"{_N}\s?(?:r\.?\s?o\.?\s?k\.?|rum och kök)(?!\w)", re.IGNORECASE),
    "no": re.compile(rf"{_N}[ -]?(?:roms?\b|-roms)", re.IGNORECASE),
    "da": re.compile(rf"{_N}[ -]?(?:værelses?\b|vær\.|rums)", re.IGNORECASE),
    "de": re.compile(rf"{_HALVES}[ -]?(?:ZKB\w*|Zi\.|Zimmer)", re.IGNORECASE),
    "hu": re.compile(rf"{_N}\s?szob[aá]s?\b", re.IGNORECASE),
    "ro": re.compile(rf"{_N}\s?camere\b", re.IGNORECASE),
}
_BEDROOMS: Mapping[str, re.Pattern[str]] = {
    "pt": re.compile(r"(?<![\w.-])[TV]\s?([1-9])(?:\s?\+\s?\d)?(?![\w.-])"),
    "en": re.compile(rf"{_N}(?:\.5)?\s?-?\s?B\.?H\.?K\b", re.IGNORECASE),
    "tr": re.compile(rf"{_N}(?:[.,]5)?\s?\+\s?\d(?!\d)"),
    "zh": re.compile(rf"{_N}\s?(?:室|房(?!\s?\d*\s?[台號])|臥)"),
    "ko": re.compile(r"방\s?(\d{1,2})(?:개|\b)"),
}
_BATHROOMS = re.compile(r"(\d{1,2})\s?[卫衛浴]")
_NAMES: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"\bmono(?:locale|ambiente)\b|\bgarsoni[eé]r[aă]?\b|ワンルーム|원룸|\bkawalerka\b", re.IGNORECASE), 1),
    (re.compile(r"\bbilocale\b", re.IGNORECASE), 2),
    (re.compile(r"\btrilocale\b", re.IGNORECASE), 3),
    (re.compile(r"\bquadrilocale\b", re.IGNORECASE), 4),
    (re.compile(r"\bpentalocale\b", re.IGNORECASE), 5),
    (re.compile(r"едностаен|однокомнатн|однокімнатн|\bjednosoban\b|\bgarsonijera\b", re.IGNORECASE), 1),
    (re.compile(r"двустаен|двухкомнатн|двокімнатн|\bdvosoban\b", re.IGNORECASE), 2),
    (re.compile(r"тристаен|тр[её]хкомнатн|трикімнатн|\btrosoban\b|\btrisoban\b", re.IGNORECASE), 3),
    (re.compile(r"четиристаен|четыр[её]хкомнатн|чотирикімнатн|\bčetverosoban\b|\bčetvorosoban\b", re.IGNORECASE), 4),
)
_ALIASES = {"nb": "no", "nn": "no", "gl": "pt"}


def parse_layout(text: str, lang: str | None) -> Layout | None:
    """What the first layout of `text` counts by the habits of `lang` (ISO 639-1); None where there is none."""
    text = text[:120]
    code = _ALIASES.get(lang or "", lang or "")
    if (beds := _BEDROOMS.get(code)) and (match := beds.search(text)):
        baths = _BATHROOMS.search(text) if code == "zh" else None
        return Layout(bedrooms=int(match[1]), bathrooms=int(baths[1]) if baths else None)
    patterns = (_ROOMS["cs"], _ROOMS["sk"]) if code in ("cs", "sk") else (_ROOMS.get(code),)
    for pattern in patterns:
        if pattern and (match := pattern.search(text)):
            half = 0.5 if match.lastindex == 2 and match[2] else 0.0
            return Layout(rooms=float(match[1].replace(",", ".")) + half)
    for pattern, rooms in _NAMES:
        if pattern.search(text):
            return Layout(rooms=rooms)
    return None


_FLOORS: tuple[re.Pattern[str], ...] = (
    re.compile(r"地上\s?(\d{1,3})\s?階(?!部分)"),
    re.compile(r"(?<!地下)(?<!\d)(\d{1,3})\s?(?:階建|階\s?建て)"),
    re.compile(r"(?:共|总高|總高)\s?(\d{1,3})\s?[层層]"),
    re.compile(
        r"\b(?:z celkem|celkem|z celkového počtu|z|of|out of|di|su|von|av|af|sur|de|van de|от|из|/)\s*(\d{1,3})\b",
        re.IGNORECASE,
    ),
    re.compile(r"/\s*(?:総|总|總)?\s?(\d{1,3})\s?(?:F|层|層|층|階)?\s*$", re.IGNORECASE),
)


def total_floors(text: str, *, alone: bool = True) -> int | None:
    """The storeys of the building in a text that may also name the storey of the flat: `5階/RC7階建`, `4 z celkem 8`.

    `alone`: whether a number by itself is the building's.
    """
    for pattern in _FLOORS:
        if match := pattern.search(text):
            return int(match[1])
    lone = re.fullmatch(r"\D{0,12}(\d{1,3})\D{0,12}", text.strip()) if alone else None
    return int(lone[1]) if lone else None
