"""Takes a model's answer apart, field by field: a paid answer is not thrown away for its form.

Fences and words around the JSON, trailing commas, an answer that was cut off, numbers as text, one text for a list, a
value nested with its quote and lists of facts are understood. What a value claims is not judged here (`evidence.py`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.property.reading.lenient_json import balanced, loads
from app.property.reading.model.prompt import QUOTE
from app.property.record import FIELDS
from app.property.values.numbers import find_numbers, tidy

_OPENS = re.compile(r"[{\[]")
#: whole strings, to their end or to the cut, and what stands between members
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},]', re.DOTALL)
_CLOSED_BY = {"{": "}", "[": "]"}
#: words before the JSON may hold brackets of their own; an answer is nested in three levels at most
_MOST_STARTS, _DEEPEST = 20, 6
#: what is kept of a value that makes no sense
_LONGEST_ODD = 200
#: no field's numbers are larger; floats are exact up to here
LARGEST = 1e15
_NOTHING = frozenset({"", "null", "none", "n/a"})
_YES_NO = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(slots=True)
class Answered:
    """`values`: fields with something said, and its quote ("" without one); `said_nothing`: fields answered with null.

    A value that makes no sense for its field stands in `values` as text; `odd` names such fields.
    """

    values: dict[str, tuple[Any, str]] = field(default_factory=dict)
    said_nothing: set[str] = field(default_factory=set)
    odd: set[str] = field(default_factory=set)

    @property
    def is_understood(self) -> bool:
        """Is there any field of which the answer can be understood?"""
        return bool(self.said_nothing or self.values.keys() - self.odd)


def take_apart(content: str, fields: Sequence[str], *, lang: str | None = None, cut: bool = False) -> Answered | None:
    """What `content` says of `fields`; None where it holds no JSON, or none that is about them.

    `lang` (ISO 639-1) decides what `1.250` means. Of an answer that was `cut` off, what was whole before the cut, value
    and quote, is taken.
    """
    best: Answered | None = None
    for value in _values(content):
        found = _answered(value, fields, lang, cut=cut)
        if found is None:
            continue
        if best is None or len(found.values) + len(found.said_nothing) >= len(best.values) + len(best.said_nothing):
            best = found  # a model that thinks aloud corrects itself: of two answers the later one
    return best


def _values(content: str) -> Iterator[Any]:
    """Each JSON value of a text, in order: in one walk, but for brackets that are never closed."""
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
    """`text`, which was cut off, up to the last member that was whole, with its brackets closed.

    A member is whole where a comma or a bracket follows it: `19` may be the beginning of `1987`.
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
    for name, said, quote in _facts(value, frozenset(fields)):
        if name in found.values or (cut and quote is _ABSENT):
            continue
        if said is None or (isinstance(said, str) and said.strip().casefold() in _NOTHING):
            found.said_nothing.add(name)
            continue
        read = _read(said, name, lang)
        if read is None:
            found.odd.add(name)
            read = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, default=str)[:_LONGEST_ODD]
        found.values[name] = (read, _text(quote) or "")
    found.said_nothing -= found.values.keys()
    is_empty = value in ({}, []) or (isinstance(value, dict) and value.get("facts") == [])
    return found if found.values or found.said_nothing or is_empty else None


#: no quote came with a value, not even null
_ABSENT = object()


def _facts(value: Any, fields: frozenset[str], depth: int = 0) -> Iterator[tuple[str, Any, Any]]:
    """Every (field, value, quote), however they are nested."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for inner in value:
            yield from _facts(inner, fields, depth + 1)
    elif isinstance(value, dict) and isinstance(name := value.get("field"), str) and "value" in value:
        if name in fields:
            said = value["value"]
            yield name, said.get("value") if isinstance(said, dict) else said, value.get("quote", _ABSENT)
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


# --- values of a field's type ----------------------------------------------------------------------------------------


def _read(value: Any, name: str, lang: str | None) -> Any:
    """`value` as one of the field's type; None where it cannot be one."""
    kind = FIELDS[name].type
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
    """A number, also one written as text with its unit or currency (`$450,000`, `1,250 sq ft`); of several, none."""
    if isinstance(value, str):
        found = find_numbers(value, lang)
        found = [n for n in found if not value[max(0, n.start - 1) : n.start].isalpha()] or found  # no `2` of `m2`
        value = tidy(found[0].value) if len(found) == 1 else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return value if abs(value) <= LARGEST else None
    return value if math.isfinite(value) and abs(value) <= LARGEST else None


def _text(value: Any) -> str | None:
    """A text; a number as its digits; of several texts, such as the lines of a quote, all of them."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, list):
        return "\n".join(one for one in value if isinstance(one, str)) or None
    if isinstance(value, int | float):
        number = _number(value, None)
        return None if number is None else str(int(number) if float(number).is_integer() else number)
    return value if isinstance(value, str) else None
