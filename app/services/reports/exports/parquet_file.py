"""Write Parquet with typed columns, one row group at a time. Requires pyarrow (the extra `parquet`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, BinaryIO

from app.property.record import FIELDS
from app.services.reports.exports.rows import ADDRESS, COLUMNS, row_of

if TYPE_CHECKING:
    import pyarrow as pa

#: Maximum number of properties in memory. With their evidence, 1,000 take about 20 MB.
ROWS_PER_GROUP = 1_000
#: JSON columns after `COLUMNS`: all evidence by field, and all conflicts with the evidence of each value.
_JSON_COLUMNS = ("evidence", "conflict_evidence")
_INT64 = range(-(2**63), 2**63)


def write_parquet(properties: Iterable[Mapping[str, Any]], stream: BinaryIO, columns: Sequence[str]) -> None:
    """Write properties as rows of a Parquet table.

    Columns have native types, except that lists of rows are JSON, and dates are text, because many have no day. An
    integer of more than 64 bits is null, but the column `evidence` contains it. `stream` need not be seekable.
    """
    import pyarrow as pa  # noqa: PLC0415 (an optional package, which takes 0.1 s to load)
    from pyarrow import parquet  # noqa: PLC0415

    schema = _schema(columns)
    with parquet.ParquetWriter(stream, schema, compression="snappy") as writer:
        for rows in batched((_row(shown, columns) for shown in properties), ROWS_PER_GROUP):
            writer.write_table(pa.Table.from_pylist(list(rows), schema=schema))


def _schema(columns: Sequence[str]) -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415

    texts, moment = pa.list_(pa.field("element", pa.string(), nullable=False)), pa.timestamp("us", tz="UTC")
    types = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "texts": texts, "moment": moment}
    given = set(COLUMNS) - set(FIELDS)  # only these have a value in every row
    fields = [pa.field(name, types.get(_type(name), pa.string()), nullable=name not in given) for name in columns]
    evidence = _JSON_COLUMNS if columns == COLUMNS else ()
    return pa.schema([*fields, *(pa.field(name, pa.string(), nullable=False) for name in evidence)])


def _type(name: str) -> str:
    if name in FIELDS:
        return FIELDS[name].type
    return {"property": "text", ADDRESS: "text", "created_at": "moment", "updated_at": "moment"}.get(name, "texts")


def _row(shown: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    row = {
        name: None if value is None else _CONVERSIONS[_type(name)](value)
        for name, value in row_of(shown, columns).items()
    }
    return {**row, "evidence": _json(shown["evidence"]), "conflict_evidence": _json(shown["conflicts"])}


def _float(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _json(value: Any) -> str:
    return _text(json.dumps(value, ensure_ascii=False))


def _text(text: Any) -> str:
    return str(text).encode("utf-8", "replace").decode()


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "date": _text,
    "rows": _json,
    "integer": lambda value: value if value in _INT64 else None,
    "number": _float,
    "boolean": bool,
    "texts": lambda value: [_text(part) for part in value],
    "moment": datetime.fromisoformat,
}
