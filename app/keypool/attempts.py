"""Limit the time and the bytes of one attempt: a request that is sent with one key, and its response."""

import math
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

from app.bounded_network import AsyncBoundedBackend, BoundedBackend, Exchange

_MEGABYTE = 1_000_000
#: A request or a file that moves at least this many bytes per second may take longer than the timeout.
_MIN_BYTES_PER_SECOND = 100_000
#: Bytes that are unpacked between two checks of the deadline.
_UNPACKED_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """Limits of an answer, in bytes on the wire and, separately, in bytes after decompression.

    `answer_bytes` limits an answer that is read at once, and one event of a stream. `file_bytes` limits a downloaded
    file, and all events of a stream. `stream_seconds` limits the time of a stream.
    """

    answer_bytes: int = 32 * _MEGABYTE
    file_bytes: int = 1_000 * _MEGABYTE
    stream_seconds: float = 3_600.0


DEFAULT_LIMITS = AnswerLimits()


class AnswerTooLargeError(httpx2.RemoteProtocolError):
    """An answer exceeds a limit of `AnswerLimits`."""


class Attempt(Exchange):
    """An attempt that must be complete within the request's timeout, counted from its first byte.

    A file only has to keep coming. A stream of events must complete an event within each timeout.
    """

    def __init__(self, request: httpx2.Request, limits: AnswerLimits, monotonic_ns: Callable[[], int]) -> None:
        super().__init__(self.header_bytes + limits.answer_bytes)
        timeout = request.extensions.get("timeout", {}).get("read")
        self.limits = limits
        self._now_ns = monotonic_ns
        self._timeout_ns = round(min(timeout or math.inf, limits.stream_seconds) * 1e9)
        self._sent_bytes = int(request.headers.get("content-length", 0))
        self._deadline_ns: int | None = None
        self._last_ns: int | None = None
        self._is_file = False

    def seconds_left(self) -> float:
        now_ns = self._now_ns()
        if self._deadline_ns is None:
            self._deadline_ns = now_ns + self._timeout_ns + self._ns_for(self._sent_bytes)
        left_ns = self._deadline_ns - now_ns
        if self._is_file:
            left_ns += self._ns_for(self.received_bytes)
        if left_ns <= 0:
            raise httpcore2.ReadTimeout("the answer was not complete in time")
        return left_ns / 1e9

    def check_time(self) -> None:
        try:
            self.seconds_left()
        except httpcore2.ReadTimeout as exc:
            raise httpx2.ReadTimeout(str(exc)) from None

    def too_large(self, limit_bytes: int, where: str) -> Exception:
        return _too_large(limit_bytes, where)

    def begin_file(self) -> None:
        """Apply the limits of files from now on."""
        self._is_file, self.wire_bytes = True, self.limits.file_bytes

    def begin_stream(self) -> None:
        """Apply the limits of streams from now on. The first event is due within the timeout."""
        self.wire_bytes = self.limits.file_bytes
        self._last_ns = self._now_ns() + round(self.limits.stream_seconds * 1e9)
        self.end_event()

    def end_event(self) -> None:
        """Allow the next event of a stream a new timeout."""
        self._deadline_ns = min(self._last_ns or 0, self._now_ns() + self._timeout_ns)

    @staticmethod
    def _ns_for(moved_bytes: int) -> int:
        return moved_bytes * 1_000_000_000 // _MIN_BYTES_PER_SECOND


def unpack(response: httpx2.Response, packed: bytes, most_bytes: int, attempt: Attempt) -> bytes:
    """Return the decompressed body. Raises `AnswerTooLargeError`, `httpx2.DecodingError`, and `httpx2.ReadTimeout`."""

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(packed), _UNPACKED_AT_ONCE):
            attempt.check_time()
            yield packed[start : start + _UNPACKED_AT_ONCE]

    body = bytearray()
    for piece in _decoded(response, pieces()).iter_bytes():
        body += piece
        check_size(len(body), most_bytes, "after decompression")
    return bytes(body)


def unpack_stream(response: httpx2.Response, attempt: Attempt) -> None:
    """Let the body of `response` be decompressed while it is read, up to the limit of a file."""
    stream, headers = response.stream, response.headers
    packed = httpx2.Response(response.status_code, headers=headers, stream=stream)
    del headers["content-encoding"]
    headers.pop("content-length", None)
    most = attempt.limits.file_bytes
    if isinstance(stream, httpx2.SyncByteStream):
        response.stream = _Unpacked(packed, stream, most)
    else:
        response.stream = _AsyncUnpacked(packed, stream, most)


def check_size(size: int, most_bytes: int, where: str) -> None:
    if size > most_bytes:
        raise _too_large(most_bytes, where)


def _too_large(limit_bytes: int, where: str) -> AnswerTooLargeError:
    return AnswerTooLargeError(f"the answer is larger than {limit_bytes / _MEGABYTE:g} MB {where}")


def _decoded(response: httpx2.Response, pieces: Iterator[bytes]) -> httpx2.Response:
    return httpx2.Response(response.status_code, headers=response.headers, content=pieces)


class _Unpacked(httpx2.SyncByteStream):
    def __init__(self, packed: httpx2.Response, stream: httpx2.SyncByteStream, most_bytes: int) -> None:
        self._packed = packed
        self._stream = stream
        self._most_bytes = most_bytes

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._packed.iter_bytes():
            size += len(chunk)
            check_size(size, self._most_bytes, "after decompression")
            yield chunk

    def close(self) -> None:
        self._stream.close()


class _AsyncUnpacked(httpx2.AsyncByteStream):
    def __init__(self, packed: httpx2.Response, stream: Any, most_bytes: int) -> None:
        self._packed = packed
        self._stream = stream
        self._most_bytes = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._packed.aiter_bytes():
            size += len(chunk)
            check_size(size, self._most_bytes, "after decompression")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class BoundedTransport(httpx2.HTTPTransport):
    """Connections that apply the limits of the current `Attempt`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # httpx2 has no option for the network backend
        self._pool._network_backend = BoundedBackend(self._pool._network_backend)


class AsyncBoundedTransport(httpx2.AsyncHTTPTransport):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pool._network_backend = AsyncBoundedBackend(self._pool._network_backend)
