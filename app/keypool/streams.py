"""Pass event streams on to the caller. Report to the pool each stream's usage, and whether the stream broke."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

import httpx2

from app.keypool.answer_checks import parse_json
from app.keypool.attempts import Attempt, check_size
from app.keypool.pool import KeyPool
from app.keypool.spending import Usage
from app.keypool.stores.base import Lease
from app.keypool.wire import TokensUsed, read_usage, status_of_error

#: Errors after which the response is missing or incomplete. No other httpx2 error counts against the key.
NO_ANSWER = (
    httpx2.NetworkError,
    httpx2.ConnectTimeout,
    httpx2.ReadTimeout,
    httpx2.WriteTimeout,
    httpx2.RemoteProtocolError,
    httpx2.ProxyError,
    httpx2.DecodingError,
)

#: Minimum number of bytes kept from the end of a stream. The usage is near the end, followed only by short events.
_TAIL_BYTES = 65_536
#: Maximum number and length of the `"usage"` objects to parse, so that invalid data takes little time.
_USAGES_READ = 4
_USAGE_BYTES = 8_192
#: Quotes inside a JSON string are escaped, so this pattern cannot match text that the model wrote.
_USAGE = re.compile(rb'"usage"\s*:\s*(?=\{)')
#: How many of a stream's last events are searched for an error.
_EVENTS_READ = 4
_EVENT = re.compile(rb"^data: *(\{.*\})[ \t]*\r?\n", re.MULTILINE)
_TIER = re.compile(rb'"service_tier"\s*:\s*"(\w{1,32})"')


class StreamTail:
    """Keeps up to the last 128 KiB of a stream of server-sent events, to find errors and usage in it."""

    def __init__(self) -> None:
        self._tail = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._tail += chunk[-_TAIL_BYTES:]
        if len(self._tail) > 2 * _TAIL_BYTES:
            del self._tail[:-_TAIL_BYTES]

    def ends_event(self, added: int) -> bool:
        """Return whether an event ended in the last `added` bytes."""
        end = self._tail[-added - 3 :]
        return b"\n\n" in end or b"\n\r\n" in end or b"\r\r" in end

    def has_events(self) -> bool:
        return b"data:" in self._tail

    def failed(self) -> bool:
        for event in _EVENT.findall(self._tail)[-_EVENTS_READ:]:
            try:
                body = parse_json(event)
            except ValueError:
                return True
            response = body.get("response")
            error = response.get("error") if isinstance(response, dict) else body.get("error")
            if body.get("type") == "error" and not isinstance(error, dict):
                error = body
            if isinstance(error, dict) and error and status_of_error(error) >= 500:
                return True
        return False

    def tier(self) -> str:
        named = _TIER.findall(self._tail)
        return bytes(named[-1]).decode() if named else ""

    def usage(self) -> TokensUsed | None:
        """Return the last usage in the kept bytes, or None, for example if the stream was closed early."""
        for match in list(_USAGE.finditer(self._tail))[: -_USAGES_READ - 1 : -1]:
            text = self._tail[match.end() : match.end() + _USAGE_BYTES].decode(errors="replace")
            try:
                found, _ = json.JSONDecoder().raw_decode(text)
            except (ValueError, RecursionError):
                continue
            used = read_usage(found)
            if used is not None:
                return used
        return None


class StreamReport:
    """Reports the end of one stream to the pool, once. The report contains the usage and whether the stream broke."""

    def __init__(
        self,
        pool: KeyPool,
        lease: Lease,
        to_usage: Callable[[TokensUsed, str], Usage],
        closed: threading.Event,
        attempt: Attempt,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._to_usage = to_usage
        self._closed = closed
        self._tail = StreamTail()
        self._over = False
        self._attempt = attempt
        self._event_bytes = 0

    def feed(self, chunk: bytes) -> None:
        """Raises `AnswerTooLargeError` if one event is longer than an answer may be."""
        self._tail.feed(chunk)
        if self._tail.ends_event(len(chunk)):
            self._event_bytes = 0
            self._attempt.end_event()
        else:
            self._event_bytes += len(chunk)
            check_size(self._event_bytes, self._attempt.limits.answer_bytes, "in one event")

    def close(self, error: BaseException | None = None, *, is_whole: bool = False) -> Callable[[], None] | None:
        """End the stream, which `error` may have broken. Return a function that reports this, or None if the stream had
        already ended. A stream that is whole, but has no events, is broken too.
        """
        if self._over:
            return None
        self._over = True
        broke = (isinstance(error, NO_ANSWER) and not self._closed.is_set()) or self._tail.failed()
        broke = broke or (is_whole and not self._tail.has_events())
        used = self._tail.usage()
        usage = None if used is None else self._to_usage(used, self._tail.tier())
        return lambda: self._pool.end_stream(self._lease, usage, broke=broke)


class ReportingStream(httpx2.SyncByteStream):
    """Passes a stream on to a sync client, and reports the stream's end to the pool."""

    def __init__(self, inner: httpx2.SyncByteStream, report: StreamReport) -> None:
        self._inner = inner
        self._report = report

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._inner:
                self._report.feed(chunk)
                yield chunk
        except BaseException as exc:
            self._make_report(exc)
            raise
        self._make_report(is_whole=True)

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._make_report()

    def _make_report(self, error: BaseException | None = None, *, is_whole: bool = False) -> None:
        report = self._report.close(error, is_whole=is_whole)
        if report is not None:
            report()


class AsyncReportingStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, report: StreamReport, pool: KeyPool) -> None:
        self._inner = inner
        self._report = report
        self._pool = pool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._inner)
        error: BaseException | None = None
        is_whole = False
        try:
            async for chunk in chunks:
                self._report.feed(chunk)
                yield chunk
            is_whole = True
        except BaseException as exc:
            error = exc
            raise
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
            await self._make_report(error, is_whole=is_whole)

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            await self._make_report()

    async def _make_report(self, error: BaseException | None = None, *, is_whole: bool = False) -> None:
        report = self._report.close(error, is_whole=is_whole)
        if report is not None:
            await call_pool(self._pool, report)


async def call_pool[T](pool: KeyPool, work: Callable[[], T]) -> T:
    """Run `work`, which calls the pool, in another thread if the pool's store may block.

    If the caller is canceled, `work` still runs to its end before `CancelledError` is raised, so that a lease acquired
    by it can be released.
    """
    if not pool.blocking:
        return work()
    task = asyncio.ensure_future(asyncio.to_thread(work))
    canceled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as exc:
            canceled = exc
    if canceled is not None:
        task.exception()  # without this, the event loop logs that the exception was never retrieved
        raise canceled
    return task.result()
