"""Export properties as CSV, JSON Lines, Parquet, and GeoJSON.

Writers take an iterable of properties, as `PropertyStore.get` returns them, so that memory use stays constant.
"""

import importlib.util
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, TextIO

from app.errors import ConfigurationError
from app.property.merging.doubt import MIN_CONFIDENCE, without_improbable
from app.services.reports.exports.parquet_file import write_parquet
from app.services.reports.exports.rows import COLUMNS, read_columns
from app.services.reports.exports.text_files import write_csv, write_geojson, write_jsonl

__all__ = ["COLUMNS", "ExportFormat", "Written", "check_format", "read_columns", "write"]


class ExportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    GEOJSON = "geojson"


@dataclass(slots=True)
class Written:
    """The number of properties written, and the last property's `updated_at` (None if none was written)."""

    count: int = 0
    last_change: str | None = None


_TEXT: Mapping[ExportFormat, Callable[[Iterable[Mapping[str, Any]], TextIO, Sequence[str]], None]] = {
    ExportFormat.CSV: write_csv,
    ExportFormat.JSONL: write_jsonl,
    ExportFormat.GEOJSON: write_geojson,
}


def check_format(chosen: ExportFormat) -> None:
    if chosen is ExportFormat.PARQUET and importlib.util.find_spec("pyarrow") is None:
        problem = "needs the package pyarrow, which is not installed"
        raise ConfigurationError("--format parquet", problem, "Install pyarrow where this service is installed")


def write(
    properties: Iterable[Mapping[str, Any]],
    chosen: ExportFormat,
    stream: BinaryIO,
    columns: Sequence[str] = COLUMNS,
    *,
    min_confidence: float = MIN_CONFIDENCE,
) -> Written:
    """Write `columns` of `properties` to `stream` in UTF-8, with `?` for lone surrogates.

    Only with all `COLUMNS`, JSON Lines and Parquet have the evidence, too.

    Values whose confidence is below `min_confidence` are only in the evidence, if the format has any. `stream` stays
    open.
    """
    written = Written()

    def counted() -> Iterator[Mapping[str, Any]]:
        for shown in properties:
            yield without_improbable(shown, min_confidence)
            written.count += 1
            written.last_change = shown["updated_at"]

    if chosen is ExportFormat.PARQUET:
        write_parquet(counted(), stream, columns)
        return written
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
    try:
        _TEXT[chosen](counted(), text, columns)
    finally:
        text.detach()
    return written
