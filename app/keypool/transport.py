"""httpx2 transports (sync and async) that send each request of an OpenAI SDK client with a key from the pool.

All SDK methods use the transport, so keys rotate for all of them (`retry_loop.py`). If no key can take the request, the
transport itself returns an error response. The SDK must not retry (`max_retries=0`), because `RetryLoop` does.
"""

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Self, cast

import httpx2

from app.clock import Clock
from app.keypool.answer_reading import read_whole, replace_body
from app.keypool.attempts import DEFAULT_LIMITS, AsyncBoundedTransport, Attempt, BoundedTransport
from app.keypool.pool import KeyPool
from app.keypool.retry_loop import RetryLoop, Terms
from app.keypool.streams import AsyncReportingStream, ReportingStream, call_pool


class PooledTransport(httpx2.BaseTransport):
    """A transport that rotates keys, for `OpenAI(http_client=httpx2.Client(transport=...), max_retries=0)`."""

    def __init__(self, pool: KeyPool, clock: Clock, terms: Terms, inner: httpx2.BaseTransport | None = None) -> None:
        self._pool = pool
        self._clock = clock
        self._terms = terms
        self._inner = inner or BoundedTransport()

    def capped(self, further_keys: int) -> Self:
        """Return a copy with the same connections. Each request may use only `further_keys` keys after the first."""
        capped = copy.copy(self)
        capped._terms = replace(self._terms, further_keys=further_keys)
        return capped

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        loop = RetryLoop(self._pool, request, self._terms, ThreadDriver(self._clock, self._inner))
        response = run_in_thread(loop.run())
        if loop.stream_report is not None:
            response.stream = ReportingStream(cast(httpx2.SyncByteStream, response.stream), loop.stream_report)
        return response

    def close(self) -> None:
        self._terms.closed.set()
        self._inner.close()


class LimitedTransport(httpx2.BaseTransport):
    """A transport that sends each request once, with its own key, and applies the pool's limits to the response."""

    def __init__(self, inner: httpx2.BaseTransport, clock: Clock) -> None:
        self._driver = ThreadDriver(clock, inner)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        attempt = Attempt(request, DEFAULT_LIMITS, time.monotonic_ns)
        with attempt.under_way():
            response = self._driver.inner.handle_request(request)
        attempt.headers_complete = True
        replace_body(response, run_in_thread(read_whole(self._driver.read, response, attempt)))
        return response

    def close(self) -> None:
        self._driver.inner.close()


@dataclass(frozen=True, slots=True)
class ThreadDriver:
    """A `Driver` that blocks the calling thread."""

    clock: Clock
    inner: httpx2.BaseTransport

    async def call[T](self, work: Callable[[], T]) -> T:
        return work()

    async def pause(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        return self.inner.handle_request(request)

    async def read(self, response: httpx2.Response, most_bytes: int) -> bytes:
        stream, body = cast(httpx2.SyncByteStream, response.stream), bytearray()
        try:
            for chunk in stream:
                body += chunk
                if len(body) > most_bytes:
                    break
            return bytes(body)
        finally:
            stream.close()

    async def close(self, response: httpx2.Response) -> None:
        cast(httpx2.SyncByteStream, response.stream).close()


def run_in_thread[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine without an event loop, and return its result. Raises `RuntimeError` if it needs an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    raise RuntimeError("a coroutine of a blocking driver waits for an event loop")


class AsyncPooledTransport(httpx2.AsyncBaseTransport):
    """The counterpart of `PooledTransport` for `AsyncOpenAI`. `sleep` waits between attempts."""

    def __init__(
        self,
        pool: KeyPool,
        terms: Terms,
        inner: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pool = pool
        self._terms = terms
        self._inner = inner or AsyncBoundedTransport()
        self._sleep = sleep

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        loop = RetryLoop(self._pool, request, self._terms, _LoopDriver(self._pool, self._inner, self._sleep))
        response = await loop.run()
        if loop.stream_report is not None:
            stream = cast(httpx2.AsyncByteStream, response.stream)
            response.stream = AsyncReportingStream(stream, loop.stream_report, self._pool)
        return response

    async def aclose(self) -> None:
        self._terms.closed.set()
        await self._inner.aclose()


@dataclass(frozen=True, slots=True)
class _LoopDriver:
    pool: KeyPool
    inner: httpx2.AsyncBaseTransport
    sleep: Callable[[float], Awaitable[None]]

    async def call[T](self, work: Callable[[], T]) -> T:
        return await call_pool(self.pool, work)

    async def pause(self, seconds: float) -> None:
        await self.sleep(seconds)

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        return await self.inner.handle_async_request(request)

    async def read(self, response: httpx2.Response, most_bytes: int) -> bytes:
        stream, body = cast(httpx2.AsyncByteStream, response.stream), bytearray()
        try:
            async for chunk in stream:
                body += chunk
                if len(body) > most_bytes:
                    break
            return bytes(body)
        finally:
            await stream.aclose()

    async def close(self, response: httpx2.Response) -> None:
        await cast(httpx2.AsyncByteStream, response.stream).aclose()
