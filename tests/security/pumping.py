"""Generate texts that slow down a vulnerable pattern: a required prefix, then many repetitions of one part."""

import re
from collections.abc import Iterable, Iterator
from re import _constants as op  # type: ignore[attr-defined]  # the only access to the parts of a pattern
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
_CATEGORIES = {op.CATEGORY_DIGIT: "0", op.CATEGORY_SPACE: " ", op.CATEGORY_WORD: "a", op.CATEGORY_NOT_WORD: " "}
#: Characters to try for a negated character class.
_USUAL = " xa<;0=-\n"
_MOST_REPETITIONS = 40


def pumped(pattern: re.Pattern[Any], length: int) -> Iterator[str]:
    """Yield different texts of about `length` characters. Each ends with a NUL, so that matches fail at the end."""
    source = pattern.pattern
    flags = pattern.flags & ~re.UNICODE if isinstance(source, bytes) else pattern.flags
    for prefix, body in dict.fromkeys(_pumps(parser.parse(source, flags), "")):
        if body:
            yield prefix + body * (length // len(body)) + "\0"


def _pumps(sequence: Iterable[tuple[Any, Any]], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of a prefix and a part to repeat: each repeatable part, everything up to it, and each character."""
    for part in sequence:
        kind, value = part
        yield from (("", char) for char in _chars(part))
        for inner in _inner(kind, value):
            yield from _pumps(inner, prefix)
            yield "", prefix + _sample(inner)
        if kind in _REPEATS:
            yield prefix, _sample(value[2])
            yield from ((prefix, char) for item in value[2] for char in _chars(item))
        prefix += _sample([part])
        yield "", prefix


def _inner(kind: Any, value: Any) -> list[Any]:
    if kind in _REPEATS:
        return [value[2]]
    if kind is op.SUBPATTERN:
        return [value[3]]
    if kind is op.BRANCH:
        return list(value[1])
    if kind is op.ATOMIC_GROUP:
        return [value]
    return [value[1]] if kind in (op.ASSERT, op.ASSERT_NOT) else []


def _sample(sequence: Iterable[tuple[Any, Any]]) -> str:
    """Return a short text that matches the sequence. Look-arounds and references are ignored."""
    return "".join(map(_shortest, sequence))


def _shortest(part: tuple[Any, Any]) -> str:
    kind, value = part
    if kind in _REPEATS:
        return _sample(value[2]) * min(value[0], _MOST_REPETITIONS)
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return ""
    if inner := _inner(kind, value):
        return _sample(inner[0])
    return next(iter(_chars(part)), "")


def _chars(part: tuple[Any, Any]) -> list[str]:
    kind, value = part
    if kind is op.LITERAL:
        return [chr(value)]
    if kind is op.NOT_LITERAL:
        return [char for char in _USUAL if char != chr(value)][:2]
    if kind is op.ANY:
        return ["x"]
    if kind is op.CATEGORY:
        return [_CATEGORIES.get(value, "x")]
    if kind is op.RANGE:
        return [chr(value[0]), chr(value[1])]
    if kind is not op.IN:
        return []
    if value[0][0] is not op.NEGATE:
        return [char for item in value for char in _chars(item)]
    return [char for char in _USUAL if not any(_holds(item, char) for item in value[1:])][:4]


def _holds(item: tuple[Any, Any], char: str) -> bool:
    kind, value = item
    if kind is op.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    if kind is op.CATEGORY:
        classes = {
            op.CATEGORY_SPACE: char.isspace(),
            op.CATEGORY_DIGIT: char.isdigit(),
            op.CATEGORY_WORD: char.isalnum(),
        }
        return classes.get(value, False)
    return bool(kind is op.LITERAL and chr(value) == char)
