"""Find currencies by code or symbol. The country determines which currency a symbol such as `$` means."""

import re

from app.property.fields.countries import COUNTRIES, CURRENCIES, CURRENCY_SIGNS, SHARED_SIGNS

#: Matches a currency sign and the first digit of the amount after the sign.
AMOUNT = re.compile(r"[$€£]\s?\d")
COUNTRY_CURRENCY = {code: country.currency for code, country in COUNTRIES.items()}
_CODES = sorted(CURRENCIES)
_LOCAL = {
    code: (country.currency, re.compile(rf"(?<![A-Za-z]){country.currency_sign}"))
    for code, country in COUNTRIES.items()
    if country.currency_sign is not None
}
_BEFORE = r"(?<![A-Za-zЀ-ӿ])"
_PATTERN = re.compile(
    "|".join(
        [rf"(?<![A-Z]){c}(?![A-Za-z])" for c in _CODES]
        + [
            (_BEFORE if s[0].isalpha() else "") + re.escape(s) + ("(?![A-Za-zä-žЀ-ӿ])" if s[-1].isalpha() else "")
            for s in sorted([*CURRENCY_SIGNS, *SHARED_SIGNS], key=len, reverse=True)
        ]
    ),
    re.IGNORECASE,
)
_LOOKUP = {k.lower(): v for k, v in CURRENCY_SIGNS.items()}


_LETTERS = re.compile(r"[a-zß-ž]+")
_WORDS = frozenset({*(c.lower() for c in _CODES), *(s.lower() for s in (*CURRENCY_SIGNS, *SHARED_SIGNS)), "m"})
_SIGNS = frozenset(s[-1] for s in (*CURRENCY_SIGNS, *SHARED_SIGNS) if not s[-1].isalpha() or s[-1] > "\u02ff") - {"."}


def _may_name(text: str) -> bool:
    """Return whether `text` may contain a currency. This check is faster than `_PATTERN`."""
    lowered = text.lower()
    return not _SIGNS.isdisjoint(lowered) or not _WORDS.isdisjoint(_LETTERS.findall(lowered))


def find_currency(text: str, country: str | None = None) -> str | None:
    """Return the ISO 4217 code of the first currency in `text`, or None.

    A sign that several currencies share, such as `$`, means the currency of `country` if that country uses the sign.
    """
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
    shared = SHARED_SIGNS[found]
    likely = COUNTRY_CURRENCY.get(country or "")
    return likely if likely in shared else shared[0]


def without_currency(text: str, country: str | None = None) -> str:
    """Replace the first currency in `text` by a space."""
    local = _LOCAL.get(country or "")
    match = (local[1].search(text) if local else None) or (_PATTERN.search(text) if _may_name(text) else None)
    return f"{text[: match.start()]} {text[match.end() :]}" if match else text


def valid_code(text: str) -> str | None:
    code = text.strip().upper()
    return code if code in _CODES else None
