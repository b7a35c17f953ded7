"""Parse JSON as sites write it: repair invalid JSON, find JSON in scripts, and unpack JSON inside strings."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import chompjs

_DECODER = json.JSONDecoder(strict=False)
_OPENS = re.compile(r"^(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)")
_CLOSES = re.compile(r"(?:-->|//\s*\]\]>|\]\]>)\s*;?$")
#: Only this many characters at the end are searched for the closing mark of a comment or CDATA wrapper.
_TAIL = 100
_MISSING_VALUE = re.compile(r'("[^"\n]{1,60}"\s*:)\s*(?=[,}\]])')
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_ASSIGNMENT = re.compile(
    r"(?:^|[;{}\s(,])(?:(?:var|let|const)\s+)?(?:window|self|globalThis|this)?\.?(?:\[[\"'])?"
    r"([A-Za-z_$][\w$.]{0,80})(?:[\"']\])?\s*=\s*(?=JSON\.parse\(|[\[{\"'])"
)
#: A fast check of a whole script. If this pattern does not match, no assignment in the script can yield a value.
_ASSIGNED = re.compile(r"=\s*(?:JSON\.parse\(|[\[{]|[\"']\s*[\[{\\])")
_PARSE_CALL = re.compile(r"JSON\.parse\(\s*(?:decodeURIComponent\(\s*)?")
#: Values with fewer characters than this are skipped: they are usually settings or tags and describe no property.
_LEAST_CHARS = 60
_LEAST_ARGUMENT = 300
_MOST_NESTING = 4
#: Levels deeper than this are dropped, because hostile bodies could exceed Python's recursion limit of 1,000 frames.
#: Real sites have fewer levels.
_DEEPEST = 200
#: The search in a script stops after this many unclosed values. Each unclosed value costs a scan to the script's end,
#: and broken scripts have thousands of them.
_MOST_UNCLOSED = 20


def loads(text: str) -> Any:
    """Return the value in `text`, repaired if necessary; None if it cannot be parsed."""
    text = _unwrapped(text.strip()).strip().rstrip(";").strip()
    if not text:
        return None
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        repaired = _TRAILING_COMMA.sub(r"\1", _MISSING_VALUE.sub(r"\1 null", text))
    value, end = _decoded(repaired, 0)
    return value if end else _javascript(repaired)


def _decoded(text: str, start: int) -> tuple[Any, int]:
    """For invalid JSON, return None and `start`."""
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start


def _unwrapped(text: str) -> str:
    if text[:1] in ("<", "/"):
        text = _OPENS.sub("", text)
    return text[:-_TAIL] + _CLOSES.sub("", text[-_TAIL:]) if text[-5:].rstrip("; \n").endswith(">") else text


def _javascript(text: str) -> Any:
    start = min((i for i in (text.find("{"), text.find("[")) if i >= 0), default=-1)
    if start < 0 or len(text) > 2_000_000:
        return None
    try:
        return chompjs.parse_js_object(text[start:])
    except (ValueError, RecursionError, MemoryError):
        return None


def assignments(script: str) -> Iterator[tuple[str, int, Any]]:
    """Yield (name, offset, value) for each assignment of an object or array: `name = {...}`, `[...]`, `"{...}"`,
    `JSON.parse("...")`.
    """
    if _ASSIGNED.search(script) is None:
        return
    position = unclosed = 0
    while unclosed < _MOST_UNCLOSED and (match := _ASSIGNMENT.search(script, position)):
        value, end = _value_at(script, match.end())
        unclosed += end <= match.end()
        position = max(end, match.end())
        if isinstance(value, dict | list) and value:
            yield match.group(1), match.end(), value


_ARGUMENT = re.compile(r"[(,]\s*(?=\{\s*\"|\[\s*\{)")

_LITERAL = re.compile(r"\(\s*(?=\{\s*[A-Za-z_$][\w$]*\s*:)")
_PLACE = re.compile(r"[{,\s](?:lat|latitude|\w{0,20}[aA]ddress|\w{0,20}[cC]ity)\s*:\s*[-'\"\d]")
_CODE = re.compile(r"\bfunction\b|=>")
_LONGEST_LITERAL, _MOST_PLACES = 50_000, 20


def arguments(script: str) -> Iterator[tuple[int, Any]]:
    """Yield (offset, value) for each object in a function's arguments, if the object is large or names a place."""
    yield from _literals(script)
    yield from _flights(script)
    position = 0
    for _ in range(200):
        match = _ARGUMENT.search(script, position)
        if match is None:
            return
        begin = match.end()
        value, position = _decoded(script, begin)
        if position - begin >= _LEAST_ARGUMENT:
            yield begin, value


_FLIGHT = re.compile(r"__next_f\.push\(\[1,\s*(?=\")")
_FLIGHT_ROW = re.compile(r"(?:^|\n)([0-9a-f]{1,6}):(?=[\[{])")


def _flights(script: str) -> Iterator[tuple[int, Any]]:
    """Yield (offset, values by row id) for the rows that React streams: `push([1, "7:{...}\\n8:[...]"])`.

    Rows that continue in the next string are left out.
    """
    broken = 0
    for call in _FLIGHT.finditer(script):
        text, _ = _decoded(script, call.end())
        broken += text is None
        if broken >= _MOST_UNCLOSED:
            return
        if isinstance(text, str) and len(text) >= _LEAST_ARGUMENT and (rows := _flight_rows(text)):
            yield call.end(), rows


def _flight_rows(text: str) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    broken = 0
    for row in _FLIGHT_ROW.finditer(text):
        value, _ = _decoded(text, row.end())
        broken += value is None
        if broken >= _MOST_UNCLOSED:
            break
        if value is not None:
            rows[row[1]] = value
    return rows


def _literals(script: str) -> Iterator[tuple[int, Any]]:
    """Yield (offset, value) for each object that is a first argument, has unquoted keys, and names a place: `new
    Map({center: {lat: 43.65}})`.
    """
    position = 0
    for place in islice(_PLACE.finditer(script), _MOST_PLACES):
        if place.start() < position:
            continue
        openings = _LITERAL.finditer(script, max(position, place.start() - _LONGEST_LITERAL), place.start() + 1)
        start = max((opening.end() for opening in openings), default=0)
        end = balanced(script[: start + _LONGEST_LITERAL], start) if start else 0
        if end < place.end():
            continue
        position = end
        text = script[start:end]
        if end - start >= _LEAST_CHARS and not _CODE.search(text) and isinstance(value := _javascript(text), dict):
            yield start, value


def _value_at(script: str, start: int) -> tuple[Any, int]:
    if call := _PARSE_CALL.match(script, start):
        return _string_at(script, call.end())
    if script[start] in "\"'":
        return _string_at(script, start)
    value, end = _decoded(script, start)
    if end > start:
        return value, end
    end = balanced(script, start)
    return _javascript(script[start:end]) if end - start >= _LEAST_CHARS else None, end


def balanced(script: str, start: int) -> int:
    """Return the end of the value that begins with the bracket at `start`, or `start` if the bracket is never
    closed.
    """
    depth, i, quote = 0, start, ""
    for match in re.compile(r"[\[\]{}\"'`]|\\.", re.DOTALL).finditer(script, start):
        mark, i = match.group(), match.end()
        if quote:
            quote = "" if mark == quote else quote
        elif mark in "\"'`":
            quote = mark
        elif mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
            if depth == 0:
                return i
    return start


def _string_at(script: str, start: int) -> tuple[Any, int]:
    if start >= len(script) or script[start] not in "\"'`":
        return None, start + 1
    quote = script[start]
    match = re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*){quote}", re.DOTALL).match(script, start)
    if match is None or len(match.group(1)) < _LEAST_CHARS:
        return None, match.end() if match else start + 1
    text = _unescaped(match.group(1))
    return (loads(text) if text.lstrip()[:1] in ("{", "[") else None), match.end()


def _unescaped(text: str) -> str:
    body = re.sub(r"\\x([0-9a-fA-F]{2})", r"\\u00\1", text.replace("\\'", "'").replace("\\`", "`").replace("\n", "\\n"))
    body = re.sub(r'(?<!\\)"', r"\"", body)
    try:
        return str(json.loads(f'"{body}"', strict=False))
    except ValueError:
        return text


def unpacked(value: Any, depth: int = _MOST_NESTING, level: int = 0) -> Any:
    """Replace strings that contain a JSON object or array by the parsed value, up to four strings inside each other.

    Replace values that are nested more than 200 levels deep by None.
    """
    if level > _DEEPEST:
        return None
    if isinstance(value, dict):
        return {str(k): unpacked(v, depth, level + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [unpacked(v, depth, level + 1) for v in value]
    if isinstance(value, str) and depth > 0 and len(value) > 20 and value.lstrip()[:1] in ("{", "["):
        text = value.strip()
        inner, end = _decoded(text, 0)
        return unpacked(inner, depth - 1, level + 1) if end == len(text) else value
    return value
