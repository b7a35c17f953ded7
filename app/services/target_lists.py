"""Lists of targets as people have them: lines, CSV or JSON Lines, with a bad line named by its number."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from app.errors import InvalidTargetError, InvalidTargetListError
from app.property.store import normalise_target

_COLUMNS = ("target", "url")
_SHOWN_PROBLEMS = 10

#: (line number from 1, target) pairs, or a problem instead of a target
_Entry = tuple[int, str | ValueError]


def parse_targets(body: bytes, name: str) -> list[str]:
    """The targets of a UTF-8 text, in order; blank lines and those that start with # are skipped.

    `name` (a file's, "stdin", ...) is what errors call it, and its suffix says what it is; if that says nothing, its
    first line does. Raises `InvalidTargetListError`, which names up to ten bad lines; also for a text without a target.
    """
    try:
        lines = body.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as exc:
        number = body.count(b"\n", 0, exc.start) + 1
        raise InvalidTargetListError(f"{name} line {number}: is not UTF-8. Save the file as UTF-8.") from exc
    good, bad = [], []
    for number, found in _entries(name, lines):
        problem = str(found) if isinstance(found, ValueError) else _problem_of(found)
        if problem is None:
            good.append(str(found))
        else:
            bad.append(f"{name} line {number}: {problem}")
    if bad:
        more = [f"and {len(bad) - _SHOWN_PROBLEMS} more"] if len(bad) > _SHOWN_PROBLEMS else []
        raise InvalidTargetListError("\n".join([*bad[:_SHOWN_PROBLEMS], *more]))
    if not good:
        raise InvalidTargetListError(f"{name} has no target.")
    return good


def _problem_of(target: str) -> str | None:
    try:
        normalise_target(target)
    except InvalidTargetError as exc:
        return f"{exc.facts['target']!r} {exc.facts['problem']}"
    return None


def _entries(name: str, lines: Sequence[str]) -> Iterator[_Entry]:
    return _reader_for(name, lines)(lines)


def _reader_for(name: str, lines: Sequence[str]) -> Callable[[Sequence[str]], Iterator[_Entry]]:
    """By the file's name; if that says nothing, by its first line that is neither blank nor a comment."""
    suffix = Path(name).suffix.lower()
    if suffix in {".jsonl", ".ndjson"}:
        return _from_jsonl
    first = next((line.strip() for line in lines if not _is_skipped(line)), "")
    if suffix in {".csv", ".tsv"} or _column(_cells(first, _delimiter(first))) is not None:
        return _from_csv
    return _from_jsonl if first.startswith(("{", '"')) else _from_lines


def _is_skipped(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _from_lines(lines: Sequence[str]) -> Iterator[_Entry]:
    for number, line in enumerate(lines, start=1):
        if not _is_skipped(line):
            yield number, line.strip()


def _from_jsonl(lines: Sequence[str]) -> Iterator[_Entry]:
    for number, line in enumerate(lines, start=1):
        if not _is_skipped(line):
            yield number, _target_of_json(line)


def _target_of_json(line: str) -> str | ValueError:
    try:
        value: Any = json.loads(line)
    except ValueError as exc:
        return ValueError(f"is not JSON ({exc})")
    if isinstance(value, dict):
        value = next((value[name] for name in _COLUMNS if name in value), None)
    if isinstance(value, str):
        return value
    return ValueError("is neither a text nor an object with a text under 'target' or 'url'")


def _from_csv(lines: Sequence[str]) -> Iterator[_Entry]:
    """With a header: its column `target` or `url`. Without one: the first column, if that holds a target."""
    first = next((line for line in lines if not _is_skipped(line)), "")
    delimiter = _delimiter(first)
    column = _column(_cells(first, delimiter))
    rows = csv.reader(lines, delimiter=delimiter)
    header_seen = column is None
    if column is None and first and _problem_of(_cells(first, delimiter)[0].strip()):
        yield lines.index(first) + 1, ValueError("no column is called 'target' or 'url'")
        return
    for row in rows:
        cells = [value.strip() for value in row]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if not header_seen:
            header_seen = True
            continue
        index = column or 0
        found = cells[index] if index < len(cells) else ""
        yield rows.line_num, found or ValueError("has no target")


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [""]) or [""]


def _column(cells: Sequence[str]) -> int | None:
    names = [value.strip().lower() for value in cells]
    return next((names.index(name) for name in _COLUMNS if name in names), None)
