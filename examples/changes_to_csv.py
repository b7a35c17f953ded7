"""Append changes to a CSV file, each change once: `python examples/changes_to_csv.py --csv changes.csv`.

PROPINTEL_TOKEN holds a token with the role reader. The cursor of the last run is stored beside the file
(`changes.csv.cursor`).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from feed import Change, follow, keep_cursor, read_cursor, run

COLUMNS = ("published_at", "property", "field", "old", "new", "currency", "old_source", "new_source", "quote", "id")
_LIMIT = 500
#: Matches the places where a spreadsheet would see the start of a formula: at the start of a cell, and after `;`.
_FORMULA = re.compile(r'(\A|;)([\s"\u200b-\u200f\u2060\ufeff]*)([=+\-@\uff1d\uff0b\uff0d\uff20])')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://localhost:8000", help="the address of the HTTP API")
    parser.add_argument("--csv", type=Path, required=True, help="file that is appended to")
    parser.add_argument("--every", type=float, metavar="SECONDS", help="go on for ever; without it: once")
    args = parser.parse_args()
    run(lambda: append(args.url, os.environ["PROPINTEL_TOKEN"], args.csv), args.every)


def append(url: str, token: str, file: Path) -> int:
    cursor, written = file.with_name(f"{file.name}.cursor"), 0
    known = repair(file)
    for changes, since in follow(url, token, read_cursor(cursor), limit=_LIMIT):
        new = [change for change in changes if change["id"] not in known]
        write(file, new)
        known.update(change["id"] for change in new)
        keep_cursor(cursor, since)  # a crash before this line repeats the page, and `known` skips its rows
        written += len(new)
    return written


def repair(file: Path) -> set[str]:
    """Remove an incomplete last row, which a crash can leave, and return the ids in the file."""
    if not file.exists() or not file.stat().st_size:
        write_header(file)
        return set()
    whole = file.read_bytes()
    if not whole.endswith(b"\n"):  # no cell contains a newline
        with file.open("r+b") as cut:
            cut.truncate(whole.rfind(b"\n") + 1)
        return repair(file)
    with file.open(newline="", encoding="utf-8") as rows:
        return {row["id"] for row in csv.DictReader(rows)}


def write_header(file: Path) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        _writer(out).writerow(COLUMNS)


def write(file: Path, changes: Iterable[Change]) -> None:
    with file.open("a", newline="", encoding="utf-8") as out:
        _writer(out).writerows(row(change) for change in changes)
        out.flush()
        os.fsync(out.fileno())


def _writer(out: TextIO) -> Any:
    return csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")


def row(change: Change) -> list[str]:
    old, new = change["old_evidence"], change["new_evidence"]
    currency = change["context"]["new"].get("X_Currency", "")
    values = [change["published_at"], change["property"], change["field"], change["old"], change["new"], currency]
    sources = [old["source_url"] if old else "", new["source_url"], new["quote"], change["id"]]
    return [cell(value) for value in (*values, *sources)]


def cell(value: Any) -> str:
    """Return the value as one line of text, with `'` before text that a spreadsheet would run as a formula."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return _FORMULA.sub(r"\1'\2\3", text)


if __name__ == "__main__":
    main()
