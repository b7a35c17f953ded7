"""What single sentences say of a home: the `sentences` of a language's file, which `docs/languages.md` explains.

Pure: text in, (field, raw value, confidence) out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from app.property.fields.languages import language
from app.property.reading.other_subjects import is_of_other

DOLLARS = r"\$\s?\d[\d,]*(?:\.\d+)?\s?(?:[kKmM]\b)?"
SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[A-Z0-9$])|\n")
_LONGEST_VALUE = 120


class _Row(NamedTuple):
    """One row of a file: what it reads, what keeps it from that, and whether it must be said once or counts loosely."""

    field: str
    trust: float
    pattern: re.Pattern[str]
    value: str | bool
    unless: re.Pattern[str]
    once: bool
    loose: bool


class _Table(NamedTuple):
    telling: re.Pattern[str]
    denied: re.Pattern[str]
    answered: re.Pattern[str]
    rows: tuple[_Row, ...]


@cache
def _table(lang: str) -> _Table | None:
    told = language(lang).get("sentences")
    return told and _Table(
        *(_compiled(told[name]) for name in ("telling", "denied", "answered")), tuple(map(_row, told["rows"]))
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("<dollars>", DOLLARS), re.IGNORECASE)


def _row(row: dict[str, Any]) -> _Row:
    return _Row(
        row["field"],
        row["trust"],
        _compiled(row["pattern"]),
        row.get("value", "{whole}"),
        _compiled(row.get("unless", "(?!)")),
        row.get("once", False),
        row.get("loose", False),
    )


def said(text: str, lang: str, *, prose: bool = True) -> Iterator[tuple[str, object, float]]:
    """What the sentence `text` says; outside of `prose`, where words stand as labels, not what must be said once."""
    table = _table(lang)
    if table is None or table.telling.search(text) is None:
        return
    for row in table.rows:
        found = _found(row, text, table) if prose or not row.once else None
        if found is not None:
            whole = text if len(text) <= _LONGEST_VALUE else found.group()
            groups = {**found.groupdict(), "whole": found.group(), "sentence": whole}
            yield row.field, row.value.format(**groups) if isinstance(row.value, str) else row.value, row.trust


def _found(row: _Row, text: str, table: _Table) -> re.Match[str] | None:
    matches = list(row.pattern.finditer(text))
    if not matches or row.unless.search(text) or (row.once and len(matches) > 1):
        return None
    return next((found for found in matches if not _is_out(row, text, found, table)), None)


def _is_out(row: _Row, text: str, found: re.Match[str], table: _Table) -> bool:
    before, behind = text[: found.start()], text[found.end() :]
    if row.loose:  # `Carport, metal roof 2018`
        return is_of_other(row.field, text[: found.end()].replace(found["year"], "").replace(",", ""))
    answered = row.once and (table.denied.search(before) or table.answered.match(behind))
    return bool(answered) or is_of_other("Roof" if row.once else row.field, before, "" if row.once else behind)


BUILT, NO_SOLAR = (
    next(getattr(row, part) for row in (_table("en") or ((),) * 4)[3] if row.field == field)
    for field, part in (("YearBuilt", "pattern"), ("PowerProductionType", "unless"))
)
