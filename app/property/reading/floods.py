"""Takes floods out of markup before it is parsed: libxml2 compares every attribute of an element with all others.

Tags are taken apart by the rules of the HTML Standard (13.2.5, "tokenization"), as libxml2 does: what the two would see
differently would be a way around the limit, and no signal ends what libxml2 has begun.
"""

from __future__ import annotations

import re

_MOST_ATTRIBUTES = 300
_BLANK = r"[\t\n\f\r ]"
#: the next attribute is behind blanks or slashes, or right behind a quote; quotes are but letters of a name
_NAME = r"(?:=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)"
_VALUE = r"""(?:"[^"]*+"?+|'[^']*+'?+|[^\t\n\f\r >"'][^\t\n\f\r >]*+)"""
_ATTRIBUTE = rf"(?:[\t\n\f\r /]*+{_NAME}(?:{_BLANK}*+={_BLANK}*+{_VALUE}?+)?+)"
_FLOOD = re.compile(rf"(<[A-Za-z][^\t\n\f\r />]*+{_ATTRIBUTE}{{{_MOST_ATTRIBUTES}}}+){_ATTRIBUTE}++")


def without(text: str) -> str:
    """`text` with at most 300 attributes an element; the same object where no element has more."""
    return _FLOOD.sub(r"\1", text)
