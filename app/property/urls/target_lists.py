"""Read lists of targets from plain lines, CSV, or JSON Lines."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, NoReturn

from app.errors.targets import InvalidTargetError, InvalidTargetListError
from app.plurals import counted
from app.property.urls.targets import normalize_target
from app.strict_json import parse

#: Maps the names of columns and JSON members to what they contain: a target or a part of an address.
_NAMES = {
    "target": "target",
    "url": "url",
    **dict.fromkeys(("address", "full address", "property address", "site address", "situs address"), "address"),
    **dict.fromkeys(("street", "street address", "address 1", "address1", "address line 1"), "street"),
    **dict.fromkeys(("unit", "unit number", "apt", "address 2", "address2", "address line 2"), "unit"),
    **dict.fromkeys(("city", "town"), "city"),
    **dict.fromkeys(("state", "province", "state or province"), "state"),
    **dict.fromkeys(("zip", "zip code", "zipcode", "postal code", "postcode"), "zip"),
    "country": "country",
}
#: The parts that can be a target without other parts.
_WHOLE = ("target", "url", "address", "street")
_NO_COLUMN = "no column is called 'target', 'url', 'address' or 'street'"
_SHOWN_PROBLEMS, _SHOWN_CHARS = 10, 200
#: Only these end a line in an editor. `str.splitlines` also splits at characters that JSON texts may hold.
_LINE_END, _LAST_END = re.compile(r"\r\n?|\n"), re.compile(r"(?:\r\n?|\n)\Z")
_LIMIT = counted(csv.field_size_limit(), "character")
_TOO_LONG = f"has a field of more than {_LIMIT}, perhaps because of a missing quote"

#: A line's number (from 1) and its target. If the line has no target, a `ValueError` states the problem.
_Entry = tuple[int, str | ValueError]


@dataclass(frozen=True, slots=True)
class InvalidRow:
    """A row of a list that is no target: its number (from 1), its text, shortened, and the reason."""

    row: int
    text: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def parse_targets(
    body: bytes, name: str, check: Callable[[str], object] = normalize_target, skipped: list[InvalidRow] | None = None
) -> list[str]:
    """Return the targets in a UTF-8 text, in order. Skip blank lines and lines that start with #.

    `name`, such as a file name or "stdin", is shown in error messages. Its suffix determines the format; without a
    known suffix, the first line does. `check` raises `InvalidTargetError` for an invalid target.

    Raises `InvalidTargetListError` if there is no target or a line is bad; the message lists up to ten bad lines. If
    `skipped` is a list, bad lines are appended to it instead, and only a text without any good line is an error.
    """
    try:
        lines = _LINE_END.split(_LAST_END.sub("", body.decode("utf-8-sig")))
    except UnicodeDecodeError as exc:
        number = body.count(b"\n", 0, exc.start) + 1
        raise InvalidTargetListError(f"{name} line {number}: is not UTF-8. Save the file as UTF-8.") from exc
    entries = (
        (number, InvalidRow(number, _short(lines[number - 1]), str(entry)) if isinstance(entry, ValueError) else entry)
        for number, entry in _reader_for(name, lines)(lines)
    )
    return _valid(entries, f"{name} line", check, skipped) or _refuse(f"{name} has no target.")


def valid_targets(
    targets: Iterable[str], skipped: list[InvalidRow], check: Callable[[str], object] = normalize_target
) -> list[str]:
    """Return the valid ones of `targets`, and append the others to `skipped`.

    Raises `InvalidTargetListError` if none is valid.
    """
    return _valid(enumerate(targets, start=1), "target", check, skipped)


def _valid(
    entries: Iterable[tuple[int, str | InvalidRow]],
    place: str,
    check: Callable[[str], object],
    skipped: list[InvalidRow] | None,
) -> list[str]:
    good, bad, lines = list[str](), list[InvalidRow](), list[str]()
    for number, entry in entries:
        try:
            if isinstance(entry, str):
                check(entry)
                good.append(entry)
                continue
            bad.append(entry)
            lines.append(f"{place} {number}: {entry.reason}")
        except InvalidTargetError as exc:
            text, reason = str(exc.facts["target"]), str(exc.facts["problem"])
            bad.append(InvalidRow(number, _short(text), reason))
            lines.append(f"{place} {number}: {text!r} {reason}")
    if bad and (skipped is None or not good):
        more = [f"and {len(bad) - _SHOWN_PROBLEMS} more"] if len(bad) > _SHOWN_PROBLEMS else []
        _refuse("\n".join([*lines[:_SHOWN_PROBLEMS], *more]))
    if skipped is not None:
        skipped += bad
    return good


def _refuse(problem: str) -> NoReturn:
    raise InvalidTargetListError(problem)


def _short(text: str) -> str:
    return shorten(text, _SHOWN_CHARS, placeholder=" …")


def _is_target(text: str) -> bool:
    try:
        normalize_target(text)
    except InvalidTargetError:
        return False
    return True


def _reader_for(name: str, lines: Sequence[str]) -> Callable[[Sequence[str]], Iterator[_Entry]]:
    suffix = Path(name).suffix.lower()
    if suffix in {".jsonl", ".ndjson"}:
        return _from_jsonl
    first = next((line.strip() for line in lines if not _is_skipped(line)), "")
    if suffix in {".csv", ".tsv"} or _columns(_cells(first, _delimiter(first))):
        return _from_csv
    return _from_jsonl if first.startswith(("{", "[", '"')) else _from_lines


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
        value: Any = parse(line.encode("utf-8", "surrogatepass"))
    except json.JSONDecodeError as exc:
        return ValueError(f"is not JSON ({exc.msg}). Write one text or object per line.")
    if isinstance(value, dict):
        parts = {_NAMES[_plain(name)]: part for name, part in value.items() if _plain(name) in _NAMES}
        texts = {name: str(part).strip() for name, part in parts.items() if isinstance(part, (str, int)) and part}
        value = _joined(texts) if parts.keys() & set(_WHOLE) else None
    if isinstance(value, str):
        return value or ValueError("has no target")
    return ValueError("is neither a text nor an object with a text under 'target', 'url', 'address' or 'street'")


def _from_csv(lines: Sequence[str]) -> Iterator[_Entry]:
    first = next((line for line in lines if not _is_skipped(line)), "")
    delimiter = _delimiter(first)
    cells = _cells(first, delimiter)
    columns = _columns(cells)
    names = [name for name in map(_plain, cells) if name in _NAMES]
    if columns and (twice := next((name for name in names if names.count(name) > 1), None)):
        yield lines.index(first) + 1, ValueError(f"has two columns {twice!r}. Rename or remove one.")
        return
    if not columns and first and not _is_target(cells[0].strip()):
        if _is_target(first.strip()):
            yield from _from_lines(lines)
        else:
            yield lines.index(first) + 1, ValueError(_NO_COLUMN)
        return
    header_seen = not columns
    for number, row in _rows(lines, delimiter):
        if isinstance(row, ValueError):
            yield number, row
            continue
        cells = [value.strip() for value in row]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if not header_seen:
            header_seen = True
            continue
        named = {name: cells[at] for name, at in (columns or {"target": 0}).items() if at < len(cells) and cells[at]}
        yield number, _joined(named) or ValueError("has no target")


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str] | ValueError]]:
    """Yield the first line's number of each row, and its cells, or the problem if they cannot be separated."""
    rows = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    while True:
        start = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield start, ValueError(_TOO_LONG)
            continue
        is_one = rows.line_num == start or _is_closed(lines[start - 1 : rows.line_num], delimiter)
        yield start, row if is_one else ValueError(f"has a quote that is not closed, up to line {rows.line_num}")


def _is_closed(lines: Sequence[str], delimiter: str) -> bool:
    """Return whether the quotes in a row of several lines are complete. A missing one would swallow other rows."""
    try:
        return bool(list(csv.reader(lines, delimiter=delimiter, strict=True)))
    except csv.Error:
        return False


def _joined(parts: Mapping[str, str]) -> str:
    """Join a row's `parts`, keyed by the values of `_NAMES`, into one target, or "" if there is none."""
    whole = next((parts[name] for name in _WHOLE if name in parts), "")
    rest = [parts[name] for name in ("unit", "city") if name in parts]
    region = " ".join(_zip(parts[name]) if name == "zip" else parts[name] for name in ("state", "zip") if name in parts)
    rest += [text for text in (region, parts.get("country", "")) if text]
    is_part = not {"target", "url"} & parts.keys() and rest and ("street" in parts or not _is_target(whole))
    if not whole or not is_part:
        return whole
    unit = parts.get("unit", "")
    if unit and unit.isalnum() and len(unit) <= 4:
        rest[0] = f"# {unit}"  # so that the address parser recognizes "4B" as a unit
    return ", ".join((parts.get("street", whole), *rest))


def _zip(code: str) -> str:
    """Restore the leading zeros of a ZIP code, which spreadsheets drop: 7030 becomes 07030."""
    return code.zfill(5) if code.isdigit() and len(code) in (3, 4) else code


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line[: csv.field_size_limit()]], delimiter=delimiter), [""]) or [""]


def _columns(cells: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, cell in enumerate(cells):
        if (name := _NAMES.get(_plain(cell))) is not None:
            found.setdefault(name, at)
    return found if found.keys() & set(_WHOLE) else {}


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").lower().split())
