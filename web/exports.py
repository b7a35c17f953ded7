"""Send an export of properties as a download."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from fastapi.responses import StreamingResponse

from app.disk import naming_full_disk
from app.property.storage.properties.repository import EVERY, PropertyFilter
from app.services.reports.exports import COLUMNS, ExportFormat, check_format, read_columns, write
from app.services.reports.exports.rows import ADDRESS, PRESETS
from web.context import Context

_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSONL: "application/x-ndjson",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
    ExportFormat.GEOJSON: "application/geo+json",
}
_NAMES = "|".join((*COLUMNS, ADDRESS, *PRESETS))
#: The names that `read_columns` takes, as the OpenAPI document describes them.
COLUMNS_PATTERN = f"^(?:(?:{_NAMES})(?:,(?:{_NAMES}))*)?$"
_EXAMPLE = '"property","address"\n"3f2c9a7be1d04f6fa1b2c3d4e5f60718","12 Fictional Ave, Anytown, ST 00000"\n'
#: The answers of an export in the OpenAPI document, by media type.
EXPORT_CONTENT: dict[str, Any] = {
    kind.partition(";")[0]: {"schema": {"type": "string"}, "example": _EXAMPLE if chosen is ExportFormat.CSV else ""}
    for chosen, kind in _TYPES.items()
}
EXPORT_CONTENT[_TYPES[ExportFormat.GEOJSON]] = {
    "schema": {"type": "object"},
    "example": {"type": "FeatureCollection", "features": []},
}
_CHUNK_BYTES = 256 * 1024


def export_response(
    context: Context,
    chosen: ExportFormat,
    columns: str,
    *,
    only: PropertyFilter = EVERY,
    changed_since: datetime | None = None,
) -> StreamingResponse:
    """Return a download of the chosen properties and `columns` (`read_columns`).

    The export is first written to a temporary file, so that a slow reader holds no transaction open. Raises
    `InvalidColumnError`, `ConfigurationError` for a format that needs a package, and `NoSpaceError`.
    """
    names = read_columns(columns)
    check_format(chosen)
    with naming_full_disk(Path(tempfile.gettempdir())):
        file = tempfile.TemporaryFile()  # noqa: SIM115 (`_chunks` closes it)
        with closing(context.stores.properties.snapshot(changed_since=changed_since, only=only)) as properties:
            limit = context.settings.exports.min_confidence
            write(properties, chosen, file, names, min_confidence=limit)
            size = file.tell()
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="properties.{chosen}"',
        "Content-Length": str(size),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_chunks(file), headers=headers, media_type=_TYPES[chosen])


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
