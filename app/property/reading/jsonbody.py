"""Read JSON bodies of county property services, ArcGIS queries, and listing APIs.

ArcGIS responses give aliases of column names in `fields[].alias`. An alias is used if the column's own name has no
known meaning. A body with several parcels describes several properties, so each object is read alone (`Document.row`).
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from app.property.fields.table import AXES
from app.property.reading import objects
from app.property.reading.base import Candidate, Reading
from app.property.reading.document import Document
from app.property.reading.object_keys import RESULT_KEYS
from app.property.reading.object_values import Place, Source
from app.property.reading.pointers import below, key_of, pointed
from app.property.reading.readings import candidates_of
from app.property.reading.terms import meaning, words_of
from app.property.record import Method

_NEWEST = re.compile(r"\s+current$", re.IGNORECASE)
#: The EPSG codes of WGS 84 and NAD 83, which differ by only one or two meters.
_IN_DEGREES = (4326, 4269)


def read(page: Document) -> Iterator[Reading | Candidate]:
    """Read the body's only object, or the object at `page.row`."""
    value, pointer = the_one(page.json, page.row)
    if value is None:
        return
    source = Source(Method.STATE, 0.75, page.locale.lang)
    own = {alias: name for name, alias in _labels(page.json).items()}
    for reading in objects.read(value, source, Place(pointer)):
        yield from (_under_its_name(candidate, own) for candidate in candidates_of(reading, page.locale))
    yield from _position(page.json, page.row, source)


def _position(body: Any, row: str | None, source: Source) -> Iterator[Reading]:
    """Read the point or centroid, in degrees, of the ArcGIS feature at `row` or of the only feature.

    A parcel that only has corners is skipped, because the body states no point to quote.
    """
    if row is None and len(parcels(body)) != 1:
        return
    index = 0 if row is None else _feature_at(row)
    if index is None:
        return
    feature = body["features"][index]
    for name in ("centroid", "geometry"):
        spot = feature.get(name)
        reference = spot.get("spatialReference") or body.get("spatialReference") if isinstance(spot, dict) else None
        if not isinstance(reference, dict) or reference.get("wkid") not in _IN_DEGREES:
            continue
        x, y = spot.get("x"), spot.get("y")
        if isinstance(x, float) and isinstance(y, float):
            where = f"/features/{index}/{name}"
            for axis, end, degrees in zip(AXES, "yx", (y, x), strict=True):
                quote = f'"{end}": {degrees}'
                yield Reading(axis, degrees, source.method, f"{where}/{end}", quote, source.confidence)
            return


def _feature_at(row: str) -> int | None:
    found = re.fullmatch(r"/features/(\d+)/\w+", row)
    return int(found[1]) if found else None


def _labels(body: Any) -> dict[str, str]:
    """Map the column names of an ArcGIS response to their aliases, from `fieldAliases` and `fields`.

    The word `Current` at an alias's end is removed: it only marks the newest year (`Full Cash Value Current`).
    """
    if not isinstance(body, dict):
        return {}
    fields, aliases = body.get("fields"), body.get("fieldAliases")
    named = [*aliases.items()] if isinstance(aliases, dict) else []
    named += (
        [(f.get("name"), f.get("alias")) for f in fields if isinstance(f, dict)] if isinstance(fields, list) else []
    )
    return {name: _NEWEST.sub("", alias) for name, alias in named if isinstance(name, str) and isinstance(alias, str)}


def _under_its_name(candidate: Candidate, names: dict[str, str]) -> Candidate:
    """Replace an alias in the candidate's locator and quote by the key that the body uses."""
    head, _, key = candidate.locator.rpartition("/")
    alias = key_of(key)
    if alias not in names or f'"{alias}"' not in candidate.quote or names[alias] == alias:
        return candidate
    name = names[alias]
    return replace(candidate, locator=below(head, name), quote=candidate.quote.replace(f'"{alias}"', f'"{name}"', 1))


def parcels(value: Any) -> list[dict[str, Any]]:
    """Return the attributes of each feature of an ArcGIS or GeoJSON response; an empty list for other JSON."""
    features = value.get("features") if isinstance(value, dict) else None
    if not isinstance(features, list):
        return []
    inner = [f.get("attributes") or f.get("properties") for f in features if isinstance(f, dict)]
    return [f for f in inner if isinstance(f, dict)]


def objects_in(value: Any) -> list[tuple[dict[str, Any], str]]:
    """Return the objects that a JSON body lists, each with its JSON pointer.

    Listed objects are the features of an ArcGIS or GeoJSON response, the items of a list, or the items of the first
    list under a key such as `results` (`RESULT_KEYS`).
    """
    found = _listed(value, "", 0)
    if found is None:
        return []
    items, pointer = found
    labels = _labels(value)
    objects_: list[tuple[dict[str, Any], str]] = []
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        inside = next((name for name in ("attributes", "properties") if isinstance(item.get(name), dict)), None)
        inner = item if inside is None else item[inside]
        where = f"{pointer}/{place}" if inside is None else f"{pointer}/{place}/{inside}"
        objects_.append((_aliased(inner, labels), where))
    return objects_


def _listed(value: Any, pointer: str, depth: int) -> tuple[list[Any], str] | None:
    if isinstance(value, list):
        return (value, pointer) if any(isinstance(item, dict) for item in value) else None
    if not isinstance(value, dict) or depth > 2:
        return None
    for key, inner in value.items():
        where = below(pointer, key)
        named = words_of(key) in RESULT_KEYS or (depth == 0 and len(value) == 1)
        found = _listed(inner, where, depth + 1) if named or isinstance(inner, dict) else None
        if found is not None:
            return found
    return None


def the_one(value: Any, row: str | None = None) -> tuple[Any, str]:
    """Return the object at `row`, or the body's only object, with its JSON pointer; (None, "") if there is none.

    If all objects of a list are about one property, as tax bills of several years, the newest is returned.
    """
    if row is not None:
        found = pointed(value, row)
        return (_aliased(found, _labels(value)), row) if isinstance(found, dict) else (None, "")
    rows = objects_in(value) if parcels(value) or _only_list(value) is not None else []
    if len(rows) == 1:
        return rows[0]
    if rows:
        found = [row for row, _ in rows]
        return rows[objects.newest_of(found)] if objects.are_of_one(found) else (None, "")
    return (value, "") if isinstance(value, dict) and _only_list(value) is None else (None, "")


def _only_list(value: Any) -> list[Any] | None:
    """Return the list that is the whole body, or its only member."""
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
    return value if isinstance(value, list) else None


def _aliased(row: dict[str, Any], aliases: dict[str, str]) -> dict[str, Any]:
    """Return `row` with each key of unknown meaning replaced by its alias, if the alias has a known meaning."""
    return {aliases[k] if k in aliases and meaning(k) is None and meaning(aliases[k]) else k: v for k, v in row.items()}
