"""Parse prices: amount, currency, period, qualifier, and whether a rent includes heating."""

import re
from dataclasses import dataclass

from app.property.fields.phrases import alternatives, by_key, first_of, pattern
from app.property.values.areas import IN_SQUARE_METERS
from app.property.values.currency import find_currency, without_currency
from app.property.values.numbers import find_numbers

_UNITS = "|".join(alternatives("units", unit, whole=False) for unit in IN_SQUARE_METERS)
_PER_AREA = re.compile(
    rf"(?:/|{alternatives('prices', 'per')})\s?(?:1\s?)?(?:{_UNITS}|square|sq\.?\s?[my]|坪)|"
    rf"{alternatives('prices', 'per_area')}",
    re.IGNORECASE,
)
_PERIODS = by_key("price_periods", "week", "month", "year", "day")
_QUALIFIERS = by_key("price_qualifiers", "auction", "from", "on application")
_WARM, _COLD = pattern("prices", "with_heating"), pattern("prices", "without_heating")
_RANGE_GAP = re.compile(
    r"\s*(?:-|–|—|\bto\b|\bbis\b|\bdo\b|\btill\b|\bà\b|\ba\b|\btot\b|\btil\b|~|～|〜)\s*(?:[^\w\s]{0,2}|"
    r"[A-Z]{2,3}\s?)\s*$"
)
#: Minimum and maximum plausible price or rent of a property, in any currency.
_LEAST, _MOST = 1.0, 5e11


@dataclass(frozen=True, slots=True)
class Price:
    """A price in `currency` (ISO 4217), for rents per `period`. `basis` is "warm" (with heating) or "cold"."""

    amount: float
    currency: str | None = None
    period: str | None = None
    qualifier: str | None = None
    basis: str | None = None


def is_per_area(text: str) -> bool:
    return _PER_AREA.search(text) is not None


def find_period(text: str) -> str | None:
    """Return the price period in `text` ("day", "week", "month", or "year"), or None."""
    return first_of(_PERIODS, text)


def find_qualifier(text: str) -> str | None:
    """Return the price qualifier in `text` ("from", "on application", or "auction"), or None."""
    return first_of(_QUALIFIERS, text)


def parse_price(text: str, *, lang: str | None = None, country: str | None = None) -> Price | None:
    """Return the first price with a currency, or else the first price, or None. Ignore prices per area."""
    text = text[:300]
    per_area = _PER_AREA.search(text)
    clean = text[: per_area.start()] if per_area else text
    numbers = [n for n in find_numbers(clean, lang) if _LEAST <= n.value <= _MOST]
    if per_area and not text.startswith(":", per_area.end()):
        numbers = numbers[:-1]
    if not numbers:
        return None
    marked = (n for n in numbers if find_currency(clean[max(0, n.start - 5) : n.end + 5], country))
    number = next(marked, numbers[0])
    around = clean[max(0, number.start - 60) : number.end + 40]
    near = clean[max(0, number.start - 6) : number.end + 8]
    qualifier = find_qualifier(around)
    later = [n for n in numbers if n.start > number.start]
    if later and _RANGE_GAP.search(clean[number.end : later[0].start]) and later[0].value > number.value:
        qualifier = "range"
    basis = "warm" if _WARM.search(text) else "cold" if _COLD.search(text) else None
    currency = find_currency(near, country) or find_currency(text, country)
    return Price(number.value, currency, find_period(around), qualifier, basis)


_BESIDE = re.compile(
    rf"(?:\b(?:{alternatives('prices', 'beside')})(?![^\W\d_])|[/／*+:.,;()\[\]|~–—-]|円|元|月|起|\s)+", re.IGNORECASE
)


def stands_alone(text: str, *, lang: str | None = None, country: str | None = None) -> bool:
    """Return whether `text` contains nothing but a price or a price range, and words in `_BESIDE`."""
    if len(text) > 60:
        return False
    bare = without_currency(text, country)  # most texts contain no price, so try this fast check first
    if bare == text and not any(c in "万萬億亿만억" for c in text):
        return False
    if is_per_area(text) or parse_price(text, lang=lang, country=country) is None:
        return False
    numbers = [n for n in find_numbers(bare, lang) if n.value >= _LEAST]
    if len(numbers) == 2 and _RANGE_GAP.search(bare[numbers[0].end : numbers[1].start]):
        if numbers[1].value <= numbers[0].value:
            return False
        bare = without_currency(bare, country)  # the second amount of a range may have a currency too
        numbers = [n for n in find_numbers(bare, lang) if n.value >= _LEAST]
        rest = f"{bare[: numbers[0].start]} {bare[numbers[-1].end :]}"
    elif len(numbers) == 1:
        rest = f"{bare[: numbers[0].start]} {bare[numbers[0].end :]}"
    else:
        return False
    return not _BESIDE.sub("", rest)
