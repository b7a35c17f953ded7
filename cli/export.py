"""`propintel export`: all properties as CSV, JSON Lines, Parquet or GeoJSON."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from app.services.reports.exports import ExportFormat, check_format, write
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.output import note

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel export --format csv -o properties.csv
  propintel export --format jsonl | jq -c '{property, price: .record.ListPrice}'
  propintel export --format geojson -o map.geojson
  propintel export --format jsonl --changed-since 2026-01-31T08:15:00Z
"""
_STDOUT = Path("-")


def _moment(text: str) -> datetime:
    """A moment as `updated_at` has it, or a day. Without an offset it is UTC."""
    try:
        at = datetime.fromisoformat(text.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        problem = f"{text!r} is no moment of ISO 8601, like 2026-01-31 or 2026-01-31T08:15:00.123456+00:00"
        raise typer.BadParameter(problem) from None


@app.command(epilog=_EXAMPLES)
def export(
    format_: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="csv: a column per field. jsonl: all, evidence too. parquet: typed columns, evidence as JSON; needs "
            "the extra [parquet]. geojson: a point per property, for maps.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; stdout without it, or with -.")
    ] = None,
    changed_since: Annotated[
        datetime | None,
        typer.Option(
            "--changed-since",
            parser=_moment,
            metavar="MOMENT",
            help="Leave out what is unchanged since then: a day, or an `updated_at` of the export before.",
        ),
    ] = None,
) -> None:
    """Export all properties as they are now, what changed last at the end.

    CSV has the same columns always: one per RESO field, lists joined by "; ", rows as JSON; all are quoted. An
    apostrophe stands before what a spreadsheet would run as a formula. A file is replaced as a whole, or not at all; a
    pipe or a device is written to.

    To keep a copy up to date, remember the last `updated_at`, ask for what changed since, and drop the properties
    that `replaces` names: docs/export.md.
    """
    if output == _STDOUT:
        output = None
    check_format(format_)
    if output is None and format_ is ExportFormat.PARQUET and sys.stdout.isatty():
        raise typer.BadParameter("parquet is not for a terminal: name a file or a pipe", param_hint="--output")
    with (
        open_stores(load_settings()) as stores,
        _opened(output) as stream,
        closing(stores.properties.snapshot(changed_since=changed_since)) as properties,
    ):
        written = write(properties, format_, stream)
    until = f"; the last change was {written.last_change}" if written.last_change else ""
    note(f"{written.count} properties exported{f' to {output}' if output else ''}{until}")


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """Stdout, what is no file as it is, or a file that appears under its name only when all is written."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
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
        with Path(name).open("wb") as stream:
            yield stream
        Path(name).chmod(0o666 & ~_umask())  # mkstemp makes files for the owner only
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _open_special(output: Path) -> BinaryIO | None:
    """Open `output` if it is there and no regular file (a pipe, a device); a directory raises `OSError`."""
    try:
        if stat.S_ISREG(output.stat().st_mode):
            return None
    except FileNotFoundError:
        return None
    return os.fdopen(os.open(output, os.O_WRONLY), "wb")


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
