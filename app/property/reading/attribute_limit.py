"""Remove excess attributes of HTML elements before parsing, because libxml2 needs quadratic time for them.

The regular expressions split a tag into attributes by the HTML Standard (13.2.5), as libxml2 does. If they differed
from libxml2, a page could bypass the limit, and the CPU time limit of `budget.py` cannot interrupt libxml2.
"""

import re

_MOST_ATTRIBUTES = 300
_BLANK = r"[\t\n\f\r ]"
#: Matches an attribute's name, in which quotes are ordinary characters.
_NAME = r"(?:=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)"
_VALUE = r"""(?:"[^"]*+"?+|'[^']*+'?+|[^\t\n\f\r >"'][^\t\n\f\r >]*+)"""
_ATTRIBUTE = rf"(?:[\t\n\f\r /]*+{_NAME}(?:{_BLANK}*+={_BLANK}*+{_VALUE}?+)?+)"
_TOO_MANY = re.compile(rf"(<[A-Za-z][^\t\n\f\r />]*+{_ATTRIBUTE}{{{_MOST_ATTRIBUTES}}}+){_ATTRIBUTE}++")


def limit_attributes(text: str) -> str:
    """Return `text` with at most 300 attributes per element. Return the same object if no element has more."""
    return _TOO_MANY.sub(r"\1", text)
