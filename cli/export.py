"""`propintel export`: all properties as CSV or JSON Lines."""

from __future__ import annotations

import csv
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from app.property.record import FIELDS
from app.property.store import PropertyStore, every
from app.services.stores import open_stores
from app.settings import load_settings
from cli.output import note

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel export --format csv -o properties.csv
  propintel export --format jsonl | jq -c '{property, price: .record.ListPrice}'
  propintel export --format jsonl --changed-since 2026-01-31
"""
_PAGE = 500
_STDOUT = Path("-")
_FIRST, _LAST = ("property",), ("sources", "created_at", "updated_at")
#: what a spreadsheet takes for a formula (OWASP "CSV injection")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


@app.command(epilog=_EXAMPLES)
def export(
    format_: Annotated[
        ExportFormat, typer.Option("--format", help="csv: a column per field. jsonl: all, evidence too.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; stdout without it, or with -.")
    ] = None,
    changed_since: Annotated[
        datetime | None, typer.Option("--changed-since", help="Leave out what is unchanged since then (UTC).")
    ] = None,
) -> None:
    """Export all properties, what changed last at the end.

    CSV has the same columns always: one per RESO field, lists joined by "; ", rows as JSON. A text that a spreadsheet
    would run as a formula gets an apostrophe in front. A file is replaced as a whole, or not at all; a pipe or a device
    is written to.
    """
    if output == _STDOUT:
        output = None
    since = changed_since.replace(tzinfo=UTC) if changed_since else None
    with open_stores(load_settings()) as stores, _opened(output) as stream:
        rows = _properties(stores.properties, since)
        count = _write_csv(rows, stream) if format_ is ExportFormat.CSV else _write_jsonl(rows, stream)
    note(f"{count} properties exported{f' to {output}' if output else ''}")


def _properties(store: PropertyStore, since: datetime | None) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for row in every(partial(store.page, limit=_PAGE, changed_since=since)):
        if row["property"] not in seen:  # one that changed meanwhile comes a second time
            seen.add(row["property"])
            yield row


def _write_jsonl(properties: Iterator[dict[str, Any]], stream: TextIO) -> int:
    count = 0
    for count, row in enumerate(properties, start=1):  # noqa: B007 (the last number is the result)
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _write_csv(properties: Iterator[dict[str, Any]], stream: TextIO) -> int:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*_FIRST, *FIELDS, *_LAST))
    count = 0
    for count, row in enumerate(properties, start=1):  # noqa: B007 (the last number is the result)
        sources = " ".join(source["url"] for source in row["sources"])
        values = (_csv_value(row["record"], name) for name in FIELDS)
        writer.writerow((row["property"], *values, _guarded(sources), row["created_at"], row["updated_at"]))
    return count


def _csv_value(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
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


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Stdout, what is no file as it is, or a file that appears under its name only when all is written."""
    if output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        special = _open_special(output)
        target = output.resolve()  # behind a symlink: the link stays one
        if special is None:
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            os.close(handle)
    except OSError as exc:
        raise typer.BadParameter(f"{output} cannot be written: {exc.strerror}", param_hint="--output") from exc
    if special is not None:
        with special:
            yield special
        return
    try:
        with Path(name).open("w", encoding="utf-8", newline="") as stream:
            yield stream
        Path(name).chmod(0o666 & ~_umask())  # mkstemp makes files for the owner only
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _open_special(output: Path) -> TextIO | None:
    """Open `output` if it is there and no regular file (a pipe, a device); a directory raises `OSError`."""
    try:
        if stat.S_ISREG(output.stat().st_mode):
            return None
    except FileNotFoundError:
        return None
    return os.fdopen(os.open(output, os.O_WRONLY), "w", encoding="utf-8", newline="")


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
