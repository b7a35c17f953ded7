"""The point that a script hands to its map, where what it hands over names the page's street.

`new Map({center: {lat: 43.65, lng: -116.45}, marker: {title: "6203 W Tamsin Ridge Ct"}})` says too little of a home to
be its state. A map of several, or of a town, names no such street or more points than one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.property.extract import pointers
from app.property.extract.base import Candidate, Reading
from app.property.extract.document import Document
from app.property.extract.readings import candidates_of
from app.property.extract.state import blobs
from app.property.extract.terms import meaning
from app.property.extract.trees import spaced_text
from app.property.normalise.texts import letters_of
from app.property.record import Method

_STREET = re.compile(r"^\d{1,6}[A-Z]?\s[^,|]{3,60}")
_MOST_NODES = 200
_AXES = ("Latitude", "Longitude")


class MapCalls:
    """Latitude and Longitude."""

    name = "map"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        if page.root is None:
            return
        heading = spaced_text(page.heading) if page.heading is not None else ""
        streets = {letters_of(m.group()) for text in (page.title, heading) if (m := _STREET.match(text))}
        for where, value in blobs(page) if streets else ():
            nodes = list(_nodes(value)) if isinstance(value, dict) else []
            points = [point for pointer, node in nodes if (point := _point(pointer, node)) is not None]
            if len(points) != 1 or len(nodes) >= _MOST_NODES or not any(_names(node, streets) for _, node in nodes):
                continue
            for field, pointer, raw in points[0]:
                reading = Reading(
                    field, raw, Method.STATE, f"{where}#{pointer}", f'"{pointer.rpartition("/")[2]}": {raw}', 0.6
                )
                yield from candidates_of(reading, page.locale)


def _nodes(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Objects with their pointers; at most 200."""
    stack: list[tuple[str, Any]] = [("", value)]
    for _ in range(_MOST_NODES):
        if not stack:
            return
        pointer, node = stack.pop()
        inner = node.items() if isinstance(node, dict) else enumerate(node)
        stack.extend((pointers.below(pointer, key), v) for key, v in inner if isinstance(v, dict | list))
        if isinstance(node, dict):
            yield pointer, node


def _point(pointer: str, node: dict[str, Any]) -> list[tuple[str, str, Any]] | None:
    """Both coordinates with their pointers; None for an object that has not both."""
    told = {found.field: key for key in node if (found := meaning(str(key))) is not None}
    if not all(axis in told and isinstance(node[told[axis]], str | float) for axis in _AXES):
        return None
    return [(axis, pointers.below(pointer, told[axis]), node[told[axis]]) for axis in _AXES]


def _names(node: dict[str, Any], streets: set[str]) -> bool:
    return any(isinstance(v, str) and len(v) <= 120 and letters_of(v) in streets for v in node.values())
