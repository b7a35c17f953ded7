"""How the worker and the browser's process talk: JSON objects, each after its length in four bytes, big-endian.

To the browser: first `start` (how it is launched), then `draw` and `cancel`, and `answer` to what it asked. From it:
`ready` or `broken` once; then for each `draw`: an `ask` for each request of the page, and one of `drawn`, `onward` and
`failed`. An `ask` has a `load` (`method`, `url`, `headers` and `cookies` by name, `body`), its `answer` what was
`loaded` (`status`, `headers` by name, `body`) or null. Bodies are base64.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct(">I")
LENGTH_BYTES = _LENGTH.size
#: a document of 10 million characters, each of which may take six bytes in JSON
MAX_BYTES = 80_000_000

Message = dict[str, Any]


def to_text(body: bytes) -> str:
    """A body as it stands in a message."""
    return base64.b64encode(body).decode("ascii")


def from_text(text: str) -> bytes:
    """The body of a message. Raises `ValueError` for what is none."""
    return base64.b64decode(text, validate=True)


def packed(message: Message) -> bytes:
    """The message as it is sent. Raises `ValueError` if it is too large."""
    body = json.dumps(message).encode()
    if len(body) > MAX_BYTES:
        raise ValueError(f"a message of {len(body)} bytes")
    return _LENGTH.pack(len(body)) + body


def length(header: bytes) -> int:
    """The length that the first four bytes tell. Raises `ValueError` if it is too large."""
    (size,) = _LENGTH.unpack(header)
    if size > MAX_BYTES:
        raise ValueError(f"a message of {size} bytes")
    return int(size)


def unpacked(body: bytes) -> Message:
    """The message. Raises `ValueError` for what is none."""
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("a message that is no object")
    return message


def receive(read: Callable[[int], bytes]) -> Message | None:
    """The next message of a blocking stream; None at its end. Raises `ValueError` for what is none."""
    header = read(LENGTH_BYTES)
    if len(header) < LENGTH_BYTES:
        return None
    size = length(header)
    body = read(size)
    return unpacked(body) if len(body) == size else None
