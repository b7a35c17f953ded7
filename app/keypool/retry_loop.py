"""Send one request, and retry it with other keys. A `Driver` does the I/O, in a thread or on an event loop."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Protocol

import httpx2
from structlog.contextvars import bound_contextvars

from app.keypool import wire
from app.keypool.answer_reading import ReadAnswer, read_answer
from app.keypool.attempts import DEFAULT_LIMITS, AnswerLimits, Attempt
from app.keypool.call import Call
from app.keypool.keys import ApiKey
from app.keypool.limits import parse_retry_after_us, read_limits
from app.keypool.organizations import SharedLimits
from app.keypool.outcomes import Failure, Outcome, classify
from app.keypool.pool import KeyPool, Pause, Send
from app.keypool.pricing import WEB_SEARCH, Pricing, free_of_charge
from app.keypool.refusals import answer
from app.keypool.spending import Usage
from app.keypool.stores.base import Lease, NoCapacity, Settlement
from app.keypool.streams import NO_ANSWER, StreamReport
from app.tracing import current_span, span

#: The ids of the keys that requests in the current context may use, or None for all keys. The batch API needs this,
#: because only keys of the same project can use a project's files and batches.
allowed_keys: ContextVar[frozenset[str] | None] = ContextVar("allowed_keys", default=None)
#: The name of the entry in `httpx2.Response.extensions` with the id of the OpenAI key that the request used.
KEY_ID = "propintel.key_id"
#: The batch whose budget is charged for requests in the current context, or "" for no batch.
spending_batch: ContextVar[str] = ContextVar("spending_batch", default="")
#: True if requests in the current context must be sent at most once, because a repeated request may be billed twice.
sent_once: ContextVar[bool] = ContextVar("sent_once", default=False)
#: A function to call once per request in the current context, before the request is first sent. If it raises an
#: exception, the request is not sent, and the SDK raises `APIConnectionError` from the exception.
on_first_key: ContextVar[Callable[[], None] | None] = ContextVar("on_first_key", default=None)


@contextmanager
def bound[T](variable: ContextVar[T], value: T) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


class Driver(Protocol):
    async def call[T](self, work: Callable[[], T]) -> T:
        """Run `work`, which may wait for the network. `work` is not interrupted if the caller is canceled."""
        ...

    async def pause(self, seconds: float) -> None: ...

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request, and return the response before its body is read."""
        ...

    async def read(self, response: httpx2.Response, most_bytes: int) -> bytes:
        """Read the response body without decompressing it, and close the stream. Stop after more than `most_bytes`."""
        ...

    async def close(self, response: httpx2.Response) -> None: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """Options that apply to every request of a transport.

    `price` computes the cost of a call. `base_url` is the base URL of the SDK client. `shared_limits` examines each
    response for keys that share limits. A request may use up to `further_keys` keys besides the first; None means all.
    `closed` is set when the transport is closed; a stream that breaks afterwards does not count as a failure. `limits`
    apply to each response.
    """

    max_wait_seconds: float
    price: Pricing = free_of_charge
    base_url: str = ""
    shared_limits: SharedLimits | None = None
    further_keys: int | None = None
    monotonic_ns: Callable[[], int] = time.monotonic_ns
    closed: threading.Event = field(default_factory=threading.Event)
    limits: AnswerLimits = DEFAULT_LIMITS


class RetryLoop:
    """Sends one request. If `run` sets `stream_report`, the caller must feed the response body to this report and then
    close the report.
    """

    def __init__(self, pool: KeyPool, request: httpx2.Request, terms: Terms, driver: Driver) -> None:
        need = wire.read_need(request)
        # assume that all input is written to the provider's cache, which costs most
        given, fee = need.input_tokens, terms.price(WEB_SEARCH, need.searches, 0)
        self._pool = pool
        self._driver = driver
        self._request = request
        self._need = need
        self._terms = terms
        self._call = Call(
            need.model,
            given + need.output_tokens,
            round(terms.max_wait_seconds * 1e6),
            len(pool.keys) if terms.further_keys is None else terms.further_keys,
            microusd=terms.price(need.model, given, need.output_tokens, need.tier, written=given) + fee,
            batch=spending_batch.get(),
        )
        self._allowed = allowed_keys.get()
        #: The part of the URL after the base URL, or None if the request goes to another server. Keys with their own
        #: base URL must not be sent to that server.
        self._path = _path_behind(terms.base_url, str(request.url))
        self._on_first_key = on_first_key.get()
        self._may_repeat = need.replayable and not sent_once.get()
        self._lease: Lease | None = None
        #: True if the provider may have received the request of the current lease.
        self._may_be_billed = False
        #: When the request began to wait for a key: at its start, or at the end of its last attempt.
        self._waits_since_ns = terms.monotonic_ns()
        self._sent_ns = self._waits_since_ns
        self._attempts = 0
        self._open_response: httpx2.Response | None = None
        self.stream_report: StreamReport | None = None

    async def run(self) -> httpx2.Response:
        """Send the request and return the final response. Raise the last attempt's exception if it got no response.

        If the caller interrupts the request, its lease and reservation are released.
        """
        try:
            return await self._attempt_until_answered()
        except BaseException as exc:
            try:
                if self._open_response is not None:
                    await self._driver.close(self._open_response)
            finally:
                lease, self._lease = self._lease, None
                unbilled = not self._may_be_billed or isinstance(exc, httpx2.PoolTimeout)
                result = Settlement(Outcome.ABANDONED, unbilled=unbilled, waited_us=self._waited_us())
                await self._driver.call(lambda: self._pool.abandon(self._call, lease, result))
            raise

    async def _attempt_until_answered(self) -> httpx2.Response:
        last: httpx2.Response | Exception | None = None
        while True:
            step = await self._driver.call(self._step)
            if isinstance(step, Pause):
                await self._driver.pause(step.seconds)
                continue
            if isinstance(step, NoCapacity):
                # the provider's last response says more than the pool's own error
                failed = isinstance(last, Exception) or (last is not None and last.is_server_error)
                real = step.reason == "barred" or (failed and step.reason in {"no_capacity", "circuit"})
                return _returned_or_raised(last if last is not None and real else answer(step, self._request))
            again, last = await self._observed_attempt(step)
            if not again:
                return _returned_or_raised(last)

    def _step(self) -> Send | Pause | NoCapacity:
        if self._allowed is not None or self._path is None:  # keys may have been added since the last step
            self._call.barred.update(key.key_id for key in self._pool.keys if not self._may_use(key))
        step = self._pool.step(self._call)
        if isinstance(step, Send):
            self._lease, self._may_be_billed = step.lease, False
            if self._on_first_key is not None and not self._attempts:
                self._on_first_key()
            self._sent_ns = self._terms.monotonic_ns()
        return step

    def _may_use(self, key: ApiKey) -> bool:
        is_allowed = self._allowed is None or key.key_id in self._allowed
        return is_allowed and (self._path is not None or not key.base_url)

    async def _observed_attempt(self, send: Send) -> tuple[bool, httpx2.Response | Exception]:
        self._attempts += 1
        key = {"propintel.openai.key": send.key.mask}
        current_span().set({**key, "propintel.openai.attempts": self._attempts})
        asked = {"gen_ai.request.model": self._need.model, "server.address": self._url_for(send.key).host}
        with bound_contextvars(key=send.key.mask), span("model.attempt", {**key, **asked}) as attempt:
            again, last = await self._attempt(send)
            attempt.failed(last) if isinstance(last, Exception) else attempt.answered(last.status_code)
            return again, last

    async def _attempt(self, send: Send) -> tuple[bool, httpx2.Response | Exception]:
        try:
            request, self._may_be_billed = self._addressed(send.key), True
            attempt = Attempt(request, self._terms.limits, self._terms.monotonic_ns)
            with attempt.under_way():
                response = await self._driver.send(request)
            attempt.headers_complete = True
            elapsed_us = (self._terms.monotonic_ns() - self._sent_ns) // 1000
            self._open_response = response
            response.extensions[KEY_ID] = send.key.key_id
            if self._terms.shared_limits is not None:
                self._terms.shared_limits.observe(send.key, response.headers)
            read = await read_answer(self._driver.read, request, response, attempt, streams=self._need.streams)
        except NO_ANSWER as exc:
            self._call.broken += self._open_response is not None
            self._open_response = None
            # the flex tier may be slow: a timeout is not the key's fault, and other keys would not be faster
            slow = self._need.tier == "flex" and isinstance(exc, httpx2.ReadTimeout)
            outcome = Outcome.ABANDONED if slow else Outcome.SERVER_FAILURE
            unbilled = isinstance(exc, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError)
            return await self._driver.call(lambda: self._settle(Settlement(outcome, unbilled=unbilled))), exc
        self._call.broken += read.is_billed and response.is_error
        again = await self._driver.call(lambda: self._settle_answer(response, read, elapsed_us))
        self._open_response = None
        if read.kind == "events":
            self.stream_report = StreamReport(self._pool, send.lease, self._usage, self._terms.closed, attempt)
        return again, response

    def _addressed(self, key: ApiKey) -> httpx2.Request:
        """Return a copy of the request with this key. The original request has no key, because exceptions contain the
        request.
        """
        request = self._request
        headers = request.headers.copy()
        headers["authorization"] = f"Bearer {key.secret.get_secret_value()}"
        if len(self._pool.keys) > 1:
            # the key determines the project, but the SDK may have added another project from environment variables
            for name in ("openai-organization", "openai-project"):
                headers.pop(name, None)
        if self._need.streams:
            headers["accept-encoding"] = "identity"  # the pool cannot read the usage in a compressed stream
        url = self._url_for(key)
        if url != request.url:
            headers["host"] = url.netloc.decode()
        copy = httpx2.Request(
            request.method, url, headers=headers, stream=request.stream, extensions=request.extensions
        )
        if self._need.replayable:
            copy.read()
        return copy

    def _url_for(self, key: ApiKey) -> httpx2.URL:
        return httpx2.URL(f"{key.base_url}{self._path}") if key.base_url else self._request.url

    def _settle_answer(self, response: httpx2.Response, read: ReadAnswer, elapsed_us: int) -> bool:
        headers, body = response.headers, read.body
        failure, limited_by, pause_us = Failure(), None, None
        if response.is_error:
            failure, limited_by = wire.read_failure(read.error)
            pause_us = parse_retry_after_us(headers, datetime.now(UTC))
        # a GET of an earlier response (no model in the request) repeats its usage, which must not be charged twice
        used = wire.read_usage(body.get("usage")) if self._need.model and read.is_billed else None
        return self._settle(
            Settlement(
                classify(response.status_code, failure),
                pause_us=pause_us,
                limits=read_limits(headers),
                admitted_after_us=wire.admitted_after_us(headers, elapsed_us),
                limited_by=limited_by if response.status_code == 429 else None,
                usage=self._usage(used, wire.read_tier(body), wire.read_searches(body)) if used else None,
                streams=read.kind == "events",
                unbilled=response.is_server_error and not read.is_billed,
            )
        )

    def _settle(self, settlement: Settlement) -> bool:
        lease, self._lease = self._lease, None
        settlement = replace(settlement, waited_us=self._waited_us())
        self._waits_since_ns = self._terms.monotonic_ns()
        return lease is not None and self._pool.settle(self._call, lease, settlement) and self._may_repeat

    def _waited_us(self) -> int:
        return max(0, self._sent_ns - self._waits_since_ns) // 1000

    def _usage(self, used: wire.TokensUsed, served_on: str, searches: int | None = None) -> Usage:
        """Return the usage and its cost, in the service tier that the response names, or else the requested tier.

        `searches` is the number of web searches, which are priced separately. If it is None (unknown, as for streams),
        the number that the request allows is charged.
        """
        need, tier = self._need, served_on or self._need.tier
        price = self._terms.price(need.model, used.input, used.output, tier, cached=used.cached, written=used.written)
        fee = self._terms.price(WEB_SEARCH, need.searches if searches is None else searches, 0)
        current_span().set({"gen_ai.usage.cache_read.input_tokens": used.cached})
        return Usage(used.total, price + fee, used.output, used.cached)


@cache
def _normal(base_url: str) -> str:
    return str(httpx2.URL(base_url)).rstrip("/")


def _path_behind(base_url: str, url: str) -> str | None:
    base_url = _normal(base_url)
    path = url.removeprefix(base_url)
    return path if base_url and path != url and path.startswith("/") else None


def _returned_or_raised(found: httpx2.Response | Exception) -> httpx2.Response:
    if isinstance(found, Exception):
        raise found
    return found
