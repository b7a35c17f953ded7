"""Parse a model's answer field by field, and skip only its invalid parts, because every answer costs money."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.property.reading.lenient_json import balanced, loads
from app.property.reading.model.page_kind import PAGE_KIND
from app.property.reading.model.prompt import QUOTE
from app.property.record import FIELDS
from app.property.values.numbers import find_numbers, tidy

_OPENS = re.compile(r"[{\[]")
#: Matches a bracket, a comma, or a string. The closing quote may be missing, because the answer may be cut off.
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},]', re.DOTALL)
_CLOSED_BY = {"{": "}", "[": "]"}
#: `_MOST_STARTS` is the maximum number of brackets tried as the beginning of JSON, because the text before it may
#: contain brackets. `_DEEPEST` is the deepest level of JSON that is read.
_MOST_STARTS, _DEEPEST = 20, 6
_LONGEST_ODD = 200
#: Numbers larger than this are rejected: no field needs them, and floats are exact for whole numbers up to this limit.
LARGEST = 1e15
_NOTHING = frozenset({"", "null", "none", "n/a"})
_YES_NO = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(slots=True)
class Answered:
    """`values` maps each field to its value and quote ("" if the quote is missing). `null_fields` are the fields
    answered with null.

    A value that is invalid for its field stays in `values` as text, and its field is in `odd`.
    """

    values: dict[str, tuple[Any, str]] = field(default_factory=dict)
    null_fields: set[str] = field(default_factory=set)
    odd: set[str] = field(default_factory=set)

    @property
    def is_understood(self) -> bool:
        """Return whether any field's answer is valid."""
        return bool(self.null_fields or self.values.keys() - self.odd)


def take_apart(content: str, fields: Sequence[str], *, lang: str | None = None, cut: bool = False) -> Answered | None:
    """Parse the values of `fields` in `content`. Return None if `content` has neither JSON about these fields nor empty
    JSON.

    The page's kind is also parsed if it is answered. `lang` (ISO 639-1) decides whether `1.250` is 1250 or 1.25. If the
    answer was `cut` off, a value is used only if its quote also came before the cut.
    """
    best: Answered | None = None
    for value in _values(content):
        found = _answered(value, fields, lang, cut=cut)
        if found is None:
            continue
        if best is None or len(found.values) + len(found.null_fields) >= len(best.values) + len(best.null_fields):
            best = found  # a model that reasons in its answer may correct itself: prefer the later JSON
    return best


def _values(content: str) -> Iterator[Any]:
    """Yield each JSON object or array of a text, in order. The content of an unclosed bracket is also searched."""
    place = 0
    for _ in range(_MOST_STARTS):
        opening = _OPENS.search(content, place)
        if opening is None:
            return
        place = balanced(content, opening.start())
        if place > opening.start():
            yield loads(content[opening.start() : place])
        else:
            yield loads(_closed(content[opening.start() :]))
            place = opening.end()


def _closed(text: str) -> str:
    """Return truncated `text` up to its last complete member, and close its brackets.

    A member is complete only if a comma or bracket follows, because `19` may be the beginning of `1987`.
    """
    open_brackets: list[str] = []
    end, closing = 0, ""
    for mark in _MARKS.finditer(text):
        sign = mark.group()
        if sign in _CLOSED_BY and len(open_brackets) < _DEEPEST:
            open_brackets.append(_CLOSED_BY[sign])
        elif sign in _CLOSED_BY:
            break
        if sign in ("}", "]") and open_brackets:
            open_brackets.pop()
        elif sign != ",":
            continue
        end, closing = mark.start() if sign == "," else mark.end(), "".join(reversed(open_brackets))
    return text[:end] + closing


def _answered(value: Any, fields: Sequence[str], lang: str | None, *, cut: bool) -> Answered | None:
    found = Answered()
    for name, given, quote in _facts(value, frozenset((*fields, PAGE_KIND))):
        if name in found.values or (cut and quote is _ABSENT):
            continue
        if given is None or (isinstance(given, str) and given.strip().casefold() in _NOTHING):
            found.null_fields.add(name)
            continue
        read = _read(given, name, lang)
        if read is None:
            found.odd.add(name)
            read = (
                given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, default=str)[:_LONGEST_ODD]
            )
        found.values[name] = (read, _text(quote) or "")
    found.null_fields -= found.values.keys()
    is_empty = value in ({}, []) or (isinstance(value, dict) and value.get("facts") == [])
    return found if found.values or found.null_fields or is_empty else None


#: Stands for a missing quote. A quote of null is not missing.
_ABSENT = object()


def _facts(value: Any, fields: frozenset[str], depth: int = 0) -> Iterator[tuple[str, Any, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for inner in value:
            yield from _facts(inner, fields, depth + 1)
    elif isinstance(value, dict) and isinstance(name := value.get("field"), str) and "value" in value:
        if name in fields:
            given = value["value"]
            yield name, given.get("value") if isinstance(given, dict) else given, value.get("quote", _ABSENT)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in fields:
                yield from _facts(inner, fields, depth + 1)
                continue
            quote = value.get(name + QUOTE, _ABSENT)
            if isinstance(inner, dict):
                yield name, inner.get("value", inner or None), inner.get("quote", quote)
            else:
                yield name, inner, quote


def _read(value: Any, name: str, lang: str | None) -> Any:
    kind = FIELDS[name].type if name in FIELDS else "text"
    if isinstance(value, list) and len(value) == 1 and kind != "texts":
        value = value[0]
    if kind == "number":
        return _number(value, lang)
    if kind == "integer":
        number = _number(value, lang)
        return int(number) if number is not None and float(number).is_integer() else None
    if kind == "boolean":
        return value if isinstance(value, bool) else _YES_NO.get(str(value).strip().casefold())
    if kind == "texts":
        texts = [_text(one) for one in (value if isinstance(value, list) else [value])]
        return [text for text in texts if text] or None
    return None if isinstance(value, list) else _text(value)


def _number(value: Any, lang: str | None) -> int | float | None:
    """Return a number, which may be in a text with a unit (`$450,000`, `1,250 sq ft`). Return None if a text has
    several numbers, or if the number is larger than `LARGEST`.
    """
    if isinstance(value, str):
        found = find_numbers(value, lang)
        # drop the `2` of `m2`
        found = [n for n in found if not value[max(0, n.start - 1) : n.start].isalpha()] or found
        value = tidy(found[0].value) if len(found) == 1 else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return value if abs(value) <= LARGEST else None
    return value if math.isfinite(value) and abs(value) <= LARGEST else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, list):
        return "\n".join(one for one in value if isinstance(one, str)) or None
    if isinstance(value, int | float):
        number = _number(value, None)
        return None if number is None else str(int(number) if float(number).is_integer() else number)
    return value if isinstance(value, str) else None
