"""Countries, US states and which country a page is about, as far as names, codes and host names tell."""

from __future__ import annotations

import re

_COUNTRY_NAMES: dict[str, str] = {
    "US": "united states|united states of america|usa|us|u.s.a.|u.s.|états-unis|vereinigte staaten",
    "GB": "united kingdom|uk|great britain|england|scotland|wales|northern ireland|royaume-uni",
    "IE": "ireland|republic of ireland|irland|éire|irlande",
    "DE": "germany|deutschland|allemagne|alemania|germania|duitsland|niemcy|tyskland",
    "AT": "austria|österreich|autriche",
    "CH": "switzerland|schweiz|suisse|svizzera|suiza|zwitserland",
    "LI": "liechtenstein",
    "LU": "luxembourg|luxemburg|lëtzebuerg",
    "PL": "poland|polska|polen|pologne",
    "SE": "sweden|sverige|schweden",
    "NO": "norway|norge|norwegen|noreg",
    "DK": "denmark|danmark|dänemark",
    "FI": "finland|suomi|finnland",
    "IS": "iceland|ísland",
    "FR": "france|frankreich|francia|frankrijk",
    "ES": "spain|españa|spanien|espagne|spagna|spanje",
    "IT": "italy|italia|italien|italie|italië",
    "PT": "portugal|portogallo",
    "NL": "netherlands|the netherlands|nederland|niederlande|pays-bas",
    "BE": "belgium|belgique|belgië|belgien",
    "CA": "canada|kanada",
    "AU": "australia|australien",
    "NZ": "new zealand|aotearoa new zealand",
    "JP": "japan|日本|japon",
    "IL": "israel|ישראל",
    "IN": "india|भारत",
    "CZ": "czech republic|česko|czechia|česká republika",
    "SK": "slovakia|slovensko|slovak republic",
    "HU": "hungary|magyarország|ungarn",
    "RO": "romania|românia",
    "BG": "bulgaria|българия",
    "GR": "greece|ελλάδα|griechenland|hellas",
    "HR": "croatia|hrvatska|kroatien",
    "SI": "slovenia|slovenija",
    "RS": "serbia|srbija",
    "TR": "turkey|türkiye|turkei",
    "UA": "ukraine|україна",
    "RU": "russia|россия",
    "EE": "estonia|eesti",
    "LV": "latvia|latvija",
    "LT": "lithuania|lietuva",
    "MT": "malta",
    "CY": "cyprus|κύπρος",
    "MX": "mexico|méxico",
    "BR": "brazil|brasil",
    "AR": "argentina",
    "CL": "chile",
    "CO": "colombia",
    "PE": "peru|perú",
    "UY": "uruguay",
    "CR": "costa rica",
    "ZA": "south africa",
    "AE": "united arab emirates|uae|u.a.e.",
    "SA": "saudi arabia",
    "QA": "qatar",
    "EG": "egypt",
    "MA": "morocco|maroc",
    "KE": "kenya",
    "NG": "nigeria",
    "PK": "pakistan",
    "LK": "sri lanka",
    "SG": "singapore",
    "HK": "hong kong|香港",
    "TW": "taiwan|台灣|臺灣",
    "CN": "china|中国",
    "KR": "south korea|korea|대한민국",
    "TH": "thailand|ประเทศไทย",
    "MY": "malaysia",
    "ID": "indonesia",
    "PH": "philippines",
    "VN": "vietnam|việt nam",
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

#: top-level domains that stand for a country; those sold to all the world (.co, .io, .me, .tv) do not
_TLD_COUNTRY = {
    **{
        code.lower(): code
        for code in (
            *("IE", "DE", "AT", "CH", "LI", "LU", "PL", "SE", "NO", "DK", "FI", "IS", "FR", "ES"),
            *("IT", "PT", "NL", "BE", "CA", "AU", "NZ", "JP", "IL", "IN", "CZ", "SK", "HU", "RO"),
            *("BG", "GR", "HR", "SI", "RS", "TR", "UA", "RU", "EE", "LV", "LT", "MT", "CY", "MX"),
            *("BR", "AR", "CL", "PE", "UY", "CR", "ZA", "AE", "SA", "QA", "EG", "MA", "KE", "NG"),
            *("PK", "LK", "SG", "HK", "TW", "CN", "KR", "TH", "MY", "ID", "PH", "VN"),
        )
    },
    "uk": "GB",
    "us": "US",
    "gov": "US",
    "wales": "GB",
    "scot": "GB",
    "berlin": "DE",
    "hamburg": "DE",
    "koeln": "DE",
    "wien": "AT",
    "tirol": "AT",
    "swiss": "CH",
    "zuerich": "CH",
    "paris": "FR",
    "bzh": "FR",
    "cat": "ES",
    "gal": "ES",
    "amsterdam": "NL",
    "frl": "NL",
    "brussels": "BE",
    "vlaanderen": "BE",
    "quebec": "CA",
    "sydney": "AU",
    "melbourne": "AU",
    "tokyo": "JP",
    "kiwi": "NZ",
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
    "sk": "SK",
    "hu": "HU",
    "ro": "RO",
    "el": "GR",
    "bg": "BG",
    "hr": "HR",
    "sl": "SI",
    "sr": "RS",
    "tr": "TR",
    "it": "IT",
    "no": "NO",
    "nn": "NO",
    "et": "EE",
    "lv": "LV",
    "lt": "LT",
    "is": "IS",
    "ko": "KR",
    "th": "TH",
    "uk": "UA",
    "vi": "VN",
    "id": "ID",
    "ga": "IE",
    "cy": "GB",
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
    "PT": ((36.8, -9.6, 42.2, -6.1), (32.3, -17.4, 33.2, -16.2), (36.8, -31.4, 39.8, -24.9)),
    "CZ": ((48.5, 12.0, 51.1, 18.9),),
    "SK": ((47.7, 16.8, 49.7, 22.6),),
    "HU": ((45.7, 16.1, 48.6, 22.9),),
    "RO": ((43.6, 20.2, 48.3, 29.8),),
    "BG": ((41.2, 22.3, 44.3, 28.7),),
    "GR": ((34.7, 19.3, 41.8, 29.7),),
    "HR": ((42.3, 13.4, 46.6, 19.5),),
    "SI": ((45.4, 13.3, 46.9, 16.7),),
    "TR": ((35.8, 25.6, 42.2, 44.9),),
    "LU": ((49.4, 5.7, 50.2, 6.6),),
    "LI": ((47.0, 9.4, 47.3, 9.7),),
    "EE": ((57.5, 21.7, 59.9, 28.3),),
    "LV": ((55.6, 20.9, 58.1, 28.3),),
    "LT": ((53.8, 20.9, 56.5, 26.9),),
    "IS": ((63.2, -24.6, 66.6, -13.4),),
    "MX": ((14.5, -118.5, 32.8, -86.7),),
    "BR": ((-33.8, -74.1, 5.3, -34.7),),
    "AR": ((-55.2, -73.6, -21.7, -53.6),),
    "CL": ((-56.0, -75.7, -17.4, -66.4), (-27.3, -109.6, -26.9, -109.1)),
    "ZA": ((-34.9, 16.4, -22.1, 33.0),),
    "IN": ((6.7, 68.1, 35.6, 97.5),),
    "AE": ((22.6, 51.4, 26.2, 56.5),),
    "SG": ((1.1, 103.5, 1.5, 104.1),),
    "HK": ((22.1, 113.8, 22.6, 114.5),),
    "TW": ((21.8, 118.1, 26.5, 122.1),),
    "KR": ((33.0, 124.5, 38.7, 131.9),),
    "TH": ((5.6, 97.3, 20.5, 105.7),),
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
