"""Addresses that name the largest place first: without spaces in Japan, Taiwan and Korea, province first in Turkey."""

from __future__ import annotations

import re

from app.property.values import regions, texts
from app.property.values.address_parts import Line

_JAPANESE = re.compile(
    r"^((?:[^\d市区町村郡]{1,6}市)?[^\d市区町村郡]{1,6}区|[^\d市]{1,6}市|[^\d郡]{1,5}郡[^\d町村]{1,5}[町村]|"
    r"[^\d町村]{1,5}[町村])"
)
_JAPANESE_CODE = re.compile(r"〒?\s?(\d{3}-\d{4})\s*")
#: town behind the region, in lines without spaces between
_TOWNS = {
    "JP": _JAPANESE,
    "TW": re.compile(r"^([^\d區鄉鎮市]{1,4}[區鄉鎮市])"),
    "KR": re.compile(r"^\s*([가-힣]{1,6}[시군구])(?=\s|$)"),
}
SPACELESS = frozenset(_TOWNS)


def without_spaces(text: str, country: str) -> Line | None:
    """Region, town and the rest of `〒167-0032 東京都杉並区天沼３-１８` or `경기도 고양시 일산서구`."""
    code = _JAPANESE_CODE.search(text) if country == "JP" else None
    if code:
        text = text[: code.start()] + text[code.end() :]
    region = regions.leading(text, country)
    rest = text[len(region) :].strip() if region else text
    town = _TOWNS[country].match(rest)
    if town is None or (region is None and code is None):
        return None
    street = rest[town.end() :].strip(" 　,") or None
    return Line(street, town[1], region, code[1] if code else None)


def by_province(text: str, country: str) -> Line | None:
    """`İzmir / Karşıyaka / Bostanlı Mh.`: province, town, quarter."""
    parts = [p.strip() for p in re.split(r"\s*[/,>]\s*", text) if p.strip()]
    if len(parts) < 2 or not regions.is_region(parts[0].casefold().replace("i̇", "i"), country):
        return None
    return Line(city=parts[1], region=parts[0]) if texts.is_place_name(parts[1]) else None
