"""CSV for spreadsheets and CRMs: the same columns always, and no text that a spreadsheet would run."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from app.property.record import FIELDS
from app.services.exports.columns import COLUMNS, about

#: what a spreadsheet takes for a formula (OWASP "CSV injection")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(properties: Iterable[Mapping[str, Any]], stream: TextIO) -> None:
    """A line of names, then one of values per property (RFC 4180, but for the ends of lines: `\\n`)."""
    writer = csv.writer(stream, lineterminator="\n")
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
            return json.dumps(value, ensure_ascii=False)
        case "boolean":
            return "true" if value else "false"
        case "integer" | "number":
            return str(value)
        case _:
            return _guarded(str(value))


def _words(value: str | list[str]) -> str:
    return _guarded(value if isinstance(value, str) else " ".join(value))


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
