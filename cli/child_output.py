"""Merge the output of several child processes on stderr, line by line. Each line names its process.

A line that is a JSON object gets the field `process`. Every other line gets a prefix. A thread for each child reads the
child's pipe without waiting for stderr, so a paused terminal does not block the workers. While stderr is blocked,
output is buffered up to a limit, and the rest is dropped.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from io import BytesIO, RawIOBase

from app.redaction import redact

_CHUNK_BYTES = 65_536
#: Maximum bytes of a line. Longer lines are printed in parts.
_LONGEST_LINE_BYTES = 1_000_000
#: Maximum bytes of output buffered while stderr is blocked.
_MOST_WAITING_BYTES = 16_000_000
#: The buffer size of a child's pipe. On Linux, a write that fits into the free space is not mixed with other writes.
_PIPE_BYTES = 1_048_576
_PATIENCE_SECONDS = 2.0
_FULL_TERMINAL_SECONDS = 0.05
_COLORS = (36, 33, 32, 35, 34, 31)


class ChildOutput:
    """A context manager that prints the output of child processes, and notes of this process, on `stream`.

    Each child writes to its `pipe(name)`. At the end of the context, the remaining output is printed. `names` are the
    names of all processes, which are needed to align and color the prefixes. `stream` must be unbuffered, because
    Python does not exit until a blocked stream has accepted its buffer.
    """

    def __init__(self, stream: RawIOBase | BytesIO, names: Sequence[str], *, colors: bool = False) -> None:
        self._stream = stream
        width = max(map(len, names))
        self._prefixes = {name: _prefix(name, width, n if colors else None) for n, name in enumerate(names)}
        self._changed = threading.Condition()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._dropped = 0
        self._closed = False
        self._readers: list[threading.Thread] = []
        self._writer = threading.Thread(target=self._write_all, name="output", daemon=True)

    @contextlib.contextmanager
    def pipe(self, name: str) -> Iterator[tuple[int, threading.Thread]]:
        """Yield a file descriptor for the output of a child started in the block, and the thread that reads it."""
        reading, writing = os.pipe()
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # the system's limit for pipe buffers may be lower
                fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        reader = threading.Thread(target=self._read, args=(name, reading), name=f"output of {name}", daemon=True)
        self._readers = [one for one in self._readers if one.is_alive()] + [reader]
        reader.start()
        try:
            yield writing, reader
        finally:
            os.close(writing)

    def say(self, text: str) -> None:
        """Print a note of this process, with secrets redacted."""
        self.show(redact(f"propintel: {text}"))

    def show(self, text: str) -> None:
        """Print `text` without redaction, because the user needs the secret sign-in link in it."""
        self._put([text.encode("utf-8", "backslashreplace")])

    def __enter__(self) -> ChildOutput:
        self._writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS  # a grandchild may keep a pipe open, so limit the wait
        for reader in self._readers:
            reader.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._writer.join(_PATIENCE_SECONDS)

    def _read(self, name: str, descriptor: int) -> None:
        rest = b""
        with open(descriptor, "rb", buffering=0) as pipe:
            while chunk := pipe.read(_CHUNK_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > _LONGEST_LINE_BYTES:
                    lines, rest = [*lines, rest], b""
                self._print(name, lines)
        self._print(name, [rest])

    def _print(self, name: str, lines: Sequence[bytes]) -> None:
        if marked := [self._marked(name, line) for line in lines if line.strip()]:
            self._put(marked)

    def _marked(self, name: str, line: bytes) -> bytes:
        clean = redact(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        if _is_object(clean):
            return b'{"process": "%s", %s' % (name.encode(), clean[1:])
        return self._prefixes[name] + clean

    def _put(self, lines: list[bytes]) -> None:
        data = b"".join(line + b"\n" for line in lines)
        with self._changed:
            if self._waiting_bytes + len(data) > _MOST_WAITING_BYTES:
                self._dropped += len(lines)
                return
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            self._changed.notify()

    def _write_all(self) -> None:
        while data := memoryview(self._take()):
            with contextlib.suppress(OSError):  # stderr was closed, but the children must continue
                while data:
                    written = self._stream.write(data)
                    if written is None:  # another program made the terminal non-blocking, and it is full
                        time.sleep(_FULL_TERMINAL_SECONDS)
                    data = data[written or 0 :]

    def _take(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            taken = b"".join(self._waiting)
            if self._dropped:
                taken += b"propintel: nobody read the output; lines dropped: %d\n" % self._dropped
            self._waiting, self._waiting_bytes, self._dropped = [], 0, 0
            return taken


def _prefix(name: str, width: int, color: int | None) -> bytes:
    text = f"{name:<{width}} | "
    return (text if color is None else f"\x1b[{_COLORS[color % len(_COLORS)]}m{text}\x1b[0m").encode()


def _is_object(line: bytes) -> bool:
    try:
        return line.startswith(b'{"') and isinstance(json.loads(line), dict)
    except ValueError:
        return False
