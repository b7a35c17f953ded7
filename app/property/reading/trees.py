"""Parse markup into plain lxml elements, and return the text of elements.

The parser of `lxml.html` is slower, because it looks up a Python class for each element.
"""

import re
from collections.abc import Container
from functools import cached_property
from itertools import islice
from typing import Any

from lxml import etree

from app.property.reading import attribute_limit

_SQUARED = re.compile(r"(?<![^\W\d_])m 2\b(?![.,]\d)")


def parsed(text: str) -> Any:
    """Return the root of `text`, without comments and processing instructions; None if it cannot be parsed."""
    parser = etree.HTMLParser(encoding="utf-8", recover=True, huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(attribute_limit.limit_attributes(text).encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return None


class Elements:
    """The elements of a tree in page order, indexed by attribute.

    While this object refers to them, lxml reuses its element proxies instead of creating new ones on each access.
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
        if len(attributes) == 1:
            return [self._all[i] for i in self._by_attribute.get(attributes[0], ())]
        indexes = {i for name in attributes for i in self._by_attribute.get(name, ())}
        return [self._all[i] for i in sorted(indexes)]


def is_within(element: Any, block: Any) -> bool:
    return element is block or any(above is block for above in element.iterancestors())


def is_inside(element: Any, blocks: Container[Any]) -> bool:
    """Return whether `element` or an element around it is in `blocks`."""
    return element in blocks or any(above in blocks for above in element.iterancestors())


def levels_between(one: Any, other: Any, most: int) -> int:
    """Return the number of levels from `one` up to the nearest element that contains `other`, at most `most`."""
    around, climbed = {other, *other.iterancestors()}, enumerate((one, *islice(one.iterancestors(), most - 1)))
    return next((levels for levels, above in climbed if above in around), most)


def spaced_text(element: Any) -> str:
    """Return all text inside `element`, with spaces between elements and whitespace folded."""
    return " ".join(" ".join(element.itertext()).split())


def squared(text: str) -> str:
    """Join a unit and its superscript: `74.36m 2`, the text of `74.36m<sup>2</sup>`, becomes `74.36m2`."""
    return _SQUARED.sub("m2", text)


def whole_text(element: Any) -> str:
    """Return all text inside `element`, with whitespace folded."""
    return " ".join("".join(element.itertext()).split())
