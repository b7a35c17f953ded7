"""Currencies: ISO 4217 codes from codes, symbols and, where a symbol is shared, the country."""

from __future__ import annotations

import re

#: ISO 4217 by country, for the countries whose `$`, `kr` or `£` would be ambiguous, and as a default.
COUNTRY_CURRENCY: dict[str, str] = {
    "US": "USD", "CA": "CAD", "AU": "AUD", "NZ": "NZD", "SG": "SGD", "HK": "HKD", "MX": "MXN", "AR": "ARS",
    "CL": "CLP", "CO": "COP", "TW": "TWD", "GB": "GBP", "IE": "EUR", "DE": "EUR", "AT": "EUR", "FR": "EUR",
    "ES": "EUR", "IT": "EUR", "NL": "EUR", "BE": "EUR", "PT": "EUR", "FI": "EUR", "GR": "EUR", "LU": "EUR",
    "SE": "SEK", "NO": "NOK", "DK": "DKK", "IS": "ISK", "PL": "PLN", "CZ": "CZK", "HU": "HUF", "RO": "RON",
    "CH": "CHF", "JP": "JPY", "CN": "CNY", "KR": "KRW", "IN": "INR", "IL": "ILS", "TR": "TRY", "UA": "UAH",
    "RU": "RUB", "BR": "BRL", "ZA": "ZAR", "AE": "AED", "TH": "THB", "PH": "PHP", "MY": "MYR", "BG": "EUR",
}  # fmt: skip

_CODES = sorted({*COUNTRY_CURRENCY.values(), "BGN", "SAR", "QAR", "VND", "IDR", "KES", "NGN", "EGP", "PKR"})
_SYMBOLS: dict[str, str] = {
    "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "NZ$": "NZD", "S$": "SGD", "HK$": "HKD",
    "R$": "BRL", "€": "EUR", "£": "GBP", "zł": "PLN", "zl": "PLN", "Kč": "CZK", "Ft": "HUF", "₪": "ILS", "₹": "INR",
    "円": "JPY", "元": "CNY", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₽": "RUB", "Fr.": "CHF", "SFr": "CHF", "฿": "THB",
    "euro": "EUR", "lei": "RON", "₱": "PHP", "Rs": "INR",
}  # fmt: skip
#: symbols that several currencies share: the country decides among these, the first is the default
_SHARED: dict[str, tuple[str, ...]] = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "¥": ("JPY", "CNY"),
}
_BEFORE = r"(?<![A-Za-z])"
_PATTERN = re.compile(
    "|".join(
        [rf"(?<![A-Z]){c}(?![A-Za-z])" for c in _CODES]
        + [
            (_BEFORE if s[0].isalpha() else "") + re.escape(s) + ("(?![A-Za-zä-ž])" if s[-1].isalpha() else "")
            for s in sorted([*_SYMBOLS, *_SHARED], key=len, reverse=True)
        ]
    ),
    re.IGNORECASE,
)
_LOOKUP = {k.lower(): v for k, v in _SYMBOLS.items()}


def find_currency(text: str, country: str | None = None) -> str | None:
    """ISO 4217 of the first currency that `text` names; a shared symbol is read as `country`'s where it may be."""
    match = _PATTERN.search(text)
    if match is None:
        return None
    found = match.group().lower()
    if found.upper() in _CODES:
        return found.upper()
    if found in _LOOKUP:
        return _LOOKUP[found]
    shared = _SHARED[found]
    local = COUNTRY_CURRENCY.get(country or "")
    return local if local in shared else shared[0]


def valid_code(text: str) -> str | None:
    """`text` as an ISO 4217 code that we know, or None."""
    code = text.strip().upper()
    return code if code in _CODES else None
