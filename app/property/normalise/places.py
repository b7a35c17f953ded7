"""Countries, US states and which country a page is about, as far as names, codes and host names tell."""

from __future__ import annotations

import re

_COUNTRY_NAMES: dict[str, str] = {
    "US": "united states|united states of america|usa|us|u.s.a.|u.s.",
    "GB": "united kingdom|uk|great britain|england|scotland|wales",
    "IE": "ireland|republic of ireland|irland",
    "DE": "germany|deutschland",
    "AT": "austria|österreich",
    "CH": "switzerland|schweiz|suisse",
    "PL": "poland|polska",
    "SE": "sweden|sverige",
    "NO": "norway|norge",
    "DK": "denmark|danmark",
    "FI": "finland|suomi",
    "FR": "france",
    "ES": "spain|españa",
    "IT": "italy|italia",
    "PT": "portugal",
    "NL": "netherlands|nederland",
    "BE": "belgium|belgique|belgië",
    "CA": "canada",
    "AU": "australia",
    "NZ": "new zealand",
    "JP": "japan|日本",
    "IL": "israel|ישראל",
    "IN": "india",
    "CZ": "czech republic|česko|czechia",
}
_BY_NAME = {name: code for code, names in _COUNTRY_NAMES.items() for name in names.split("|")}

US_STATES: dict[str, str] = {
    "alabama": "AL",
    "alaska": "AK",
    "arizona": "AZ",
    "arkansas": "AR",
    "california": "CA",
    "colorado": "CO",
    "connecticut": "CT",
    "delaware": "DE",
    "district of columbia": "DC",
    "florida": "FL",
    "georgia": "GA",
    "hawaii": "HI",
    "idaho": "ID",
    "illinois": "IL",
    "indiana": "IN",
    "iowa": "IA",
    "kansas": "KS",
    "kentucky": "KY",
    "louisiana": "LA",
    "maine": "ME",
    "maryland": "MD",
    "massachusetts": "MA",
    "michigan": "MI",
    "minnesota": "MN",
    "mississippi": "MS",
    "missouri": "MO",
    "montana": "MT",
    "nebraska": "NE",
    "nevada": "NV",
    "new hampshire": "NH",
    "new jersey": "NJ",
    "new mexico": "NM",
    "new york": "NY",
    "north carolina": "NC",
    "north dakota": "ND",
    "ohio": "OH",
    "oklahoma": "OK",
    "oregon": "OR",
    "pennsylvania": "PA",
    "rhode island": "RI",
    "south carolina": "SC",
    "south dakota": "SD",
    "tennessee": "TN",
    "texas": "TX",
    "utah": "UT",
    "vermont": "VT",
    "virginia": "VA",
    "washington": "WA",
    "west virginia": "WV",
    "wisconsin": "WI",
    "wyoming": "WY",
    "puerto rico": "PR",
}
US_CODES = frozenset(US_STATES.values())
AU_STATES = frozenset({"NSW", "VIC", "QLD", "WA", "SA", "TAS", "ACT", "NT"})

_TLD_COUNTRY = {
    "de": "DE",
    "at": "AT",
    "ch": "CH",
    "pl": "PL",
    "se": "SE",
    "no": "NO",
    "dk": "DK",
    "fi": "FI",
    "fr": "FR",
    "es": "ES",
    "it": "IT",
    "pt": "PT",
    "nl": "NL",
    "be": "BE",
    "ie": "IE",
    "uk": "GB",
    "au": "AU",
    "nz": "NZ",
    "ca": "CA",
    "jp": "JP",
    "il": "IL",
    "in": "IN",
    "cz": "CZ",
    "us": "US",
    "gov": "US",
}
_LANGUAGE_COUNTRY = {
    "de": "DE",
    "pl": "PL",
    "sv": "SE",
    "nb": "NO",
    "da": "DK",
    "fi": "FI",
    "ja": "JP",
    "he": "IL",
    "cs": "CZ",
}

#: rough bounding boxes (south, west, north, east): tells a wrong or swapped coordinate, draws no border
BOXES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "US": (
        (24.3, -125.0, 49.5, -66.8),
        (51.0, -180.0, 71.6, -129.9),
        (18.8, -160.4, 22.4, -154.6),
        (17.6, -67.4, 18.6, -65.1),
    ),
    "CA": ((41.6, -141.1, 83.2, -52.5),),
    "GB": ((49.8, -8.7, 60.9, 1.9),),
    "IE": ((51.3, -10.7, 55.5, -5.3),),
    "DE": ((47.2, 5.8, 55.1, 15.1),),
    "AT": ((46.3, 9.5, 49.1, 17.2),),
    "CH": ((45.8, 5.9, 47.9, 10.6),),
    "PL": ((48.9, 14.0, 55.0, 24.2),),
    "SE": ((55.2, 10.9, 69.2, 24.2),),
    "NO": ((57.8, 4.4, 71.3, 31.3),),
    "DK": ((54.4, 7.9, 57.9, 15.3),),
    "FI": ((59.6, 19.9, 70.2, 31.7),),
    "FR": ((41.2, -5.3, 51.2, 9.7),),
    "ES": ((35.9, -9.4, 43.9, 4.4), (27.5, -18.3, 29.5, -13.3)),
    "IT": ((35.4, 6.5, 47.2, 18.6),),
    "AU": ((-44.0, 112.8, -9.9, 154.0),),
    "NZ": ((-47.6, 166.1, -34.2, 179.0),),
    "JP": ((24.0, 122.7, 45.7, 146.0),),
    "IL": ((29.4, 34.2, 33.4, 35.9),),
    "NL": ((50.7, 3.3, 53.6, 7.3),),
    "BE": ((49.4, 2.5, 51.6, 6.5),),
    "PT": ((36.8, -9.6, 42.2, -6.1), (32.3, -17.4, 33.2, -16.2)),
    "CZ": ((48.5, 12.0, 51.1, 18.9),),
}


def country_code(text: str) -> str | None:
    """ISO 3166-1 alpha-2 of a country's code or name, or None."""
    word = re.sub(r"\s+", " ", text.strip().lower())
    if len(word) == 2 and word.upper() in _COUNTRY_NAMES:
        return word.upper()
    return _BY_NAME.get(word)


def us_state(text: str) -> str | None:
    """Two-letter code of a US state given as code or name, or None."""
    word = text.strip(" .,")
    return word.upper() if word.upper() in US_CODES else US_STATES.get(word.lower())


def country_of_host(host: str) -> str | None:
    """The country that a host's last label stands for; None for .com and the like."""
    return _TLD_COUNTRY.get(host.rpartition(".")[2].lower())


def country_of_language(lang: str | None) -> str | None:
    """The country where a language is mostly spoken, for languages of one country; `en-GB` names its own."""
    if not lang:
        return None
    language, _, region = lang.replace("_", "-").partition("-")
    return country_code(region) or _LANGUAGE_COUNTRY.get(language.lower())


def in_country(latitude: float, longitude: float, country: str) -> bool:
    """False only where `country` is known to us and the point lies outside its boxes."""
    boxes = BOXES.get(country)
    return boxes is None or any(s <= latitude <= n and w <= longitude <= e for s, w, n, e in boxes)
