"""Parse prices, rents, taxes, fees, estimates, currencies, and periods from raw texts and JSON values."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from app.property.fields.phrases import pattern
from app.property.fields.table import CURRENCY, FIELDS
from app.property.reading.base import Reading, Value, text_of
from app.property.reading.document import Locale
from app.property.reading.other_subjects import is_monthly
from app.property.record import Method
from app.property.values import currency, numbers, prices, vocabulary

_LEAST_PRICE = (FIELDS["ListPrice"].range or (0, 0))[0]
_RENT_LABEL = pattern("prices", "rents")
_YEAR_BESIDE = re.compile(r"(?<![\d,.$])((?:19|20)\d\d)(?![\d,.])")
_RANGE_GAP = re.compile(r"\s*(?:[-–—]|\bto\b)\s*(?=[$€£]?\s?\d)")
#: Matches numeric dates, which are removed before an amount is parsed.
_DAY = re.compile(r"(?<![\d/-])\d{1,2}([/-])\d{1,2}\1(?:\d{4}|\d\d)(?![\d/-])")
#: Splits a text after its first word, such as `yes` or `no`.
FIRST_WORD = re.compile(r"[\s,;:.(/–—-]+")


def _money(reading: Reading, locale: Locale) -> prices.Price | None:
    if prices.is_per_area(reading.label):
        return None
    if isinstance(reading.raw, int | float) and not isinstance(reading.raw, bool):
        return prices.Price(float(reading.raw)) if 0 < reading.raw < 5e11 else None
    return prices.parse_price(_DAY.sub(" ", text_of(reading.raw)), lang=locale.lang, country=locale.country)


def _list_price(reading: Reading, locale: Locale) -> Iterator[Value]:
    price = _money(reading, locale)
    if price is None:
        qualifier = prices.find_qualifier(text_of(reading.raw))
        if qualifier in ("on application", "auction"):
            yield "X_PriceQualifier", qualifier, None
            yield "StandardStatus", "Active", None
        return
    if price.amount < _LEAST_PRICE:
        return
    yield "ListPrice", numbers.tidy(price.amount), price.currency
    yield CURRENCY, price.currency or currency.find_currency(reading.label, locale.country), None
    yield "X_PricePeriod", price.period or prices.find_period(reading.label), None
    yield "X_PriceQualifier", price.qualifier, None
    if reading.method is Method.LABEL and _RENT_LABEL.search(reading.label):
        yield "PropertyType", "Residential Lease", None
    label = reading.label.casefold()
    is_cold, is_warm = re.search("kalt|netto|kale", label), re.search("warm|gesamt|brutto", label)
    basis = "cold" if is_cold else "warm" if is_warm else price.basis
    yield "X_RentBasis", basis, None


def _warm_rent(reading: Reading, locale: Locale) -> Iterator[Value]:
    for name, value, unit in _list_price(reading, locale):
        if name != "X_RentBasis":
            yield name, value, unit
    yield "X_RentBasis", "warm", None


#: Matches a year, a colon, and an amount: `2024: $1,618 (assessed $121,300)`.
_YEAR_AND_AMOUNT = re.compile(r"^(?:19|20)\d\d:\s+(?P<amount>[$€£]\s?\d[\d,]*(?:\.\d\d)?)")
#: Matches a text that begins with a year and an amount, such as a row of a tax history.
_YEAR_FIRST = re.compile(r"^(?:19|20)\d\d\s+(?:[$€£]|\d{1,3}(?:,\d{3})+)")


def _amount(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    if (row := _YEAR_AND_AMOUNT.match(text)) is not None:
        reading = replace(reading, raw=row["amount"])
    price = _money(reading, locale)
    if price is None or price.amount <= 0 or re.search(r"\d\s?%", text) or _YEAR_FIRST.match(text):
        return
    if is_monthly(reading.field, text):
        return
    yield reading.field, numbers.tidy(price.amount), price.currency
    beside = _YEAR_BESIDE.findall(text) if reading.field == "TaxAnnualAmount" else []
    if len(beside) == 1 and float(beside[0]) != price.amount:
        yield "TaxYear", int(beside[0]), None


def _estimate_range(reading: Reading, locale: Locale) -> Iterator[Value]:
    """Parse the range of an estimate, such as `$88,000 - $104,000`. Yield nothing for a single amount."""
    parts = _RANGE_GAP.split(text_of(reading.raw))
    stated = [prices.parse_price(part, lang=locale.lang, country=locale.country) for part in parts[:2]]
    if len(parts) == 2 and all(stated) and stated[0].amount <= stated[1].amount:  # type: ignore[union-attr]
        yield "X_EstimatedValueLow", numbers.tidy(stated[0].amount), stated[0].currency  # type: ignore[union-attr]
        yield "X_EstimatedValueHigh", numbers.tidy(stated[1].amount), stated[1].currency  # type: ignore[union-attr]


def _association_fee(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    answer = vocabulary.yes_no(FIRST_WORD.split(text, maxsplit=1)[0])
    if answer is not None and not isinstance(reading.raw, int | float):
        yield "AssociationYN", answer, None
        if answer is False or not any(c.isdigit() for c in text):
            return
    if currency.find_currency(text, locale.country) is None and len(numbers.find_numbers(text)) > 1:
        return  # the text may be the association's address or phone number
    monthly = next((part for part in re.split(r"[()]", text)[1:] if prices.find_period(part) == "month"), reading.raw)
    for name, value, unit in _amount(replace(reading, raw=monthly), locale):
        yield name, value, unit
        yield "AssociationYN", True, None


def _currency(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    yield (
        reading.field,
        currency.valid_code(text) or (currency.find_currency(text, locale.country) if len(text) < 5 else None),
        None,
    )


def _period(reading: Reading, _locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    yield reading.field, prices.find_period(text) or prices.find_period(f"per {text}"), None


MONEY: dict[str, Callable[[Reading, Locale], Iterator[Value]]] = {
    **{"money": _amount, "asked": _list_price, "_RentWarm": _warm_rent, "fee": _association_fee},
    **{"_EstimateRange": _estimate_range, "currency": _currency, "period": _period},
}
