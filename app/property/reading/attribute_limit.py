"""Remove excess attributes before parsing: libxml2 compares each attribute of an element with all others.

Tags are tokenized by the HTML Standard (13.2.5), as in libxml2. Any difference in tokenizing would bypass the limit,
and no signal interrupts libxml2.
"""

from __future__ import annotations

import re

_MOST_ATTRIBUTES = 300
_BLANK = r"[\t\n\f\r ]"
#: An attribute follows blanks, slashes, or a quote; quotes within a name are ordinary characters.
_NAME = r"(?:=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)"
_VALUE = r"""(?:"[^"]*+"?+|'[^']*+'?+|[^\t\n\f\r >"'][^\t\n\f\r >]*+)"""
_ATTRIBUTE = rf"(?:[\t\n\f\r /]*+{_NAME}(?:{_BLANK}*+={_BLANK}*+{_VALUE}?+)?+)"
_FLOOD = re.compile(rf"(<[A-Za-z][^\t\n\f\r />]*+{_ATTRIBUTE}{{{_MOST_ATTRIBUTES}}}+){_ATTRIBUTE}++")


def limit_attributes(text: str) -> str:
    """Return `text` with at most 300 attributes per element; the same object if no element has more."""
    return _FLOOD.sub(r"\1", text)
