"""Read the point that scripts and widgets pass to a map.

`new Map({center: {lat: 43.65, lng: -116.45}})` has too few facts for `state.py` to read it as a property. Points are
ignored if they are imprecise, or under keys for the visitor's position, a map's first view, or a firm. The first
remaining point counts as the property's if all other remaining points are within `_NEAR` degrees of it.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from app.property.fields.table import AXES
from app.property.reading import lenient_json, object_keys, pointers
from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.state import blobs
from app.property.reading.terms import meaning, words_of
from app.property.reading.visitor_objects import without_visitors
from app.property.record import Method

#: Matches keys of coordinates that are not the property's, such as a visitor's, a map's default, or a firm's.
_ELSEWHERE = re.compile(
    r"\b(?:viewer|visitors?|clients?|ip|geo ?ip|request|default\w*|initial\w*|fallback|home ?page|headquarters|stores?|"
    r"dealers?|websites?|pois?|places|stations?|amenities|sold|areas?|bounds|viewport|north\w*|south\w*)\b"
)
#: Matches a coordinate with enough decimals to locate a house. A town's coordinates often have fewer.
_PRECISE = re.compile(r"-?\d{1,3}\.\d{4,}")
#: Matches words that may precede the axis in a coordinate's key, as in `markerLat`.
_OF_A_MAP = re.compile(r"^(?:marker|map|pin|center|geo) ")
_NEAR = 0.001
#: At most `_MOST_NODES` nodes of a JSON value are examined. A value with at most `_FEW_NODES` objects is skipped if it
#: names a firm, because the point is then probably the firm's.
_MOST_NODES, _FEW_NODES = 200, 12
FIRM = re.compile(
    r"\b(?:our (?:office|team)|offices?|headquarters|realty|realtors|agency|brokerage|contact us|visit us)\b", re.I
)
#: At most `_MOST_WIDGETS` attributes are read. Attributes with more than `_MOST_CARRIED` characters are skipped.
_MOST_WIDGETS, _MOST_CARRIED = 40, 50_000
_JSON_ATTRIBUTES = ("data-props", "data-state", "data-config", "data-options", "data-map", "data-settings", "data-json")


def read(page: Document) -> Iterator[Reading]:
    found: list[tuple[str, Point]] = []
    for where, value in (*blobs(page), *_widgets(page)):
        nodes = list(_nodes(value))
        points = [point for pointer, node in nodes if (point := _point(pointer, node)) is not None]
        if len(nodes) > _FEW_NODES or not any(_speaks_of_a_firm(node) for _, node in nodes):
            found += [(where, point) for point in points]
    own = [(where, point) for where, point in found if _may_be_own(f"{where}{point[0][1]}", point)]
    if not own or not all(_are_near(own[0][1], point) for _, point in own):
        return
    where, first = own[0]
    for field, pointer, raw in first:
        quote = f'"{pointer.rpartition("/")[2]}": {raw}'
        locator = f"{where}#{pointer}" if "/@" not in where else where.partition("/@")[0]
        yield Reading(field, raw, Method.STATE, locator, quote, 0.5)


#: A latitude and a longitude, each as a tuple of field, JSON pointer, and value.
Point = list[tuple[str, str, Any]]


def _widgets(page: Document) -> Iterator[tuple[str, Any]]:
    carried = (
        (element, name, element.get(name) or "")
        for element in page.having(*_JSON_ATTRIBUTES)
        for name in _JSON_ATTRIBUTES
    )
    likely = (one for one in carried if "lat" in one[2] and len(one[2]) <= _MOST_CARRIED)
    for element, name, text in islice(likely, _MOST_WIDGETS):
        value = without_visitors(lenient_json.loads(text))
        if isinstance(value, dict | list):
            yield f"{page.path(element)}/@{name}", value


def _speaks_of_a_firm(node: dict[str, Any]) -> bool:
    return any(isinstance(v, str) and len(v) <= 120 and FIRM.search(v) for v in node.values())


def _may_be_own(path: str, point: Point) -> bool:
    keys = [(key, words_of(key)) for key in path.rpartition("#")[2].split("/")]
    return all(_PRECISE.fullmatch(str(raw)) for _, _, raw in point) and not any(map(_leads_elsewhere, keys))


def _leads_elsewhere(named: tuple[str, str]) -> bool:
    key, words = named
    if object_keys.is_cut(key, words) and not words.startswith("map "):
        return True
    return any(pattern.search(words) for pattern in (object_keys.OFFICE, object_keys.AGENT, _ELSEWHERE))


def _are_near(one: Point, other: Point) -> bool:
    return all(abs(float(a[2]) - float(b[2])) <= _NEAR for a, b in zip(one, other, strict=True))


def _nodes(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    stack: list[tuple[str, Any]] = [("", value)]
    for _ in range(_MOST_NODES):
        if not stack:
            return
        pointer, node = stack.pop()
        inner = node.items() if isinstance(node, dict) else enumerate(node)
        stack.extend((pointers.below(pointer, key), v) for key, v in inner if isinstance(v, dict | list))
        if isinstance(node, dict):
            yield pointer, node


def _point(pointer: str, node: dict[str, Any]) -> Point | None:
    named = ((key, meaning(_OF_A_MAP.sub("", words_of(str(key))))) for key in node)
    stated = {found.field: key for key, found in named if found is not None}
    if not all(axis in stated and isinstance(node[stated[axis]], str | float) for axis in AXES):
        return None
    return [(axis, pointers.below(pointer, stated[axis]), node[stated[axis]]) for axis in AXES]
