"""The pool under a plain `openai.OpenAI`: httpx2 transports, sync and async, that put a lease on each request.

They sit below every SDK method, see every response, rotate keys, and answer themselves when no key has room. What is to
be done is said by `walk`; here it is done. The SDK above must not retry (`max_retries=0`): coming back later is the
task's affair.
"""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, Self, cast

import httpx2

from app.clock import Clock
from app.keypool.organisations import SharedLimits
from app.keypool.pool import KeyPool, Pause
from app.keypool.pricing import Pricing
from app.keypool.walk import (
    KEY_ID,
    Book,
    Drain,
    Effect,
    StreamReport,
    Terms,
    Transmit,
    Walk,
    allowed_keys,
    spending_batch,
)

__all__ = [
    "KEY_ID",
    "AsyncPooledTransport",
    "PooledTransport",
    "allowed_keys",
    "spending_batch",
]


def free_of_charge(model: str, input_tokens: float, output_tokens: float, tier: str = "") -> int:  # noqa: ARG001 (a `Pricing`)
    """The price where nobody counts cost."""
    return 0


def _normal(base_url: str) -> str:
    """As it stands at the beginning of a request's URL, without slashes at its end."""
    return str(httpx2.URL(base_url)).rstrip("/")


class PooledTransport(httpx2.BaseTransport):
    """Sync: `OpenAI(http_client=httpx2.Client(transport=PooledTransport(...)), max_retries=0)`."""

    def __init__(
        self,
        pool: KeyPool,
        clock: Clock,
        *,
        max_wait_seconds: float,
        base_url: str = "",
        inner: httpx2.BaseTransport | None = None,
        price: Pricing = free_of_charge,
        shared_limits: SharedLimits | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._terms = Terms(max_wait_seconds, price, _normal(base_url), shared_limits)
        self._inner = inner or httpx2.HTTPTransport()
        self._closed = threading.Event()

    def capped(self, further_keys: int) -> Self:
        """The same keys and connections, for requests that may use so many keys beside their first one."""
        capped = copy.copy(self)
        capped._terms = replace(self._terms, further_keys=further_keys)
        return capped

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        walk = Walk(self._pool, request, self._terms)
        try:
            response = self._walk_to_the_end(walk)
        except BaseException:
            if walk.open_response is not None:
                cast(httpx2.SyncByteStream, walk.open_response.stream).close()
            walk.abandon()
            raise
        if walk.stream_report is not None:
            stream = cast(httpx2.SyncByteStream, response.stream)
            response.stream = _WatchedStream(stream, walk.stream_report, self._closed)
        return response

    def _walk_to_the_end(self, walk: Walk) -> httpx2.Response:
        steps = walk.steps()
        try:
            effect = next(steps)
            while True:
                try:
                    result = self._perform(effect)
                except Exception as exc:  # noqa: BLE001 (the walk decides what it means)
                    effect = steps.throw(exc)
                else:
                    effect = steps.send(result)
        except StopIteration as end:
            return cast(httpx2.Response, end.value)
        finally:
            steps.close()  # here, not wherever the generator is collected: what it has bound is this context's

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Book(work):
                return work()
            case Pause(seconds):
                return self._clock.sleep(seconds)
            case Transmit(request):
                return self._inner.handle_request(request)
            case Drain(response):
                stream = cast(httpx2.SyncByteStream, response.stream)
                try:
                    return b"".join(stream)
                finally:
                    stream.close()

    def close(self) -> None:
        self._closed.set()
        self._inner.close()


class AsyncPooledTransport(httpx2.AsyncBaseTransport):
    """The same for `openai.AsyncOpenAI`. `sleep` is how it waits for a key."""

    def __init__(
        self,
        pool: KeyPool,
        *,
        max_wait_seconds: float,
        base_url: str = "",
        inner: httpx2.AsyncBaseTransport | None = None,
        price: Pricing = free_of_charge,
        shared_limits: SharedLimits | None = None,
        further_keys: int | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pool = pool
        self._terms = Terms(max_wait_seconds, price, _normal(base_url), shared_limits, further_keys)
        self._inner = inner or httpx2.AsyncHTTPTransport()
        self._closed = threading.Event()
        self._sleep = sleep

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        walk = Walk(self._pool, request, self._terms)
        try:
            response = await self._walk_to_the_end(walk)
        except BaseException:
            try:
                if walk.open_response is not None:
                    await cast(httpx2.AsyncByteStream, walk.open_response.stream).aclose()
            finally:
                await _book(self._pool, walk.abandon)
            raise
        if walk.stream_report is not None:
            stream = cast(httpx2.AsyncByteStream, response.stream)
            response.stream = _AsyncWatchedStream(stream, walk.stream_report, self._pool, self._closed)
        return response

    async def _walk_to_the_end(self, walk: Walk) -> httpx2.Response:
        steps = walk.steps()
        try:
            effect = next(steps)
            while True:
                try:
                    result = await self._perform(effect)
                except Exception as exc:  # noqa: BLE001 (the walk decides what it means)
                    effect = steps.throw(exc)
                else:
                    effect = steps.send(result)
        except StopIteration as end:
            return cast(httpx2.Response, end.value)
        finally:
            steps.close()  # as in `PooledTransport`

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case Book(work):
                return await _book(self._pool, work)
            case Pause(seconds):
                return await self._sleep(seconds)
            case Transmit(request):
                return await self._inner.handle_async_request(request)
            case Drain(response):
                stream = cast(httpx2.AsyncByteStream, response.stream)
                try:
                    return b"".join([chunk async for chunk in stream])
                finally:
                    await stream.aclose()

    async def aclose(self) -> None:
        self._closed.set()
        await self._inner.aclose()


async def _book(pool: KeyPool, work: Callable[[], Any]) -> Any:
    """Call the pool, from a thread if its store blocks.

    Runs to its end even if the caller is cancelled, who learns of that afterwards: what was taken meanwhile must be
    known before it can be given back.
    """
    if not pool.blocking:
        return work()
    task = asyncio.ensure_future(asyncio.to_thread(work))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is not None:
        task.exception()  # looked at, or the loop complains
        raise cancelled
    return task.result()


class _WatchedStream(httpx2.SyncByteStream):
    """A stream of events on its way to the caller; how it ends and its usage are reported when it is over.

    That it breaks because its transport was `closed` is no failure.
    """

    def __init__(self, inner: httpx2.SyncByteStream, report: StreamReport, closed: threading.Event) -> None:
        self._inner = inner
        self._report = report
        self._closed = closed

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._inner:
                self._report.feed(chunk)
                yield chunk
        except BaseException as exc:
            self._make_report(None if self._closed.is_set() else exc)
            raise
        self._make_report()

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._make_report()

    def _make_report(self, error: BaseException | None = None) -> None:
        report = self._report.close(error)
        if report is not None:
            report()


class _AsyncWatchedStream(httpx2.AsyncByteStream):
    def __init__(
        self, inner: httpx2.AsyncByteStream, report: StreamReport, pool: KeyPool, closed: threading.Event
    ) -> None:
        self._inner = inner
        self._report = report
        self._pool = pool
        self._closed = closed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._inner)
        error: BaseException | None = None
        try:
            async for chunk in chunks:
                self._report.feed(chunk)
                yield chunk
        except BaseException as exc:
            error = None if self._closed.is_set() else exc
            raise
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
            await self._make_report(error)

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            await self._make_report()

    async def _make_report(self, error: BaseException | None = None) -> None:
        report = self._report.close(error)
        if report is not None:
            await _book(self._pool, report)
