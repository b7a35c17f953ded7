"""The formats by name, and one way to write them all."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, TextIO

from app.services.reports.exports.csv_file import write_csv
from app.services.reports.exports.json_files import write_geojson, write_jsonl
from app.services.reports.exports.parquet_file import check_parquet, write_parquet


class ExportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    GEOJSON = "geojson"

    @property
    def is_text(self) -> bool:
        return self is not ExportFormat.PARQUET


@dataclass(slots=True)
class Written:
    """How many properties were written, and when the last of them changed; None if there was none."""

    count: int = 0
    last_change: str | None = None


_TEXT: Mapping[ExportFormat, Callable[[Iterable[Mapping[str, Any]], TextIO], None]] = {
    ExportFormat.CSV: write_csv,
    ExportFormat.JSONL: write_jsonl,
    ExportFormat.GEOJSON: write_geojson,
}


def check_format(chosen: ExportFormat) -> None:
    """Raise `ConfigurationError` if what the format needs is not installed."""
    if chosen is ExportFormat.PARQUET:
        check_parquet()


def write(properties: Iterable[Mapping[str, Any]], chosen: ExportFormat, stream: BinaryIO) -> Written:
    """Write `properties` to `stream` in UTF-8, as they come; half of a surrogate pair becomes `?`.

    `stream` is left open. Raises what reading the properties and writing to `stream` raise, and `ConfigurationError`
    for a format whose library is not installed.
    """
    written = Written()
    if chosen is ExportFormat.PARQUET:
        write_parquet(_counted(properties, written), stream)
        return written
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
    try:
        _TEXT[chosen](_counted(properties, written), text)
    finally:
        text.detach()  # flushes, and leaves the stream to whoever opened it
    return written


def _counted(properties: Iterable[Mapping[str, Any]], written: Written) -> Iterator[Mapping[str, Any]]:
    for shown in properties:
        yield shown
        written.count += 1
        written.last_change = shown["updated_at"]
