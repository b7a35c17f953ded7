"""Identify countries and US states by names, codes, hosts, and coordinates."""

import re

from app.property.fields.countries import COUNTRIES, US_STATES, Box

_BY_NAME = {name: code for code, country in COUNTRIES.items() for name in country.names}
US_CODES = frozenset(US_STATES.values())
_OF_HOST = {host: code for code, country in COUNTRIES.items() for host in country.hosts}
_OF_LANGUAGE = {language: code for code, country in COUNTRIES.items() for language in country.languages}


def country_code(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of the country with this code or name, or None."""
    word = re.sub(r"\s+", " ", text.strip().lower())
    if len(word) == 2 and word.upper() in COUNTRIES:
        return word.upper()
    return _BY_NAME.get(word)


def country_name(code: str) -> str:
    """Return the English name of the country `code`, in lower case: `germany` for `DE`."""
    return COUNTRIES[code].names[0]


def us_state(text: str) -> str | None:
    """Return the two-letter code of the US state with this code or name, or None."""
    word = text.strip(" .,")
    return word.upper() if word.upper() in US_CODES else US_STATES.get(word.lower())


def country_of_host(host: str) -> str | None:
    """Return the country of a host's top-level domain, or None for a generic domain such as `.com`."""
    return _OF_HOST.get(host.rpartition(".")[2].lower())


def country_of_language(lang: str | None) -> str | None:
    """Return the country in a language tag such as `en-GB`, or else the main country of the language, or None."""
    if not lang:
        return None
    language, _, region = lang.replace("_", "-").partition("-")
    return country_code(region) or _OF_LANGUAGE.get(language.lower())


#: Maps a language and a currency sign to a country. Used if the host and the postal code do not reveal the country.
_MONEY_COUNTRY = {
    ("es", "€"): "ES", ("fr", "€"): "FR", ("nl", "€"): "NL", ("pt", "€"): "PT", ("pt", "R$"): "BR", ("fr", "CHF"): "CH",
    ("de", "CHF"): "CH", ("it", "CHF"): "CH", ("en", "₹"): "IN", ("en", "AED"): "AE"
}  # fmt: skip


def country_of_money(lang: str | None, text: str) -> str | None:
    """Return the country that `lang` and a currency sign in `text` together suggest, or None."""
    return next((c for (code, sign), c in _MONEY_COUNTRY.items() if code == lang and sign in text), None)


def boxes_of(country: str) -> tuple[Box, ...]:
    return COUNTRIES[country].boxes if country in COUNTRIES else ()


def in_country(latitude: float, longitude: float, country: str) -> bool:
    """Return whether the point is in one of the country's bounding boxes, or True if no boxes are known."""
    boxes = boxes_of(country)
    return not boxes or any(s <= latitude <= n and w <= longitude <= e for s, w, n, e in boxes)
