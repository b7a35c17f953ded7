"""Countries, US states, which country a page is about as far as names, codes and host names tell, and rough boxes of
countries that tell a wrong or swapped coordinate.
"""

from __future__ import annotations

import re

from app.property.fields.countries import COUNTRIES, US_STATES, Box

_BY_NAME = {name: code for code, country in COUNTRIES.items() for name in country.names}
US_CODES = frozenset(US_STATES.values())
_OF_HOST = {host: code for code, country in COUNTRIES.items() for host in country.hosts}
_OF_LANGUAGE = {language: code for code, country in COUNTRIES.items() for language in country.languages}


def country_code(text: str) -> str | None:
    """ISO 3166-1 alpha-2 of a country's code or name, or None."""
    word = re.sub(r"\s+", " ", text.strip().lower())
    if len(word) == 2 and word.upper() in COUNTRIES:
        return word.upper()
    return _BY_NAME.get(word)


def country_name(code: str) -> str:
    """The English name of a country given by its code: `DE` -> `germany`."""
    return COUNTRIES[code].names[0]


def us_state(text: str) -> str | None:
    """Two-letter code of a US state given as code or name, or None."""
    word = text.strip(" .,")
    return word.upper() if word.upper() in US_CODES else US_STATES.get(word.lower())


def country_of_host(host: str) -> str | None:
    """The country that a host's last label stands for; None for .com and the like."""
    return _OF_HOST.get(host.rpartition(".")[2].lower())


def country_of_language(lang: str | None) -> str | None:
    """The country where a language is mostly spoken, for languages of one country; `en-GB` names its own."""
    if not lang:
        return None
    language, _, region = lang.replace("_", "-").partition("-")
    return country_code(region) or _OF_LANGUAGE.get(language.lower())


#: (language, sign of money on the page): the country that is meant, where no host and no postal code says it
_MONEY_COUNTRY = {
    ("es", "€"): "ES", ("fr", "€"): "FR", ("nl", "€"): "NL", ("pt", "€"): "PT", ("pt", "R$"): "BR", ("fr", "CHF"): "CH",
    ("de", "CHF"): "CH", ("it", "CHF"): "CH", ("en", "₹"): "IN", ("en", "AED"): "AE"
}  # fmt: skip


def country_of_money(lang: str | None, text: str) -> str | None:
    """The country whose language and money `text` has."""
    return next((c for (code, sign), c in _MONEY_COUNTRY.items() if code == lang and sign in text), None)


def boxes_of(country: str) -> tuple[Box, ...]:
    """The boxes of a country; none for one that is not known to us."""
    return COUNTRIES[country].boxes if country in COUNTRIES else ()


def in_country(latitude: float, longitude: float, country: str) -> bool:
    """False only where `country` is known to us and the point lies outside its boxes."""
    boxes = boxes_of(country)
    return not boxes or any(s <= latitude <= n and w <= longitude <= e for s, w, n, e in boxes)
