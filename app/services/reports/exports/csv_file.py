"""CSV for spreadsheets and CRMs: the same columns always, and no text that a spreadsheet would run."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from app.printable import json_text, printable
from app.property.record import FIELDS
from app.services.reports.exports.columns import COLUMNS, about

#: What begins a formula where a cell begins (OWASP "CSV injection"), with what spreadsheets may skip before it. A cell
#: begins with the field; also after `;` and a line's end, for a spreadsheet that takes `;` for the separator.
_FORMULA = re.compile(r'(\A|[;\n])((?:[^\S\n]|["\u200b-\u200d\u2060\ufeff])*)([=+\-@\uff1d\uff0b\uff0d\uff20])')


def write_csv(properties: Iterable[Mapping[str, Any]], stream: TextIO) -> None:
    """A line of names, then one of values per property (RFC 4180, but for the ends of lines: `\\n`), all quoted."""
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    for shown in properties:
        beside = about(shown)
        writer.writerow(
            _field(name, shown["record"].get(name)) if name in FIELDS else _words(beside[name]) for name in COLUMNS
        )


def _field(name: str, value: Any) -> str:
    match FIELDS[name].type:
        case _ if value is None:
            return ""
        case "texts":
            return _guarded("; ".join(str(part) for part in value))
        case "rows":
            return _FORMULA.sub(_as_json_escape, json_text(value))
        case "boolean":
            return "true" if value else "false"
        case "integer" | "number":
            return str(value)
        case _:
            return _guarded(str(value))


def _words(value: str | list[str]) -> str:
    return _guarded(value if isinstance(value, str) else " ".join(value))


def _guarded(text: str) -> str:
    """`text` without what a terminal would obey but line ends, and with an apostrophe before each place where a
    spreadsheet would begin a formula."""
    guarded = _FORMULA.sub(r"\1'\2\3", "\n".join(printable(line) for line in text.split("\n")))
    return f"'{guarded}" if guarded.startswith("\n") else guarded


def _as_json_escape(match: re.Match[str]) -> str:
    """For JSON, which stays the same document: a match is always within a string."""
    return f"{match[1]}{match[2]}\\u{ord(match[3]):04x}"
