"""Prices: amount, currency, period, qualifier and rent basis out of one text, and what is no price at all.

A price per area is not a price, `from` and `offers over` are qualifiers, `€1.2M - €1.4M` is a range (its low end).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.property.normalise.currency import find_currency
from app.property.normalise.numbers import Number, find_numbers

_PER_AREA = re.compile(
    r"(?:/|\bper\b|\bpro\b|\bje\b|\bza\b|\bpå\b)\s?(?:1\s?)?(?:m2|m²|m\^2|㎡|sqm|kvm|qm|sq\.?\s?(?:ft|"
    r"m|feet|foot|met)|square|"
    r"sqft|ft²|acre|mkw|quadratm)|\b(?:m2|m²|sqft|kvm|qm)-?preis|price[_ ]per[_ ](?:m|sq)",
    re.IGNORECASE,
)
_PERIODS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("week", re.compile(r"\bper week\b|\bp/?w\b|\bweekly\b|/\s?w(?:ee)?k\b|\bpro woche\b|\bper vecka\b", re.I)),
    (
        "month",
        re.compile(
            r"\bper (?:calendar )?month\b|\bp\.?c\.?m\b|/\s?mo(?:nth)?\b|\bmonthly\b|\bp\.?m\.(?!\w)|\bpro monat\b|"
            r"\bmonatlich\b|\bmtl\b|/\s?mon(?:at)?\b|/\s?mies|\bmiesięcznie\b|na miesiąc|/\s?mån|\bper månad\b|"
            r"\bpar mois\b|/\s?mois|\bal mes\b|/\s?mes\b|\bal mese\b|/\s?mese|\bper maand\b|月",
            re.I,
        ),
    ),
    (
        "year",
        re.compile(r"\bper (?:year|annum)\b|/\s?y(?:ea)?r\b|\byearly\b|\bp\.?a\.(?!\w)|\bpro jahr\b|/\s?rok", re.I),
    ),
    ("day", re.compile(r"\bper (?:day|night)\b|/\s?(?:day|night)\b|\bpro (?:tag|nacht)\b", re.I)),
)
_QUALIFIERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("auction", re.compile(r"\bauction\b|\bversteigerung\b|\blicytacja\b", re.I)),
    (
        "from",
        re.compile(
            r"\bfrom\b|\boffers? (?:over|above|in excess)|\bin excess of\b|\bexcess\b|\bguide\b|^\s*ab\b|\bab "
            r"€|^\s*od\b|"
            r"\bfrån\b|\bstarting\b|\bamv\b|\basking\b.*\bover\b|\d\s?\+",
            re.I,
        ),
    ),
    (
        "on application",
        re.compile(
            r"\bp\.?o\.?a\b|\bon (?:application|request)\b|\bauf anfrage\b|\bna zapytanie\b|\bcontact agent\b", re.I
        ),
    ),
)
_WARM = re.compile(r"\bwarm(?:miete)?\b|\bgesamtmiete\b|\bincl(?:uding|\.)? (?:bills|utilities)", re.I)
_COLD = re.compile(r"\bkalt(?:miete)?\b|\bnettokalt|\bnetto-kalt", re.I)
_RANGE_GAP = re.compile(r"\s*(?:-|–|—|\bto\b|\bbis\b|\bdo\b|\btill\b)\s*(?:[^\w\s]{0,2}|[A-Z]{2,3}\s?)\s*$")
#: the plausible prices of a property, sale or rent, in any currency
_LEAST, _MOST = 1.0, 5e11


@dataclass(frozen=True, slots=True)
class Price:
    """An amount in `currency` (ISO 4217 or None), per `period` (None: a sale)."""

    amount: float
    currency: str | None = None
    period: str | None = None
    qualifier: str | None = None
    basis: str | None = None


def is_per_area(text: str) -> bool:
    """True where `text` names a price per square metre, foot or acre."""
    return _PER_AREA.search(text) is not None


def find_period(text: str) -> str | None:
    """day, week, month or year, where `text` names it."""
    return next((name for name, pattern in _PERIODS if pattern.search(text)), None)


def find_qualifier(text: str) -> str | None:
    """from, on application or auction, where `text` says so."""
    return next((name for name, pattern in _QUALIFIERS if pattern.search(text)), None)


def parse_price(text: str, *, lang: str | None = None, country: str | None = None) -> Price | None:
    """The first price of `text`; None where there is none or it is one per area."""
    text = text[:300]
    clean = _PER_AREA.split(text)[0] if is_per_area(text) else text
    numbers = [n for n in find_numbers(clean, lang) if _LEAST <= n.value <= _MOST]
    if clean is not text:  # the number before "/m²" is the one per area
        numbers = numbers[:-1]
    if not numbers:
        return None
    number = _marked(numbers, clean, country) or numbers[0]
    around = clean[max(0, number.start - 60) : number.end + 40]
    near = clean[max(0, number.start - 6) : number.end + 8]
    qualifier = find_qualifier(around)
    later = [n for n in numbers if n.start > number.start]
    if later and _RANGE_GAP.search(clean[number.end : later[0].start]) and later[0].value > number.value:
        qualifier = "range"
    basis = "warm" if _WARM.search(text) else "cold" if _COLD.search(text) else None
    currency = find_currency(near, country) or find_currency(text, country)
    return Price(number.value, currency, find_period(around), qualifier, basis)


def _marked(numbers: list[Number], clean: str, country: str | None) -> Number | None:
    """The first number with a currency at its side."""
    return next((n for n in numbers if find_currency(clean[max(0, n.start - 5) : n.end + 5], country)), None)
