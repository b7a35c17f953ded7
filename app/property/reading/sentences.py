"""Read facts from single sentences by the `sentences` rules of a language file (`docs/languages.md`).

A fact is a tuple of field, raw value, and confidence.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from app.property.fields.languages import language
from app.property.reading.other_subjects import is_of_other

DOLLARS = r"\$\s?\d[\d,]*(?:\.\d+)?\s?(?:[kKmM]\b)?"
SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[A-Z0-9$])|\n")
_LONGEST_VALUE = 120


_EXPRESSIONS = frozenset({"telling", "denied", "answered", "pattern", "unless"})


@cache
def _table(lang: str) -> dict[str, Any]:
    stated = language(lang).get("sentences", {})
    return {**_compiled(stated), "rows": [_compiled(row) for row in stated.get("rows", ())]}


def _compiled(table: Mapping[str, Any]) -> dict[str, Any]:
    expressions = {key: table[key].replace("<dollars>", DOLLARS) for key in table if key in _EXPRESSIONS}
    return {**table, **{key: re.compile(text, re.IGNORECASE) for key, text in expressions.items()}}


def facts_in(text: str, lang: str, *, prose: bool = True) -> Iterator[tuple[str, object, float]]:
    """Yield the facts in the sentence `text`. Rules with `once` are used only for prose, where words are not labels."""
    table = _table(lang)
    if not table["rows"] or table["telling"].search(text) is None:
        return
    for row in table["rows"]:
        found = _found(row, text, table) if prose or "once" not in row else None
        if found is not None:
            whole = text if len(text) <= _LONGEST_VALUE else found.group()
            groups = {**found.groupdict(), "whole": found.group(), "sentence": whole}
            value = row.get("value", "{whole}")
            yield row["field"], value.format(**groups) if isinstance(value, str) else value, row["trust"]


def _found(row: dict[str, Any], text: str, table: dict[str, Any]) -> re.Match[str] | None:
    matches = list(row["pattern"].finditer(text))
    if not matches or ("unless" in row and row["unless"].search(text)) or ("once" in row and len(matches) > 1):
        return None
    return next((found for found in matches if not _is_out(row, text, found, table)), None)


def _is_out(row: dict[str, Any], text: str, found: re.Match[str], table: dict[str, Any]) -> bool:
    before, behind = text[: found.start()], text[found.end() :]
    if "loose" in row:  # the rule's words may be about another subject: `Carport, metal roof 2018`
        return is_of_other(row["field"], text[: found.end()].replace(found["year"], "").replace(",", ""))
    if "once" in row:
        return bool(table["denied"].search(before) or table["answered"].match(behind) or is_of_other("Roof", before))
    return is_of_other(row["field"], before, behind)


BUILT, NO_SOLAR = (
    next(row[part] for row in _table("en")["rows"] if row["field"] == field)
    for field, part in (("YearBuilt", "pattern"), ("PowerProductionType", "unless"))
)
