"""Parse room layouts in each country's notation: `3LDK`, `3+kk`, `T4`, `3 BHK`, `3室2厅1卫`, `trilocale`, `3h+k+s`.

The number counts rooms in Japan, Czechia, France, and Italy, but bedrooms in Portugal, India, China, and Turkey.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.property.fields.languages import languages
from app.property.fields.phrases import expression


@dataclass(frozen=True, slots=True)
class Layout:
    """A half room counts as 0.5."""

    rooms: float | None = None
    bedrooms: int | None = None
    bathrooms: int | None = None


def _patterns(key: str) -> Mapping[str, tuple[re.Pattern[str], ...]]:
    """Return the patterns of `key` by language code. Group 1 is the count; group 2 means another half room."""
    return {
        code: tuple(map(re.compile, sections["layouts"][key]))
        for sections in languages().values()
        if key in sections.get("layouts", {})
        for code in sections["codes"]
    }


_ROOMS, _BEDROOMS, _BATHROOMS = _patterns("rooms"), _patterns("bedrooms"), _patterns("bathrooms")
#: Patterns for words such as `trilocale`, each with the number of rooms that the word means.
_NAMES = tuple(
    (re.compile("|".join(map(expression, phrases)), re.IGNORECASE), rooms)
    for sections in languages().values()
    for rooms, phrases in enumerate(sections.get("layouts", {}).get("names", ()), 1)
)


def parse_layout(text: str, lang: str | None) -> Layout | None:
    """Parse the first layout in `text` by the conventions of `lang` (ISO 639-1). Return None if there is no layout."""
    text = text[:120]
    if beds := _first(_BEDROOMS, lang, text):
        baths = _first(_BATHROOMS, lang, text)
        return Layout(bedrooms=int(beds[1]), bathrooms=int(baths[1]) if baths else None)
    if found := _first(_ROOMS, lang, text):
        half = 0.5 if found.lastindex == 2 and found[2] else 0.0
        return Layout(rooms=float(found[1].replace(",", ".")) + half)
    for pattern, rooms in _NAMES:
        if pattern.search(text):
            return Layout(rooms=rooms)
    return None


def _first(patterns: Mapping[str, tuple[re.Pattern[str], ...]], lang: str | None, text: str) -> re.Match[str] | None:
    return next((found for pattern in patterns.get(lang or "", ()) if (found := pattern.search(text))), None)


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
    """Return the number of stories of the building, or None. `text` may include the flat's floor: `4 z celkem 8`.

    If `alone`, a single number in `text` means the number of stories.
    """
    for pattern in _FLOORS:
        if match := pattern.search(text):
            return int(match[1])
    lone = re.fullmatch(r"\D{0,12}(\d{1,3})\D{0,12}", text.strip()) if alone else None
    return int(lone[1]) if lone else None
