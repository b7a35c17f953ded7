"""Text from pages and callers is hostile: nothing here lets it move the cursor, style a terminal or begin a line."""

from __future__ import annotations

import json
import re
from typing import Any

#: C0 and C1 control characters, Unicode's ends of lines and paragraphs, and what reorders a line (Bidi_Control)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]")


def printable(text: str) -> str:
    """`text` on one line, without what a terminal would obey; each such character becomes a blank."""
    return _UNPRINTABLE.sub(" ", text)


def escaped(text: str) -> str:
    """As `printable`, but each such character is told as Python writes it, like `\\n` and `\\x1b`."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escaped_json(text: str) -> str:
    """As `escaped`, for a JSON document on one line: the same document."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def json_text(value: Any, **layout: Any) -> str:
    """JSON of `value` in the `layout` of `json.dumps`, whose line ends stay; escaped as `escaped_json` does it."""
    text = json.dumps(value, ensure_ascii=False, **layout)
    return "\n".join(escaped_json(line) for line in text.split("\n"))
