"""Currencies: ISO 4217 codes from codes, symbols and, where a symbol is shared, the country."""

from __future__ import annotations

import re

from app.property.fields.countries import COUNTRIES

#: by ISO 3166-1 alpha-2: what a `$`, `kr` or `£` means there, and what prices without a sign are in
COUNTRY_CURRENCY = {code: country.currency for code, country in COUNTRIES.items()}
_CODES = sorted({*COUNTRY_CURRENCY.values(), "BGN", "KWD", "BHD", "OMR", "JOD", "GEL", "DOP"})
_SYMBOLS: dict[str, str] = {
    "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "NZ$": "NZD", "S$": "SGD", "HK$": "HKD",
    "R$": "BRL", "€": "EUR", "£": "GBP", "zł": "PLN", "zl": "PLN", "Kč": "CZK", "₪": "ILS", "₹": "INR",
    "円": "JPY", "원": "KRW", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₽": "RUB", "SFr": "CHF", "฿": "THB",
    "euro": "EUR", "euros": "EUR", "ευρώ": "EUR", "₱": "PHP", "Rs": "INR", "NT$": "TWD", "MX$": "MXN", "AR$": "ARS",
    "M.N.": "MXN", "Dhs": "AED", "₫": "VND", "₦": "NGN", "₸": "KZT", "тенге": "KZT", "тг": "KZT", "грн": "UAH",
    "руб": "RUB", "рублей": "RUB", "рубля": "RUB",
}  # fmt: skip
#: symbols that several currencies share: the country decides among these, the first is the default
_SHARED: dict[str, tuple[str, ...]] = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "¥": ("JPY", "CNY"),
    "元": ("CNY", "TWD", "HKD"),
}
#: letters that mean a currency only where the country uses them as one, and something else (ft, rm) elsewhere
_LOCAL: dict[str, tuple[str, re.Pattern[str]]] = {
    "ZA": ("ZAR", re.compile(r"(?<![A-Za-z])R(?=\s?\d)")),
    "MX": ("MXN", re.compile(r"(?<![A-Za-z])MN(?![A-Za-z])")),
    "PE": ("PEN", re.compile(r"(?<![A-Za-z])S/(?=\.?\s?\d)")),
    "CH": ("CHF", re.compile(r"(?<![A-Za-z])Fr\.?(?=\s?\d)")),
    "LI": ("CHF", re.compile(r"(?<![A-Za-z])Fr\.?(?=\s?\d)")),
    "HU": ("HUF", re.compile(r"(?<![A-Za-z])Ft(?![A-Za-z])")),
    "RO": ("RON", re.compile(r"(?<![A-Za-z])lei(?![A-Za-z])", re.IGNORECASE)),
    "TR": ("TRY", re.compile(r"(?<![A-Za-z])TL(?![A-Za-z])")),
    "MY": ("MYR", re.compile(r"(?<![A-Za-z])RM(?=\s?\d)")),
    "ID": ("IDR", re.compile(r"(?<![A-Za-z])Rp(?=\.?\s?\d)")),
    "KE": ("KES", re.compile(r"(?<![A-Za-z])KSh(?![A-Za-z])", re.IGNORECASE)),
}
_BEFORE = r"(?<![A-Za-zЀ-ӿ])"
_PATTERN = re.compile(
    "|".join(
        [rf"(?<![A-Z]){c}(?![A-Za-z])" for c in _CODES]
        + [
            (_BEFORE if s[0].isalpha() else "") + re.escape(s) + ("(?![A-Za-zä-žЀ-ӿ])" if s[-1].isalpha() else "")
            for s in sorted([*_SYMBOLS, *_SHARED], key=len, reverse=True)
        ]
    ),
    re.IGNORECASE,
)
_LOOKUP = {k.lower(): v for k, v in _SYMBOLS.items()}


_LETTERS = re.compile(r"[a-zß-ž]+")
_WORDS = frozenset({*(c.lower() for c in _CODES), *(s.lower() for s in (*_SYMBOLS, *_SHARED)), "m"})
_SIGNS = frozenset(s[-1] for s in (*_SYMBOLS, *_SHARED) if not s[-1].isalpha() or s[-1] > "\u02ff") - {"."}


def _may_name(text: str) -> bool:
    """Quick and generous: false for most texts that name no currency."""
    lowered = text.lower()
    return not _SIGNS.isdisjoint(lowered) or not _WORDS.isdisjoint(_LETTERS.findall(lowered))


def find_currency(text: str, country: str | None = None) -> str | None:
    """ISO 4217 of the first currency that `text` names; a shared symbol is read as `country`'s where it may be."""
    match = _PATTERN.search(text) if _may_name(text) else None
    local = _LOCAL.get(country or "")
    if local is not None and (own := local[1].search(text)) and (match is None or own.start() < match.start()):
        return local[0]
    if match is None:
        return None
    found = match.group().lower()
    if found.upper() in _CODES:
        return found.upper()
    if found in _LOOKUP:
        return _LOOKUP[found]
    shared = _SHARED[found]
    likely = COUNTRY_CURRENCY.get(country or "")
    return likely if likely in shared else shared[0]


def without_currency(text: str, country: str | None = None) -> str:
    """`text` with the first currency that it names blanked."""
    local = _LOCAL.get(country or "")
    match = (local[1].search(text) if local else None) or (_PATTERN.search(text) if _may_name(text) else None)
    return f"{text[: match.start()]} {text[match.end() :]}" if match else text


def valid_code(text: str) -> str | None:
    """`text` as an ISO 4217 code that we know, or None."""
    code = text.strip().upper()
    return code if code in _CODES else None
