"""The protocol between the worker and the browser process: JSON objects, each after its length in four bytes,
big-endian.

The worker sends `launch` first, then `render`, `cancel`, and `answer`. The browser sends `ready` or `broken`
once. For each `render` it then sends an `ask` per request of the page, and one of `rendered`, `redirect`, and `failed`.
An `ask` contains a `load` (`method`, `url`, `headers` and `cookies` by name, `body`). Its `answer` contains `loaded`
(`status`, `headers` by name, `body`) or null. Bodies are base64.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct(">I")
LENGTH_BYTES = _LENGTH.size
#: The largest message, in bytes. It suffices for 10 million characters of up to six bytes each in JSON.
MAX_BYTES = 80_000_000

Message = dict[str, Any]


def to_text(body: bytes) -> str:
    return base64.b64encode(body).decode("ascii")


def from_text(text: str) -> bytes:
    """Decode a body from a message. Raises `ValueError` if it is invalid."""
    return base64.b64decode(text, validate=True)


def packed(message: Message) -> bytes:
    """Return the message as bytes, with its length in front. Raises `ValueError` if it is too large."""
    body = json.dumps(message).encode()
    if len(body) > MAX_BYTES:
        raise ValueError(f"a message of {len(body)} bytes")
    return _LENGTH.pack(len(body)) + body


def length(header: bytes) -> int:
    """Return the length that the four bytes before a message state. Raises `ValueError` if it is too large."""
    (size,) = _LENGTH.unpack(header)
    if size > MAX_BYTES:
        raise ValueError(f"a message of {size} bytes")
    return int(size)


def unpacked(body: bytes) -> Message:
    """Return the message in `body`. Raises `ValueError` if it is invalid."""
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("a message that is no object")
    return message


def receive(read: Callable[[int], bytes]) -> Message | None:
    """Return the next message of a blocking stream; None at its end. Raises `ValueError` if it is invalid."""
    header = read(LENGTH_BYTES)
    if len(header) < LENGTH_BYTES:
        return None
    size = length(header)
    body = read(size)
    return unpacked(body) if len(body) == size else None
