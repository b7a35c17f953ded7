"""Decide whether two values of a field differ in fact, or only in formatting, rounding, unit, or spelling.

`change_confirmation.py` decides when a change is accepted.
"""

import html
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from app.property.fields.table import BOUND, CURRENCY, DERIVED_FIELDS, FIELDS
from app.property.merging.agreement import same_value
from app.property.merging.dated_values import HISTORIES, day_of
from app.property.merging.number_errors import number_error
from app.property.record import Evidence, PageKind
from app.property.source_record import SourceRecord

#: Fields whose changes are published. They exclude computed fields (their inputs are published), people's names, texts
#: in a site's own words, estimates that change daily, and facts that change only by correction.
PUBLISHED_FIELDS = tuple(name for name, spec in FIELDS.items() if spec.published)
#: Maps each field to the fields that give its value a meaning, such as its currency, unit, or tax year.
_CONTEXT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        name: (*[CURRENCY] * (spec.kind == "money"), *filter(None, [spec.goes_with]), *BOUND.get(name, ()))
        for name, spec in FIELDS.items()
    }
)
#: A quote of this length may have been cut off within a word.
_LONGEST_WHOLE = 300
_TAG = re.compile(r"<[^<>]*>")
_TIMES_A_YEAR = {"day": 365.0, "week": 52.0, "month": 12.0, "year": 1.0}
#: Relative tolerance for comparing amounts per different periods, such as `$2,000 a month` and `$24,000 a year`.
_PERIOD_ROUNDING = 0.005
#: Dates at most this far apart may be the signing, closing, and recording of one deed.
_ONE_CLOSING = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Statement:
    """A field's value with its evidence and its context: the currency, unit, or tax year it depends on."""

    value: Any
    proof: Evidence
    context: Mapping[str, Any] = field(default_factory=dict)


def statement_of(name: str, values: Mapping[str, Any], evidence: Mapping[str, Evidence]) -> Statement | None:
    """Return the statement about the field `name` in `values`, or None if the field is missing."""
    if name not in values:
        return None
    context = {other: values[other] for other in _CONTEXT.get(name, ()) if other in values}
    return Statement(values[name], evidence[name], context)


def is_news(name: str, before: Statement, now: Statement) -> bool:
    """Return whether two statements about the field `name` differ in more than formatting, rounding, unit, or
    spelling.
    """
    if name in HISTORIES:
        return bool(_new_rows(before.value, now.value))
    if _words(before) == _words(now):
        return False  # the page's words are unchanged; only their interpretation differs
    if _differs(before, now, CURRENCY):
        return False  # the site has probably converted the same price to another currency
    per = FIELDS[name].per
    if FIELDS[name].kind == "date":
        return not _is_one_closing(before.value, now.value)
    if per is not None and _differs(before, now, per):
        return not _is_same_rent(per, before, now)
    return not same_value(name, _alone(name, before), _alone(name, now))


def number_error_in(name: str, before: Statement, now: Statement) -> str | None:
    """Return the number error, such as a moved decimal point, that may explain the difference between the statements,
    or None.
    """
    one, other = _alone(name, before), _alone(name, now)
    return number_error(name, one.values, other.values)


def has_words(text: str, quote: str) -> bool:
    """Return whether a page's text or markup contains `quote` as whole words, ignoring case, layout, and
    punctuation.
    """
    end = r"(?![a-z\d])" if len(quote) < _LONGEST_WHOLE else ""
    words = rf"(?<![a-z\d]){re.escape(_plain(quote))}{end}"
    return re.search(words, _plain(html.unescape(_TAG.sub(" ", text)))) is not None


def checked_fields(names: Collection[str]) -> tuple[str, ...]:
    """Return `names` in the order of the field table. Raise `ValueError` for an unknown or computed field."""
    for name in names:
        if name in DERIVED_FIELDS:
            raise ValueError(f"{name} is computed; ask for the fields that it is made of")
        if name not in FIELDS:
            raise ValueError(f"{name!r} is no field of a record")
    return tuple(name for name in FIELDS if name in names)


def _words(statement: Statement) -> tuple[str, str]:
    return _plain(statement.proof.raw), _plain(statement.proof.quote)


def _differs(before: Statement, now: Statement, name: str) -> bool:
    one, other = before.context.get(name), now.context.get(name)
    return one is not None and other is not None and one != other


def _is_same_rent(per: str, before: Statement, now: Statement) -> bool:
    a, b = (one.value * _TIMES_A_YEAR.get(one.context[per], 0.0) for one in (before, now))
    return bool(a > 0 and abs(a - b) <= _PERIOD_ROUNDING * max(a, b))


def _is_one_closing(before: str, now: str) -> bool:
    one, other = day_of(before), day_of(now)
    if one is None or other is None or before.startswith(now) or now.startswith(before):
        return True
    return abs(one - other) <= _ONE_CLOSING


def _new_rows(before: Sequence[Any], now: Sequence[Any]) -> list[frozenset[tuple[str, str]]]:
    """Return the rows of `now` whose entries are not all in one row of `before`."""
    known = list(_rows(before))
    return [row for row in _rows(now) if not any(row <= other for other in known)]


def _rows(rows: Sequence[Any]) -> Iterator[frozenset[tuple[str, str]]]:
    """Yield each row as pairs of key and text. Booleans are left out, because they were inferred and not read."""
    for row in rows:
        if isinstance(row, Mapping):
            read = {key: value for key, value in row.items() if value not in (None, "") and value is not bool(value)}
            yield frozenset((key, _plain(str(value))) for key, value in read.items())


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _alone(name: str, statement: Statement) -> SourceRecord:
    proof = statement.proof
    values = {**statement.context, name: statement.value}
    url = proof.source_url
    return SourceRecord(url, url, PageKind.RECORD, proof.content_sha256, proof.fetched_at, values, {name: proof})
