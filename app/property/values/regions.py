"""Recognize regions of countries. Names of regions are in `fields/countries.toml`."""

import re

from app.property.fields.countries import COUNTRIES

_ALL = frozenset().union(*(country.regions for country in COUNTRIES.values()))
#: Matches the kind of region before its name, such as `county`.
_PREFIX = re.compile(
    r"^(?:co\.?|county|woj\.?|województwo|kanton|canton|provincia(?: di| de)?|province(?: de)?|provincie|prov\.?|"
    r"departamento|département|distrito de|estado de(?! m)|județul|jud\.|νομός|ν\.|област|обл\.|bundesland|region|"
    r"región)\s+",
    re.IGNORECASE,
)
_COUNTY = re.compile(r"(?:Co\.|County) [A-Z][\w'’-]+$")
_SUFFIX = re.compile(r"\s+(?:kanton|vármegye|megye|province|state|county|\(provincia\))$", re.IGNORECASE)


def is_region(text: str, country: str | None) -> bool:
    """Return whether `text` is a region of `country`, with or without a word such as `Co.` or `woj.`."""
    regions = COUNTRIES[country].regions if country and country in COUNTRIES else frozenset[str]()
    return bool(text) and (_bare(text) in regions or (country == "IE" and _COUNTY.match(text) is not None))


def _bare(text: str) -> str:
    word = " ".join(text.split()).strip(" ,.()").casefold()
    return _SUFFIX.sub("", _PREFIX.sub("", word)) if word not in _ALL else word


def is_named(text: str, country: str | None) -> bool:
    """Return whether `text` is a region that includes the word for its kind: `Co. Kildare`, `Hallands län`."""
    word = " ".join(text.split()).strip(" ,.()").casefold()
    named = _PREFIX.match(word) is not None or _SUFFIX.search(word) is not None or word.endswith((" län", " kraj"))
    return named and is_region(text, country)


def leading(text: str, country: str | None) -> str | None:
    """Return the region at the start of an address in Japan, Taiwan, or Korea, or None."""
    if country not in ("JP", "TW", "KR"):
        return None
    return max((name for name in COUNTRIES[country].regions if text.startswith(name)), key=len, default=None)
