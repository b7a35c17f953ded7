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
    "KZ": "kazakhstan|kazahstan|казахстан|қазақстан",
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

#: top-level domains that stand for a country; those sold to all the world (.co, .io, .me, .tv) do not
_TLD_COUNTRY = {
    **{
        code.lower(): code
        for code in (
            *("IE", "DE", "AT", "CH", "LI", "LU", "PL", "SE", "NO", "DK", "FI", "IS", "FR", "ES"),
            *("IT", "PT", "NL", "BE", "CA", "AU", "NZ", "JP", "IL", "IN", "CZ", "SK", "HU", "RO"),
            *("BG", "GR", "HR", "SI", "RS", "TR", "UA", "RU", "EE", "LV", "LT", "MT", "CY", "MX"),
            *("BR", "AR", "CL", "PE", "UY", "CR", "ZA", "AE", "SA", "QA", "EG", "MA", "KE", "NG"),
            *("PK", "LK", "SG", "HK", "TW", "CN", "KR", "TH", "MY", "ID", "PH", "VN", "KZ"),
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


def country_code(text: str) -> str | None:
    """ISO 3166-1 alpha-2 of a country's code or name, or None."""
    word = re.sub(r"\s+", " ", text.strip().lower())
    if len(word) == 2 and word.upper() in _COUNTRY_NAMES:
        return word.upper()
    return _BY_NAME.get(word)


def country_name(code: str) -> str:
    """The English name of a country given by its code: `DE` -> `germany`."""
    return _COUNTRY_NAMES[code].partition("|")[0]


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


#: (language, sign of money on the page): the country that is meant, where no host and no postal code says it
_MONEY_COUNTRY = {
    ("es", "€"): "ES",
    ("fr", "€"): "FR",
    ("nl", "€"): "NL",
    ("pt", "€"): "PT",
    ("pt", "R$"): "BR",
    ("fr", "CHF"): "CH",
    ("de", "CHF"): "CH",
    ("it", "CHF"): "CH",
    ("en", "₹"): "IN",
    ("en", "AED"): "AE",
}


def country_of_money(lang: str | None, text: str) -> str | None:
    """The country whose language and money `text` has."""
    return next((c for (code, sign), c in _MONEY_COUNTRY.items() if code == lang and sign in text), None)
