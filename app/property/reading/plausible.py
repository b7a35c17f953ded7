"""Check that a property's sizes, prices, years, and taxes are in plausible ranges and fit each other."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from app.property.fields.phrases import by_key
from app.property.fields.table import FIELDS, of_kind
from app.property.reading.document import Document
from app.property.values import areas


class Verdict(StrEnum):
    STRONG = "strong"
    PLAUSIBLE = "plausible"
    FAILED = "failed"


Finding = tuple[str, Verdict]  # field, verdict
Values = Mapping[str, Any]
Check = Callable[[Values, Document], Iterator[Finding]]


def verdicts(names: tuple[str, ...], good: bool, verdict: Verdict) -> Iterator[Finding]:
    """Yield a finding for each of `names`: `verdict` if the check passed (`good`), else a failure."""
    yield from ((name, verdict if good else Verdict.FAILED) for name in names)


#: The minimum and maximum square meters of living area per bedroom, and per room.
_PER_BEDROOM, _PER_ROOM = (8.0, 250.0), (6.0, 120.0)


def _sizes(values: Values, _page: Document) -> Iterator[Finding]:
    living = areas.square_meters(values, "LivingArea")
    beds, rooms, baths = (values.get(n) for n in ("BedroomsTotal", "RoomsTotal", "BathroomsTotalInteger"))
    if living and beds:
        yield from _within(("LivingArea", "BedroomsTotal"), living / beds, _PER_BEDROOM)
    if living and rooms:
        yield from _within(("LivingArea", "RoomsTotal"), living / rooms, _PER_ROOM)
    if beds and rooms:
        yield from verdicts(("BedroomsTotal", "RoomsTotal"), beds <= rooms, Verdict.PLAUSIBLE)
    if baths and (most := beds or rooms):
        yield from verdicts(("BathroomsTotalInteger",), baths <= most + 4, Verdict.PLAUSIBLE)
    plot = areas.square_meters(values, "LotSizeArea")
    if plot and living and plot >= 0.3 * living:
        yield "LotSizeArea", Verdict.PLAUSIBLE


def _within(names: tuple[str, ...], value: float, limits: tuple[float, float]) -> Iterator[Finding]:
    yield from verdicts(names, limits[0] <= value <= limits[1], Verdict.PLAUSIBLE)


def _offer(values: Values, _page: Document) -> Iterator[Finding]:
    price, status, kind = (values.get(n) for n in ("ListPrice", "StandardStatus", "PropertyType"))
    if price and status in ("Active", "Pending", "Coming Soon", "Active Under Contract"):
        yield "StandardStatus", Verdict.PLAUSIBLE
        leased, period = "Lease" in str(kind), values.get("X_PricePeriod") is not None
        if kind in ("Residential", "Residential Lease") and leased == period:
            yield from verdicts(("PropertyType", "StandardStatus"), True, Verdict.PLAUSIBLE)
    homely = any(values.get(n) for n in ("BedroomsTotal", "RoomsTotal", "LivingArea"))
    if kind == "Land" or values.get("PropertySubType") == "Unimproved Land":
        yield from verdicts(("PropertySubType",), not homely, Verdict.PLAUSIBLE)
    elif homely:
        yield "PropertySubType", Verdict.PLAUSIBLE


_TRADE = by_key("materials", *of_kind("features"))


def _words(values: Values, _page: Document) -> Iterator[Finding]:
    for name, words in _TRADE.items():
        if values.get(name) and all(words.search(str(item)) for item in values[name]):
            yield name, Verdict.PLAUSIBLE
    if 1 <= (values.get("StoriesTotal") or 0) <= 60:
        yield "StoriesTotal", Verdict.PLAUSIBLE
    if sum(c.isdigit() for c in str(values.get("ParcelNumber", ""))) >= 6:
        yield "ParcelNumber", Verdict.PLAUSIBLE


def _years(values: Values, page: Document) -> Iterator[Finding]:
    today = page.page.fetched_at.year
    built, sold, taxed = values.get("YearBuilt"), values.get("CloseDate"), values.get("TaxYear")
    if built and _is_usual("YearBuilt", built, today):
        yield "YearBuilt", Verdict.PLAUSIBLE
    if sold and sold[:4].isdigit():
        year = int(sold[:4])
        if not 1900 <= year <= today:
            yield "CloseDate", Verdict.FAILED
        else:
            yield from verdicts(("CloseDate",), True, Verdict.PLAUSIBLE)
            if built and year >= built - 1:
                yield "YearBuilt", Verdict.PLAUSIBLE
    if taxed:
        yield from verdicts(("TaxYear",), _is_usual("TaxYear", taxed, today), Verdict.PLAUSIBLE)


def _is_usual(field: str, year: int, today: int) -> bool:
    spec = FIELDS[field]
    return spec.usual is not None and spec.usual[0] <= year <= today + (spec.years_ahead or 0)


#: The minimum and maximum yearly property tax, as a share of the property's value.
_TAX_SHARE = (0.0005, 0.12)


def _taxes(values: Values, _page: Document) -> Iterator[Finding]:
    assessed, market, tax = (values.get(n) for n in ("TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount"))
    if assessed and market:
        yield from verdicts(("TaxAssessedValue", "X_MarketValue"), assessed <= 1.05 * market, Verdict.PLAUSIBLE)
    if tax and (value := assessed or market or values.get("ListPrice")):
        yield from _within(("TaxAnnualAmount",), tax / value, _TAX_SHARE)
    if (assessed or market) and values.get("TaxYear"):
        yield from verdicts(("TaxAssessedValue", "X_MarketValue", "TaxYear"), True, Verdict.PLAUSIBLE)
    if values.get("ParcelNumber") and (assessed or market or tax):
        yield "ParcelNumber", Verdict.PLAUSIBLE
    if values.get("AssociationFee") and values.get("AssociationYN"):
        yield from verdicts(("AssociationFee", "AssociationYN"), True, Verdict.PLAUSIBLE)
    if values.get("ClosePrice") and values.get("CloseDate"):
        yield from verdicts(("ClosePrice", "CloseDate"), True, Verdict.PLAUSIBLE)


CHECKS: tuple[Check, ...] = (_sizes, _offer, _words, _years, _taxes)
