"""Size limits of requests, and the RateLimit headers. A request that is too large is not read completely."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.rate_limits import WINDOW_SECONDS, Allowance
from app.errors.targets import TargetsTooCostlyError
from app.property.urls.target_lists import InvalidRow, valid_targets
from web.envelope import failure

#: Maximum number of bytes of a body: enough for `MAX_TARGETS` targets of 400 bytes each.
MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_TARGETS = 10_000
#: Maximum CPU time for parsing the targets of one request. Ten thousand ordinary addresses take 1 or 2 s.
READING_SECONDS = 4.0
#: Maximum number of bytes of path and query together. A URL with a cursor and all filters has about 500 bytes.
MAX_URL_BYTES = 8192


class MeteredTargets(list[str]):
    """The targets of one request, with a limit on the CPU time spent on them.

    Loops over the list raise `TargetsTooCostlyError` after `READING_SECONDS` of CPU time in total. `spent_seconds` of
    this time are already used.
    """

    def __init__(self, targets: Iterable[str] = (), spent_seconds: float = 0.0) -> None:
        super().__init__(targets)
        self._spent = spent_seconds

    def valid(self, skipped: list[InvalidRow]) -> MeteredTargets:
        """Return the valid targets, and append the others to `skipped`. Raises `InvalidTargetListError` if all are
        invalid.
        """
        return MeteredTargets(valid_targets(self, skipped), self._spent)

    def __iter__(self) -> Iterator[str]:
        for number, target in enumerate(super().__iter__()):
            if self._spent > READING_SECONDS:
                raise TargetsTooCostlyError(number, READING_SECONDS)
            began = time.thread_time()
            yield target
            self._spent += time.thread_time() - began


class SizeLimits:
    """ASGI middleware that limits the size of the URL and of the body.

    It checks the body's Content-Length and its actual size, because a chunked body has no Content-Length.
    """

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_URL_BYTES:
            message = f"Path and query are longer than {MAX_URL_BYTES} bytes."
            await failure("uri_too_long", message, 414, {"Connection": "close"})(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > self._max_bytes:
            await failure("content_too_large", self._message(), 413, {"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, self._counting(receive), send)

    def _counting(self, receive: Receive) -> Receive:
        total = 0

        async def counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > self._max_bytes:
                # FastAPI answers 400 to other exceptions that are raised while it reads a body
                raise HTTPException(413, self._message(), {"Connection": "close"})
            return message

        return counted

    def _message(self) -> str:
        return f"The body is larger than {self._max_bytes} bytes; send the targets in several requests."


class RateLimitHeaders:
    """ASGI middleware that adds the RateLimit headers of draft-ietf-httpapi-ratelimit-headers-10.

    The headers are added to every 429, and to every other response if the request was counted for a caller.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            allowance: Allowance | None = scope.get("state", {}).get("allowance")
            if message["type"] == "http.response.start" and allowance is not None:
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Policy"] = f'"{allowance.policy}";q={allowance.limit};w={WINDOW_SECONDS}'
                headers["RateLimit"] = f'"{allowance.policy}";r={allowance.remaining};t={allowance.reset_seconds}'
            await send(message)

        await self._app(scope, receive, send_with_headers)
