"""Takes floods out of markup before it is parsed: libxml2 compares every attribute of an element with all others."""

from __future__ import annotations

import re

#: a tag with as many attributes as no page has is at least this long
_LONG_TAG = re.compile(r"<[A-Za-z][^\s/>]*(?=[^>]{3000})")
_ATTRIBUTE = re.compile(r"""[\s/]+[^\s"'<>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?""")
_MOST_ATTRIBUTES = 300


def without(text: str) -> str:
    """`text` with at most 300 attributes an element; the same object where no element has more."""
    kept: list[str] = []
    start = 0
    for tag in _LONG_TAG.finditer(text):
        if tag.start() < start:
            continue
        at = last = tag.end()
        for count in range(len(text)):
            match = _ATTRIBUTE.match(text, at)
            if match is None:
                break
            at = match.end()
            if count < _MOST_ATTRIBUTES:
                last = at
        if at > last:
            kept.append(text[start:last])
            start = at
    return "".join((*kept, text[start:])) if kept else text
