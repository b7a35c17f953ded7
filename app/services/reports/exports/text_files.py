"""Write CSV for spreadsheets and CRMs, JSON Lines with all stored data, and GeoJSON (RFC 7946) for maps."""

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from app.printable import json_text, printable
from app.property.merging.identity import point_of
from app.property.record import FIELDS
from app.services.reports.exports.rows import COLUMNS, row_of

#: Matches the start of a formula (OWASP "CSV injection"), and characters before it that spreadsheets skip. A formula
#: may also start after `;` or a line end, because some spreadsheets begin a new cell there.
_FORMULA = re.compile(r'(\A|[;\n])((?:[^\S\n]|["\u200b-\u200d\u2060\ufeff])*)([=+\-@\uff1d\uff0b\uff0d\uff20])')


def write_csv(properties: Iterable[Mapping[str, Any]], stream: TextIO, columns: Sequence[str]) -> None:
    """Write a header and one record per property (RFC 4180, but with `\\n` as line end).

    Text that a spreadsheet would run as a formula is escaped.
    """
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    for shown in properties:
        writer.writerow(_cell(name, value) for name, value in row_of(shown, columns).items())


def _cell(name: str, value: Any) -> str:
    match FIELDS[name].type if name in FIELDS else "":
        case _ if value is None:
            return ""
        case "rows":
            return _FORMULA.sub(
                lambda it: f"{it[1]}{it[2]}\\u{ord(it[3]):04x}", json_text(value)
            )  # unlike an apostrophe, this escape does not change the JSON value
        case "boolean":
            return "true" if value else "false"
        case "integer" | "number":
            return str(value)
        case "texts":
            return _guarded("; ".join(str(part) for part in value))
        case _:
            return _guarded(" ".join(value) if isinstance(value, list) else str(value))


def _guarded(text: str) -> str:
    guarded = _FORMULA.sub(r"\1'\2\3", "\n".join(printable(line) for line in text.split("\n")))
    return f"'{guarded}" if guarded.startswith("\n") else guarded


def write_jsonl(properties: Iterable[Mapping[str, Any]], stream: TextIO, columns: Sequence[str]) -> None:
    """Write one property per line, in the shape of `PropertyStore.get`, or only `columns` if these are not all."""
    for shown in properties:
        stream.write(json_text(shown if columns == COLUMNS else row_of(shown, columns)) + "\n")


def write_geojson(properties: Iterable[Mapping[str, Any]], stream: TextIO, columns: Sequence[str]) -> None:
    """Write a FeatureCollection with one feature per line. A feature's properties are the columns that have a value.

    A feature without a valid position has a null geometry (RFC 7946, section 3.2).
    """
    stream.write('{"type": "FeatureCollection", "features": [')
    between = "\n"
    for shown in properties:
        values = {name: value for name, value in row_of(shown, columns).items() if value is not None}
        latitude, longitude = point_of(shown["record"]) or (math.inf, math.inf)
        is_there = abs(latitude) <= 90 and abs(longitude) <= 180
        point = {"type": "Point", "coordinates": [longitude, latitude]} if is_there else None
        feature = {"type": "Feature", "id": shown["property"], "geometry": point, "properties": values}
        stream.write(between + json_text(feature))
        between = ",\n"
    stream.write("\n]}\n")
