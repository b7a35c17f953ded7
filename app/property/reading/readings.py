"""Turn readings into candidates: a raw text or JSON value becomes typed values of one or more fields."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from app.property.fields.table import FIELDS, UNIT_OF, of_kind
from app.property.reading.base import Candidate, Reading, Value, text_of
from app.property.reading.document import Locale
from app.property.reading.feature_values import is_from_age
from app.property.reading.name_values import NAMES
from app.property.reading.other_subjects import is_bound
from app.property.reading.place_values import PLACES
from app.property.reading.typed_values import BY_TYPE, SPECIAL
from app.property.record import Method
from app.property.values import texts, vocabulary

#: Matches a letter that a scanner read in place of a digit: `1l2,400`, `0.2S`.
_MISREAD, _AMOUNTS = re.compile(r"\d[lIOS](?=[\d,.]|$)"), frozenset(of_kind("area", "money"))
#: The factor for the confidence of a year computed from an age, because the page may have stated the age earlier.
_FROM_AGE = 0.7
_GENERAL_KINDS = frozenset({"house", "home", "haus", "dom", "hus", "apartment", "residential"})
#: Fields for which a text such as `None` may mean no.
_ANSWERED = frozenset(of_kind("answer")) | {name for name, spec in FIELDS.items() if spec.recurs}


def typed(found: Iterable[Reading | Candidate], locale: Locale) -> Iterator[Candidate]:
    """Yield candidates unchanged, and convert each reading into candidates."""
    for one in found:
        if isinstance(one, Candidate):
            yield one
        else:
            yield from candidates_of(one, locale)


def candidates_of(reading: Reading, locale: Locale) -> Iterator[Candidate]:
    """Yield the typed values of `reading` as candidates; nothing if the raw value does not fit its field."""
    if reading.raw is None or reading.raw == "" or reading.field == "_Ignore":
        return
    raw = texts.clean(reading.raw) if isinstance(reading.raw, str) else reading.raw
    if isinstance(raw, str) and _states_nothing(reading, raw):
        return
    for name, value, unit in _values(reading if raw is reading.raw else replace(reading, raw=raw), locale):
        if value is None or value in ("", []):
            continue
        is_computed = is_from_age(name, value, text_of(raw))
        unsure = _FROM_AGE if is_computed else _doubt(name, unit, raw)
        yield Candidate(
            field=name,
            value=value,
            raw=text_of(value if reading.field == "_Coordinates" else reading.raw),
            method=Method.DERIVED if is_computed else reading.method,
            locator=reading.locator,
            quote=reading.quote[:300],
            confidence=reading.confidence * unsure,
            unit=unit,
        )


def _states_nothing(reading: Reading, raw: str) -> bool:
    """Return whether `raw` is empty, is an amount that a scanner misread, or gives only a limit of the value."""
    before_number = raw.partition(next(filter(str.isdigit, raw), "\n"))[0]
    may_mean_no = reading.field in _ANSWERED and reading.method is Method.LABEL
    return (
        (texts.is_empty(raw) and not (may_mean_no and vocabulary.yes_no(raw) is False))
        or (reading.field in _AMOUNTS and _MISREAD.search(raw) is not None)
        or is_bound(reading.field, before_number)
    )


def _doubt(name: str, unit: str | None, raw: Any) -> float:
    """Return the factor for the confidence: below 1 for an area without a unit or a very general property kind."""
    if name in UNIT_OF and unit is None:
        return 0.8
    return 0.85 if name == "PropertySubType" and str(raw).casefold() in _GENERAL_KINDS else 1.0


#: Maps the name of a composite, a field's `parser`, or a field's kind to a parser.
_PARSERS = {**SPECIAL, **NAMES, **PLACES}


def _values(reading: Reading, locale: Locale) -> Iterator[Value]:
    spec = FIELDS.get(reading.field)
    names = (reading.field,) if spec is None else (spec.parser, spec.kind)
    parser = next((_PARSERS[name] for name in names if name in _PARSERS), None)
    if parser is not None:
        yield from parser(reading, locale)
        return
    if spec is None:
        return
    plain = BY_TYPE[spec.type](reading, locale)
    if plain is not None:
        yield reading.field, plain, None
