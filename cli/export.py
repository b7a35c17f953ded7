"""`propintel properties export`: export all properties as CSV, JSON Lines, Parquet, or GeoJSON."""

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

from app.disk import is_full, naming_full_disk, space_left
from app.errors.storage import NoSpaceError
from app.plurals import counted
from app.services.reports.exports import ExportFormat, check_format, read_columns, write
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.output import note, wants_json

_STDOUT = Path("-")
_COLUMNS_HELP = (
    "Only these columns, separated by commas, or `contractor`: the address and the facts of the brief. jsonl and "
    "parquet then have no evidence."
)


def _moment(text: str) -> datetime:
    """Parse an ISO 8601 time or day. A day means 00:00 UTC, and a time without an offset is in UTC."""
    try:
        at = datetime.fromisoformat(text.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        problem = f"{text!r} is not an ISO 8601 time, such as 2026-01-31 or 2026-01-31T08:15:00.123456+00:00"
        raise typer.BadParameter(problem) from None


def export(
    format_: Annotated[
        ExportFormat | None,
        typer.Option(
            "--format",
            help="csv: a column per field. jsonl: everything, with evidence; the default in a pipe or file. parquet: "
            "typed columns, evidence as JSON; needs the extra [parquet]. geojson: a point per property, for maps.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write. Default, and with -: stdout.")
    ] = None,
    columns: Annotated[str, typer.Option("--columns", metavar="NAMES", help=_COLUMNS_HELP)] = "",
    changed_since: Annotated[
        datetime | None,
        typer.Option(
            "--changed-since",
            parser=_moment,
            metavar="TIME",
            help="Only what changed since then: a day, or an `updated_at` of an earlier export.",
        ),
    ] = None,
) -> None:
    """Export all properties in the order of their last change.

    CSV always has the same columns. Lists are joined by "; ", tables such as the price history are JSON, and every cell
    is quoted. Text that a spreadsheet would run as a formula gets an apostrophe in front. The output file is replaced
    when the export is complete.

    To keep a copy up to date, see docs/export.md.
    """
    if output == _STDOUT:
        output = None
    if format_ is None:
        if output is None and not wants_json():
            raise typer.BadParameter("name a format, a file, or a pipe", param_hint="--format")
        format_ = ExportFormat.JSONL
    check_format(format_)
    chosen = read_columns(columns)
    if output is None and format_ is ExportFormat.PARQUET and sys.stdout.isatty():
        raise typer.BadParameter("a terminal cannot show parquet: name a file or a pipe", param_hint="--output")
    settings = load_settings()
    with (
        open_stores(settings) as stores,
        _opened(output) as stream,
        closing(stores.properties.snapshot(changed_since=changed_since)) as properties,
    ):
        written = write(properties, format_, stream, chosen, min_confidence=settings.exports.min_confidence)
    until = f", the last change at {written.last_change}" if written.last_change else ""
    note(f"{counted(written.count, 'property')} exported{f' to {output}' if output else ''}{until}")


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """Open `output` for writing; None is stdout. A regular file is replaced only after everything is written."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        special = _open_special(output)
        target = output.resolve()  # replace the target of a symlink, not the link
        if special is None:
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            os.close(handle)
    except OSError as exc:
        if is_full(exc):
            raise NoSpaceError(space_left(output), exc.strerror) from exc
        raise typer.BadParameter(f"{output} cannot be written: {exc.strerror}", param_hint="--output") from exc
    if special is not None:
        with special:
            yield special
        return
    try:
        with naming_full_disk(output), Path(name).open("wb") as stream:
            yield stream
        Path(name).chmod(0o666 & ~_umask())  # mkstemp creates files that only their owner can read
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _open_special(output: Path) -> BinaryIO | None:
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
