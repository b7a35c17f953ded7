"""JSON Lines with all that is stored, and GeoJSON (RFC 7946) for maps; both written as the properties come."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from app.printable import json_text
from app.property.identity import point_of
from app.property.record import FIELDS
from app.services.reports.exports.columns import COLUMNS, about


def write_jsonl(properties: Iterable[Mapping[str, Any]], stream: TextIO) -> None:
    """One property a line, in the shape of `PropertyStore.get`."""
    for shown in properties:
        stream.write(json_text(shown) + "\n")


def write_geojson(properties: Iterable[Mapping[str, Any]], stream: TextIO) -> None:
    """A FeatureCollection with a feature a line; a property without a position has a null geometry (section 3.2)."""
    stream.write('{"type": "FeatureCollection", "features": [')
    between = "\n"
    for shown in properties:
        stream.write(between + json_text(feature(shown)))
        between = ",\n"
    stream.write("\n]}\n")


def feature(shown: Mapping[str, Any]) -> dict[str, Any]:
    """A property as a feature: the columns of the tables that have a value, with the types of the record."""
    record, beside = shown["record"], about(shown)
    values = {name: record.get(name) if name in FIELDS else beside[name] for name in COLUMNS}
    return {
        "type": "Feature",
        "id": shown["property"],
        "geometry": _point(point_of(record)),
        "properties": {name: value for name, value in values.items() if value is not None},
    }


def _point(point: tuple[float, float] | None) -> dict[str, Any] | None:
    """The longitude comes first (section 3.1.1). None for what is no place on Earth."""
    latitude, longitude = point or (math.inf, math.inf)
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return {"type": "Point", "coordinates": [longitude, latitude]}
