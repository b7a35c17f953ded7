"""The protocol between the worker and the browser process: JSON objects, one per line.

The worker first sends `launch`, and the browser process answers `ready` or `broken`. For each page, the worker sends
`render`. The browser process sends an `ask` for each request of the page, and the worker replies with `answer`.
Finally, the browser process sends `rendered`, `redirect`, or `failed`. The worker may also `cancel` a rendering.

An `ask` contains a `load` (`method`, `url`, `headers` and `cookies` by name, `body`). The `answer` contains `loaded`
(`status`, `headers` by name, `body`), or null if there is no response. Bodies are base64.
"""

import base64
import json
from typing import Any

#: Maximum size of a message, in bytes: enough for 10 million characters of up to six bytes each in JSON.
MAX_BYTES = 80_000_000

Message = dict[str, Any]


def to_text(body: bytes) -> str:
    return base64.b64encode(body).decode("ascii")


def from_text(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def packed(message: Message) -> bytes:
    line = json.dumps(message).encode() + b"\n"
    if len(line) > MAX_BYTES:
        raise ValueError(f"a message of {len(line)} bytes")
    return line


def unpacked(line: bytes) -> Message | None:
    """Decode a message, or return None for an incomplete last line. Raises `ValueError` if it is not a JSON object."""
    if not line.endswith(b"\n"):
        return None
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message that is no object")
    return message
