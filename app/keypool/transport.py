"""The pool under a plain `openai.OpenAI`: an httpx2 transport that puts a lease on each request.

It sits below every SDK method, sees the headers of every response, rotates keys, and answers 429 itself when no key has
room. The SDK above it must not retry (`max_retries=0`): coming back later is the task's affair.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from app.clock import Clock
from app.keypool.limits import LimitReading, parse_retry_after_us, read_limits
from app.keypool.outcomes import Failure, Outcome, classify
from app.keypool.pool import Call, KeyPool, Pause, Refusal, Send

#: Caps the further keys that the requests of the current context may try (`execute_with_retry`); None: all of them.
further_keys: ContextVar[int | None] = ContextVar("further_keys", default=None)

#: Bytes of JSON a token stands for, on the safe side for English; the server's own count corrects the bucket.
_BYTES_PER_TOKEN = 4
_COMPLETION_FIELDS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_REFUSALS = {
    "dead": (401, "invalid_api_key", "invalid_request_error", "All OpenAI keys were refused; replace them."),
    "forbidden": (403, "model_not_found", "invalid_request_error", "No OpenAI key may use this model."),
    "quota": (429, "insufficient_quota", "insufficient_quota", "No OpenAI key has quota left."),
    "circuit": (429, "rate_limit_exceeded", "requests", "All OpenAI keys are failing; come back later."),
    "no_room": (429, "rate_limit_exceeded", "requests", "No OpenAI key has room; come back later."),
    "barred": (429, "rate_limit_exceeded", "requests", "No other OpenAI key is left for this request."),
}
#: Without any answer: the key, the line or the server is at fault. Everything else httpx2 raises is ours.
_NO_ANSWER = (
    httpx2.NetworkError,
    httpx2.ConnectTimeout,
    httpx2.ReadTimeout,
    httpx2.WriteTimeout,
    httpx2.RemoteProtocolError,
    httpx2.ProxyError,
    httpx2.DecodingError,
)


@dataclass(frozen=True, slots=True)
class _Need:
    """What a request asks of the pool: its model, the tokens charged at admission, and whether it can be sent twice."""

    model: str
    tokens: float
    replayable: bool


def _need_of(request: httpx2.Request) -> _Need:
    try:
        content = request.content
    except httpx2.RequestNotRead:
        return _Need("", 0.0, replayable=False)
    if "json" not in request.headers.get("content-type", ""):
        return _Need("", 0.0, replayable=True)
    try:
        body: Any = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return _Need("", 0.0, replayable=True)
    asked = [body[name] for name in _COMPLETION_FIELDS if isinstance(body.get(name), int)]
    choices = body["n"] if isinstance(body.get("n"), int) else 1
    tokens = len(content) / _BYTES_PER_TOKEN + (asked[0] * max(1, choices) if asked else 0)
    return _Need(str(body.get("model", "")), tokens, replayable=True)


def _failure_of(response: httpx2.Response) -> Failure:
    try:
        error = response.json()["error"]
        return Failure(str(error.get("code") or ""), str(error.get("type") or ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Failure()


def _answer(refusal: Refusal, request: httpx2.Request) -> httpx2.Response:
    status, code, kind, message = _REFUSALS[refusal.reason]
    milliseconds = max(1, round(refusal.retry_after_seconds * 1000))
    headers = {"retry-after-ms": str(milliseconds), "retry-after": str(-(-milliseconds // 1000))}
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return httpx2.Response(status, headers=headers, json=body, request=request)


class _Walk:
    """What both transports share: one request's call, its lease in hand, and its last answer."""

    def __init__(self, pool: KeyPool, request: httpx2.Request, max_wait_seconds: float) -> None:
        need = _need_of(request)
        cap = further_keys.get()
        tries = len(pool.keys) if cap is None else cap
        self._pool = pool
        self._request = request
        self._call: Call = pool.begin(
            model=need.model,
            tokens=need.tokens,
            max_wait_seconds=max_wait_seconds,
            tries=tries if need.replayable else 0,
        )
        self._send: Send | None = None

    def step(self) -> Send | Pause | Refusal:
        step = self._pool.step(self._call)
        if isinstance(step, Send):
            self._send = step
            self._request.headers["authorization"] = f"Bearer {step.key.secret.get_secret_value()}"
            if len(self._pool.keys) > 1:
                # a key says which project pays; headers of the environment would name another one's
                for name in ("openai-organization", "openai-project"):
                    self._request.headers.pop(name, None)
        return step

    def settle(self, response: httpx2.Response) -> bool:
        """A response is here (its body read, if it is an error). True: try another key."""
        outcome = classify(response.status_code, _failure_of(response) if response.is_error else Failure())
        pause = parse_retry_after_us(response.headers, datetime.now(UTC)) if response.is_error else None
        return self._settle(outcome, pause, read_limits(response.headers))

    def settle_without_answer(self) -> bool:
        return self._settle(Outcome.SERVER_FAILURE, None, LimitReading())

    def _settle(self, outcome: Outcome, pause_us: int | None, limits: LimitReading) -> bool:
        send, self._send = self._send, None
        if send is None:
            return False
        return self._pool.settle(self._call, send.lease, outcome, pause_us=pause_us, limits=limits)

    def abandon(self) -> None:
        """Whatever is still held goes back; nothing, after a settled walk."""
        send, self._send = self._send, None
        self._pool.abandon(self._call, send.lease if send else None)


class PooledTransport(httpx2.BaseTransport):
    """Sync: `OpenAI(http_client=httpx2.Client(transport=PooledTransport(...)), max_retries=0)`."""

    def __init__(
        self, pool: KeyPool, clock: Clock, *, max_wait_seconds: float, inner: httpx2.BaseTransport | None = None
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._max_wait_seconds = max_wait_seconds
        self._inner = inner or httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        walk = _Walk(self._pool, request, self._max_wait_seconds)
        last: Callable[[], httpx2.Response] | None = None
        try:
            while True:
                step = walk.step()
                if isinstance(step, Pause):
                    self._clock.sleep(step.seconds)
                elif isinstance(step, Refusal):
                    return last() if last and step.reason == "barred" else _answer(step, request)
                else:
                    again, last = self._send(walk, request)
                    if not again:
                        return last()
        finally:
            walk.abandon()

    def _send(self, walk: _Walk, request: httpx2.Request) -> tuple[bool, Callable[[], httpx2.Response]]:
        try:
            response = self._inner.handle_request(request)
            if response.is_error:
                response.read()
        except _NO_ANSWER as exc:
            return walk.settle_without_answer(), _raiser(exc)
        return walk.settle(response), lambda: response

    def close(self) -> None:
        self._inner.close()


class AsyncPooledTransport(httpx2.AsyncBaseTransport):
    """The same for `openai.AsyncOpenAI`."""

    def __init__(
        self, pool: KeyPool, *, max_wait_seconds: float, inner: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._pool = pool
        self._max_wait_seconds = max_wait_seconds
        self._inner = inner or httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        walk = _Walk(self._pool, request, self._max_wait_seconds)
        last: Callable[[], httpx2.Response] | None = None
        try:
            while True:
                step = walk.step()
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                elif isinstance(step, Refusal):
                    return last() if last and step.reason == "barred" else _answer(step, request)
                else:
                    again, last = await self._send(walk, request)
                    if not again:
                        return last()
        finally:
            walk.abandon()

    async def _send(self, walk: _Walk, request: httpx2.Request) -> tuple[bool, Callable[[], httpx2.Response]]:
        try:
            response = await self._inner.handle_async_request(request)
            if response.is_error:
                await response.aread()
        except _NO_ANSWER as exc:
            return walk.settle_without_answer(), _raiser(exc)
        return walk.settle(response), lambda: response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _raiser(error: Exception) -> Callable[[], httpx2.Response]:
    def fail() -> httpx2.Response:
        raise error

    return fail
