"""Remove excess attributes before parsing: libxml2 compares each attribute of an element with all others.

The expressions split a tag into attributes by the HTML Standard (13.2.5), as libxml2 does. A difference could let a
page bypass the limit, and no signal interrupts libxml2.
"""

from __future__ import annotations

import re

_MOST_ATTRIBUTES = 300
_BLANK = r"[\t\n\f\r ]"
#: An attribute's name begins after blanks, slashes, or a closing quote. Quotes inside a name are ordinary characters.
_NAME = r"(?:=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)"
_VALUE = r"""(?:"[^"]*+"?+|'[^']*+'?+|[^\t\n\f\r >"'][^\t\n\f\r >]*+)"""
_ATTRIBUTE = rf"(?:[\t\n\f\r /]*+{_NAME}(?:{_BLANK}*+={_BLANK}*+{_VALUE}?+)?+)"
_TOO_MANY = re.compile(rf"(<[A-Za-z][^\t\n\f\r />]*+{_ATTRIBUTE}{{{_MOST_ATTRIBUTES}}}+){_ATTRIBUTE}++")


def limit_attributes(text: str) -> str:
    """Return `text` with at most 300 attributes per element. Return the same object if no element has more."""
    return _TOO_MANY.sub(r"\1", text)
