"""Values that have a time: which sale and which tax year is meant, and what is only an older state of things. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from app.property.fields.table import FIELDS, FOLLOWERS
from app.property.merging.agreement import same_value
from app.property.merging.weights import HALF_LIFE_DAYS, topic_of
from app.property.source_record import SourceRecord

#: sales of one home lie further apart than the dates that offices give one sale (signed, closed, recorded)
_ONE_SALE = timedelta(days=120)
#: a sum that two deeds have by chance: gifts and transfers within a family are booked with 1, 10 or 100
_NOMINAL = 1000
#: what changes by the month: a page that is so much older says what was
OUTDATED = timedelta(days=30)
_CHANGES_BY_THE_MONTH_DAYS = 100.0
#: of taxes
FIRST_YEAR = 1950
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


def of_newest_sale(name: str, records: Sequence[SourceRecord], newest: datetime) -> list[SourceRecord]:
    """Those whose date is of the last sale; one after the newest page was read is no sale."""
    dated = [(day, record) for record in records if (day := day_of(record.values[name])) is not None]
    possible = [(day, record) for day, record in dated if day <= (newest + timedelta(days=1)).date()]
    if not possible:
        return list(records)
    day, last = max(possible, key=lambda pair: (pair[0], pair[1].url))
    return [record for other, record in possible if abs(other - day) <= _ONE_SALE or _is_one_price(name, record, last)]


def is_one_sale(name: str, one: SourceRecord, other: SourceRecord) -> bool:
    """Both dates are of one sale, as far as dates tell."""
    a, b = day_of(one.values[name]), day_of(other.values[name])
    return a is not None and b is not None and abs(a - b) <= _ONE_SALE


def _is_one_price(name: str, one: SourceRecord, other: SourceRecord) -> bool:
    """Both name the same price for the sale, and one that is no token."""
    (price,) = FOLLOWERS[name]
    return all(r.values.get(price, 0) > _NOMINAL for r in (one, other)) and same_value(price, one, other)


def of_newest_year(name: str, records: Sequence[SourceRecord], newest: datetime) -> list[SourceRecord]:
    """Those of the newest tax year that can be."""
    possible = [record for record in records if FIRST_YEAR <= record.values[name] <= newest.year + 1]
    if not possible:
        return list(records)
    year = max(record.values[name] for record in possible)
    return [record for record in possible if record.values[name] == year]


def is_outdated(name: str, winner: SourceRecord, other: SourceRecord) -> bool:
    """The other page is so much older that what it says of this field has had the time to change, or the winner's own
    history says that it was so before."""
    if HALF_LIFE_DAYS[topic_of(name)] < _CHANGES_BY_THE_MONTH_DAYS and winner.as_of - other.as_of > OUTDATED:
        return True
    if other.as_of > winner.as_of or same_value(name, winner, other):
        return False
    before = [winner.values.get(field, ()) for field in FIELDS[name].before]
    return any(
        other.values[name] in ([row.get("price") for row in told] if isinstance(told, list) else [told])
        for told in before
    )


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
