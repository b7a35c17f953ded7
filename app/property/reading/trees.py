"""Markup to a tree of plain lxml elements, and the whole text of one of them.

`lxml.html`'s own parser would ask a function of Python which class each element shall have, every time it is met.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from lxml import etree

from app.property.reading import floods

_SQUARED = re.compile(r"(?<![^\W\d_])m 2\b(?![.,]\d)")


def parsed(text: str) -> Any:
    """The root of `text`, without comments and processing instructions; None where nothing can be made of it."""
    parser = etree.HTMLParser(encoding="utf-8", recover=True, huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(floods.without(text).encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return None


class Elements:
    """The elements of a tree in page order, by the attributes that they have.

    While somebody holds them lxml hands out these, and makes none anew at every look.
    """

    def __init__(self, root: Any) -> None:
        self._all = list(root.iter())

    @cached_property
    def _by_attribute(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for index, element in enumerate(self._all):
            for name in element.keys():  # noqa: SIM118 (an element's own iteration gives its children)
                found.setdefault(name, []).append(index)
        return found

    def having(self, *attributes: str) -> list[Any]:
        """The elements that have any of `attributes`."""
        if len(attributes) == 1:
            return [self._all[i] for i in self._by_attribute.get(attributes[0], ())]
        indexes = {i for name in attributes for i in self._by_attribute.get(name, ())}
        return [self._all[i] for i in sorted(indexes)]


def is_within(element: Any, block: Any) -> bool:
    """Whether `element` is `block` or stands in it."""
    return element is block or any(above is block for above in element.iterancestors())


def spaced_text(element: Any) -> str:
    """All text inside `element`, a space between what stands in elements of its own, whitespace folded."""
    return " ".join(" ".join(element.itertext()).split())


def squared(text: str) -> str:
    """`74.36m 2` of `74.36m<sup>2</sup>` as `74.36m2`."""
    return _SQUARED.sub("m2", text)


def whole_text(element: Any) -> str:
    """All text inside `element`, whitespace folded."""
    return " ".join("".join(element.itertext()).split())
