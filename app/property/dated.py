"""Values that have a time: which sale and which tax year is meant, and what is only an older state of things. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from app.property.agreement import same_value
from app.property.ranks import HALF_LIFE_DAYS, topic_of
from app.property.record import FIELDS
from app.property.source_record import SourceRecord

#: sales of one home lie further apart than the dates that offices give one sale (signed, closed, recorded)
_ONE_SALE = timedelta(days=120)
#: a sum that two deeds have by chance: gifts and transfers within a family are booked with 1, 10 or 100
_NOMINAL = 1000
#: what changes by the month: a page that is so much older says what was
OUTDATED = timedelta(days=30)
_CHANGES_BY_THE_MONTH_DAYS = 100.0
#: of a history's rows, when they are of and what they say
_WHEN, _WHAT = ("date", "year"), ("price", "assessed", "market", "tax")


def day_of(value: Any) -> date | None:
    """The day of an ISO date; of a month or a year its first."""
    parts = str(value).split("T")[0].split("-")
    try:
        year, month, day = (int(part) for part in (*parts, "1", "1")[:3])
        return date(year, month, day)
    except ValueError:
        return None


def of_newest_sale(records: Sequence[SourceRecord], newest: datetime) -> list[SourceRecord]:
    """Those whose CloseDate is of the last sale; one after the newest page was read is no sale."""
    dated = [(day, record) for record in records if (day := day_of(record.values["CloseDate"])) is not None]
    possible = [(day, record) for day, record in dated if day <= (newest + timedelta(days=1)).date()]
    if not possible:
        return list(records)
    day, last = max(possible, key=lambda pair: (pair[0], pair[1].url))
    return [record for other, record in possible if abs(other - day) <= _ONE_SALE or is_one_price(record, last)]


def is_one_sale(one: SourceRecord, other: SourceRecord) -> bool:
    """Both dates are of one sale, as far as dates tell."""
    a, b = day_of(one.values["CloseDate"]), day_of(other.values["CloseDate"])
    return a is not None and b is not None and abs(a - b) <= _ONE_SALE


def is_one_price(one: SourceRecord, other: SourceRecord) -> bool:
    """Both name the same price, and one that is no token."""
    prices = [record.values.get("ClosePrice") for record in (one, other)]
    return all(price is not None and price > _NOMINAL for price in prices) and same_value("ClosePrice", one, other)


def of_newest_year(records: Sequence[SourceRecord], newest: datetime) -> list[SourceRecord]:
    """Those of the newest tax year that can be."""
    possible = [record for record in records if 1950 <= record.values["TaxYear"] <= newest.year + 1]
    if not possible:
        return list(records)
    year = max(record.values["TaxYear"] for record in possible)
    return [record for record in possible if record.values["TaxYear"] == year]


def is_outdated(name: str, winner: SourceRecord, other: SourceRecord) -> bool:
    """The other page is so much older that what it says of this field has had the time to change, or the winner's own
    history says that it was so before."""
    if HALF_LIFE_DAYS[topic_of(name)] < _CHANGES_BY_THE_MONTH_DAYS and winner.as_of - other.as_of > OUTDATED:
        return True
    if name != "ListPrice" or other.as_of > winner.as_of or same_value(name, winner, other):
        return False
    before = [row.get("price") for row in winner.values.get("X_PriceHistory", ())]
    return other.values[name] in (*before, winner.values.get("OriginalListPrice"))


def current(name: str, records: Sequence[SourceRecord]) -> list[SourceRecord]:
    """Those that no other one makes outdated; all if each does (they cannot all be right)."""
    found = [one for one in records if not any(is_outdated(name, other, one) for other in records)]
    return found or list(records)


def is_compatible(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Two histories: true where no row of the one denies one of the other; each may know rows that the other lacks."""
    known = {(name, row[name]): row for row in one for name in _WHEN if row.get(name)}
    for row in other:
        for name in _WHEN:
            mine = known.get((name, row.get(name)))
            if mine is not None and any(mine.get(w) and row.get(w) and mine[w] != row[w] for w in _WHAT):
                return False
    return True


#: fields that hold histories
HISTORIES = frozenset(name for name, spec in FIELDS.items() if spec.type == "rows")
