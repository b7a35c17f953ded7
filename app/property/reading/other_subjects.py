"""Detect values about something other than this home: a home nearby, an average, a limit, a garage, another agent."""

import re
from collections.abc import Mapping

from app.property.fields.phrases import alternatives, pattern
from app.property.fields.table import FIELDS, of_kind
from app.property.reading.model.label_words import names
from app.property.values.areas import IN_SQUARE_METERS
from app.property.values.prices import find_period
from app.property.values.vocabulary import property_kind

_SECTION = "other_subjects"
#: Maps a field's kind to other subjects that its values may be about. `_OF_FIELD` overrides this map for single fields.
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("money", "date"), ("nearby", "averages")),
    "count": ("nearby", "averages", "possible", "levels"),
    "identifier": ("nearby", "codes"),
    "area": ("nearby", "averages", "possible", "levels", "parts"),
    "year": ("nearby", "averages", "parts", "works"),
    "features": ("nearby", "possible", "parts"),
    "name": ("people",),
}
_OF_FIELD: Mapping[str, tuple[str, ...]] = {
    "ListPrice": ("nearby", "averages", "amounts"),
    "LotSizeArea": ("nearby", "averages", "possible", "grounds"),
    "X_RoofYear": ("nearby", "parts", "possible"),
    "TaxYear": ("nearby", "averages"),
    **dict.fromkeys((name for name, spec in FIELDS.items() if spec.recurs), ("nearby", "averages", "charges")),
    "StandardStatus": ("market",),
    "PoolPrivateYN": ("shared", "possible"),
}
#: Words for these subjects describe the home itself if a count precedes them or a word for a home follows them.
_ITS_OWN = frozenset({"parts", "works"})
_COUNTED = re.compile(r"(?<!\d)\d{1,2}[ -](?:\w{1,12}[ -]){0,2}$")
_NEAR = 60
#: Matches words and signs that make the number behind them a limit.
_BOUND = re.compile(rf"(?:{alternatives(_SECTION, 'bounds')}|[<>≤≥])\s*$", re.IGNORECASE)
#: If the page gives only a limit for a field of these kinds, the field has no value.
_MEASURED = frozenset(of_kind("area", "count", "year"))
_COUNTS = frozenset(of_kind("count"))
_CLAUSE = re.compile(r"[.!?]\s(?=[^a-z])|[;|•·\n]|,\s|\d{3}(?!\d)")
_UNIT = re.compile(
    rf"[\s-]?(?:{'|'.join(alternatives('units', unit, whole=False) for unit in IN_SQUARE_METERS)})?[\s-]?",
    re.IGNORECASE,
)


def is_of_other(field: str, before: str, behind: str = "") -> bool:
    """Return whether words `before` a value in its clause, or right `behind` it, name a subject other than the home."""
    if is_bound(field, before):
        return True
    clauses = _CLAUSE.split(before[-_NEAR:])
    # in `Room addition, 240 sq ft`, the comma before the value does not end the clause
    is_open = len(clauses) == 2 and not clauses[1] and field not in _COUNTS
    clause = clauses[0] if is_open else clauses[-1]
    return any(_is_about(topic, clause, behind) for topic in _topics(field))


def is_bound(field: str, before: str) -> bool:
    """Return whether the words `before` a number make it a limit, such as `under` in `under 0.5 acre`."""
    return field in _MEASURED and _BOUND.search(before[-_NEAR:]) is not None


def is_monthly(field: str, text: str) -> bool:
    """Return whether `text` gives an amount per month for a field whose amount is per year."""
    return "Annual" in field and find_period(text) == "month"


def names_other(field: str, text: str) -> bool:
    """Return whether words of `text` show that its value of `field` is not about this home."""
    return any(pattern(_SECTION, topic).search(text) for topic in _topics(field))


def _topics(field: str) -> tuple[str, ...]:
    return _OF_FIELD.get(field) or _OF_KIND.get(FIELDS[field].kind, ())


def _is_about(topic: str, clause: str, behind: str) -> bool:
    words = pattern(_SECTION, topic)
    if topic == "amounts":  # in `Price: $72,500 reduced`, the amount is a price
        return words.search(clause) is not None and not names("ListPrice", clause, None)
    for found in words.finditer(clause):
        if topic not in _ITS_OWN or not _is_of_home(clause[: found.start()], clause[found.end() :]):
            return True
    unit = _UNIT.match(behind)
    return unit is not None and words.match(behind, unit.end()) is not None


def _is_of_home(before: str, behind: str) -> bool:
    is_named = property_kind(behind) is not None or pattern(_SECTION, "home").search(behind) is not None
    return is_named or _COUNTED.search(before) is not None
