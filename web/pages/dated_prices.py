"""The price history of a property: asking prices and sale prices from all its sources."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.property.fields.table import FIELDS, FOLLOWERS, of_kind
from app.property.merging.dated_values import day_of
from app.property.storage.properties.tables import SourceRow
from app.property.values.numbers import tidy

#: Matches completed sales, but not offers (`for sale`) or pending, agreed, or failed sales.
_SOLD = re.compile(
    r"\b(?:sold|closed|closing|deed|transfer(?:red)?)\b(?! (?:agreed|price change))|"
    r"(?<!for )(?<!on )\bsale\b(?! (?:pending|agreed|fell|failed|cancel))",
    re.IGNORECASE,
)
#: The fields that contain price histories, and the (date, price) pairs of fields that state a sale.
_HISTORIES = [name for spec in FIELDS.values() for name in spec.before if FIELDS[name].kind == "rows"]
_SALES = [(lead, name) for lead in of_kind("date") for name in FOLLOWERS.get(lead, ())]
#: Dates before this year are placeholders, such as 0001-01-01.
_FIRST_YEAR = 1600


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """A price on a date. `day` is the first day of `date_text`, which is a day, a month (`2005-10`), or a year."""

    day: date
    date_text: str
    price: float
    event: str
    is_sale: bool
    sources: tuple[str, ...]


def dated_prices(records: Iterable[SourceRow]) -> list[DatedPrice]:
    """Return the prices that the sources state, oldest first, without duplicates.

    Prices without a date and prices that are not numbers are left out.
    """
    found: dict[tuple[str, float, bool], tuple[date, str, list[str]]] = {}
    for one in records:
        for when, price, event, is_sale in _rows(one.record):
            day = day_of(when)
            if day is None or day.year < _FIRST_YEAR or isinstance(price, bool) or not isinstance(price, int | float):
                continue
            key = (when.split("T")[0], float(price), is_sale)
            _, _, sources = found.setdefault(key, (day, event, []))
            if one.url not in sources:
                sources.append(one.url)
    rows = [
        DatedPrice(day, when, tidy(price), event, is_sale, tuple(sources))
        for (when, price, is_sale), (day, event, sources) in found.items()
    ]
    return sorted(rows, key=lambda row: (row.day, row.is_sale, row.price))


def _rows(values: Mapping[str, Any]) -> Sequence[tuple[str, Any, str, bool]]:
    rows = [
        (str(row.get("date")), row.get("price"), str(row.get("event") or ""), bool(_SOLD.search(f"{row.get('event')}")))
        for name in _HISTORIES
        for row in values.get(name) or ()
        if isinstance(row, dict) and row.get("date")
    ]
    rows += [(str(values[on]), values[price], "Sold", True) for on, price in _SALES if on in values and price in values]
    return rows
