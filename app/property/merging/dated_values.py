"""Compare dated values: find the values of the newest sale or tax year, and outdated values."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from app.property.fields.table import FIELDS, FOLLOWERS
from app.property.merging.agreement import same_value
from app.property.merging.number_errors import number_error
from app.property.merging.seniority import may_outdate
from app.property.merging.weights import HALF_LIFE_DAYS, topic_of
from app.property.source_record import SourceRecord

#: Sale dates at most this far apart may belong to one sale, because sources give the date of signing, closing, or
#: recording.
_ONE_SALE = timedelta(days=120)
#: Sale dates with different prices belong to one sale only if they are at most this far apart.
_ONE_CLOSING = timedelta(days=31)
#: Prices up to this amount may be nominal, such as 1 or 10 for a gift. They are ignored when sales are compared.
_NOMINAL = 1000
#: In a field that changes within months, a value is outdated if its page was read this much earlier than the winner's.
OUTDATED = timedelta(days=30)
_CHANGES_BY_THE_MONTH_DAYS = 100.0
#: Tax years before this year are not plausible.
FIRST_YEAR = 1950
#: The keys of a history row that hold its date or year, and the keys that hold amounts.
_WHEN, _WHAT = ("date", "year"), ("price", "assessed", "market", "tax")


def day_of(value: Any) -> date | None:
    """Return the day of an ISO date, or the first day of an ISO month or year; None for other text."""
    parts = str(value).split("T")[0].split("-")
    try:
        year, month, day = (int(part) for part in (*parts, "1", "1")[:3])
        return date(year, month, day)
    except ValueError:
        return None


def of_newest_sale(name: str, records: Sequence[SourceRecord], newest: datetime) -> list[SourceRecord]:
    """Return the records of the latest sale, or all records if none has a possible date.

    `newest` is when the newest page was read. Dates more than a day later are not possible.
    """
    dated = [(day, record) for record in records if (day := day_of(record.values[name])) is not None]
    possible = [(day, record) for day, record in dated if day <= (newest + timedelta(days=1)).date()]
    if not possible:
        return list(records)
    _, last = max(possible, key=lambda pair: (pair[0], pair[1].url))
    return [record for _, record in possible if is_one_sale(name, record, last) or _is_one_price(name, record, last)]


def is_one_sale(name: str, one: SourceRecord, other: SourceRecord) -> bool:
    """Return whether both dates can belong to one sale. Dates with different prices must be at most `_ONE_CLOSING`
    apart, because a home may be sold twice within months.
    """
    a, b = day_of(one.values[name]), day_of(other.values[name])
    most = _ONE_CLOSING if _is_one_price(name, one, other) is False else _ONE_SALE
    return a is not None and b is not None and abs(a - b) <= most


def _is_one_price(name: str, one: SourceRecord, other: SourceRecord) -> bool | None:
    """Return whether both records give the same price, apart from number errors. Return None if a price is missing or
    nominal.
    """
    (price,) = FOLLOWERS[name]
    if not all(r.values.get(price, 0) > _NOMINAL for r in (one, other)):
        return None
    return same_value(price, one, other) or number_error(price, one.values, other.values) is not None


def of_newest_year(name: str, records: Sequence[SourceRecord], newest: datetime) -> list[SourceRecord]:
    """Return the records of the newest plausible tax year, or all records if no year is plausible."""
    possible = [record for record in records if FIRST_YEAR <= record.values[name] <= newest.year + 1]
    if not possible:
        return list(records)
    year = max(record.values[name] for record in possible)
    return [record for record in possible if record.values[name] == year]


def is_outdated(name: str, winner: SourceRecord, other: SourceRecord, *, is_agreed: bool = False) -> bool:
    """Return whether the value of `other` is too old, or is a former value that the winner lists.

    Several sources agree with the winner if `is_agreed`.
    """
    if not is_agreed and not may_outdate(name, winner, other):
        return False
    if HALF_LIFE_DAYS[topic_of(name)] < _CHANGES_BY_THE_MONTH_DAYS and winner.as_of - other.as_of > OUTDATED:
        return True
    if other.as_of > winner.as_of or same_value(name, winner, other):
        return False
    before = [winner.values.get(field, ()) for field in FIELDS[name].before]
    return any(
        other.values[name] in ([row.get("price") for row in stated] if isinstance(stated, list) else [stated])
        for stated in before
    )


def current(name: str, records: Sequence[SourceRecord]) -> list[SourceRecord]:
    """Return the records that no other record makes outdated, or all records if every record is outdated."""
    found = [one for one in records if not any(is_outdated(name, other, one) for other in records)]
    return found or list(records)


def is_compatible(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Return whether two histories give the same amounts for the dates and years that both contain."""
    known = {(name, row[name]): row for row in one for name in _WHEN if row.get(name)}
    for row in other:
        for name in _WHEN:
            mine = known.get((name, row.get(name)))
            if mine is not None and any(mine.get(w) and row.get(w) and mine[w] != row[w] for w in _WHAT):
                return False
    return True


HISTORIES = frozenset(name for name, spec in FIELDS.items() if spec.type == "rows")
