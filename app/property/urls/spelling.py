"""Normalize the parts of a URL (RFC 3986 section 6.2.2), so that equivalent parts are equal."""

import re
from urllib.parse import quote

DEFAULT_PORTS = {"http": 80, "https": 443}
#: Characters that are not escaped in a path or query. `%` is included, because existing escapes must stay.
_KEEP = "%/:?#[]@!$&'()*+,;=-._~|"
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def escaped(text: str) -> str:
    """Return a path or query in ASCII. Decode unneeded escapes (`%7E`), and capitalize the others (`%2f`)."""
    return _ESCAPED.sub(_one_spelling, quote(text, safe=_KEEP))


def without_dots(path: str) -> str:
    """Return the path with `.` and `..` resolved (RFC 3986 section 5.2.4). The result begins with a slash."""
    kept: list[str] = []
    parts = path.split("/")[1:] if path.startswith("/") else path.split("/")
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    if parts[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _one_spelling(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else match[0].upper()
