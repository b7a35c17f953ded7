"""Escape text from pages and callers, so that it cannot control a terminal or start a new line."""

import json
import re
from typing import Any

#: C0 and C1 control characters, and Unicode's line separators, paragraph separators, and Bidi_Control characters.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]")


def printable(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)


def escaped(text: str) -> str:
    """Replace control characters and line breaks with Python escapes such as `\\n` and `\\x1b`."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escaped_json(text: str) -> str:
    """Replace control characters and line breaks in a one-line JSON document with JSON escapes."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def json_text(value: Any, **layout: Any) -> str:
    """Return `value` as JSON. `layout` are options of `json.dumps`. Escape control characters except line breaks."""
    text = json.dumps(value, ensure_ascii=False, **layout)
    return "\n".join(escaped_json(line) for line in text.split("\n"))
