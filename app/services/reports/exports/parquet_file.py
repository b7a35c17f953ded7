"""Parquet with typed columns, a row group at a time. Needs pyarrow: the extra `parquet`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from app.errors import ConfigurationError
from app.property.record import FIELDS, FieldType
from app.services.reports.exports.columns import COLUMNS, about

if TYPE_CHECKING:
    import pyarrow as pa

#: properties in memory at a time, as they are written: with their evidence about 20 MB
ROWS_PER_GROUP = 1_000
#: after the columns of every table: all evidence by field, and that of all sides of every conflict, as JSON
_JSON_COLUMNS = ("evidence", "conflict_evidence")
_INT64 = range(-(2**63), 2**63)


def check_parquet() -> None:
    """Raise `ConfigurationError` if no library for Parquet is installed, with what to do about it."""
    if importlib.util.find_spec("pyarrow") is None:
        problem = "needs the package pyarrow, which is not installed"
        raise ConfigurationError("--format parquet", problem, "Install pyarrow where this service is installed")


def write_parquet(properties: Iterable[Mapping[str, Any]], stream: BinaryIO) -> None:
    """Columns of text, 64-bit numbers, booleans, lists of texts and moments in UTC; rows of a history are JSON.

    Dates are text: many a page knows the year or month only. A value that its column cannot hold (a whole number of
    more than 64 bits) is null there, and as it was in `evidence`. `stream` need not be one that can seek.
    """
    check_parquet()
    from pyarrow import parquet  # noqa: PLC0415 (an extra, and a tenth of a second)

    schema = _schema()
    group = _Group(schema)
    with parquet.ParquetWriter(_Counting(stream), schema, compression="snappy") as writer:
        for shown in properties:
            group.add(shown)
            if group.rows >= ROWS_PER_GROUP:
                writer.write_table(group.taken())
        if group.rows:
            writer.write_table(group.taken())


def _schema() -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415

    texts = pa.list_(pa.field("element", pa.string(), nullable=False))
    moment = pa.timestamp("us", tz="UTC")
    of_field = {
        "text": pa.string(),
        "date": pa.string(),
        "rows": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "texts": texts,
    }
    beside = {"property": pa.string(), "created_at": moment, "updated_at": moment}
    columns = [
        pa.field(name, of_field[FIELDS[name].type])
        if name in FIELDS
        else pa.field(name, beside.get(name, texts), nullable=False)
        for name in COLUMNS
    ]
    return pa.schema([*columns, *(pa.field(name, pa.string(), nullable=False) for name in _JSON_COLUMNS)])


class _Group:
    """The columns of a row group that fills: values as they are written, which take a tenth of what they were."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._columns: dict[str, list[Any]] = {name: [] for name in schema.names}
        self.rows = 0

    def add(self, shown: Mapping[str, Any]) -> None:
        record, beside = shown["record"], about(shown)
        for name in COLUMNS:
            value = _field(name, record.get(name)) if name in FIELDS else _beside(name, beside[name])
            self._columns[name].append(value)
        self._columns["evidence"].append(_json(shown["evidence"]))
        self._columns["conflict_evidence"].append(_json(shown["conflicts"]))
        self.rows += 1

    def taken(self) -> pa.Table:
        """All rows so far; the group is empty again."""
        import pyarrow as pa  # noqa: PLC0415

        table = pa.table(self._columns, schema=self._schema)
        self._columns, self.rows = {name: [] for name in self._schema.names}, 0
        return table


def _field(name: str, value: Any) -> Any:
    return None if value is None else _AS[FIELDS[name].type](value)


def _beside(name: str, value: Any) -> Any:
    if name in ("created_at", "updated_at"):
        return datetime.fromisoformat(value)
    return _text(value) if isinstance(value, str) else [_text(part) for part in value]


def _float(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _json(value: Any) -> str:
    return _text(json.dumps(value, ensure_ascii=False))


def _text(text: str) -> str:
    """Half of a surrogate pair, which no encoding has, becomes `?`."""
    return text.encode("utf-8", "replace").decode()


_AS: Mapping[FieldType, Callable[[Any], Any]] = {
    "text": lambda value: _text(str(value)),
    "date": lambda value: _text(str(value)),
    "rows": _json,
    "integer": lambda value: value if value in _INT64 else None,
    "number": _float,
    "boolean": bool,
    "texts": lambda value: [_text(str(part)) for part in value],
}


class _Counting:
    """A stream that knows where it is, for the writer: a pipe does not."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._written = stream, 0

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """Whoever opened the stream closes it."""
        self.closed = True
