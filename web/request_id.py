"""Add a request ID to logs and responses: the `X-Request-ID` of the client or proxy, or a new ID."""

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, get_contextvars

from app.redaction import redact

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class RequestId:
    """ASGI middleware that adds the request ID to each log line of the request and to the response headers.

    An ID that is too long, has unusual characters, or looks like a secret is replaced by a new one. The ID stays bound
    to the request's logging context after the response, because uvicorn writes the access log then.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(HEADER, "")
        request_id = sent if _SANE.fullmatch(sent) and redact(sent) == sent else uuid.uuid4().hex
        bind_contextvars(request_id=request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)


def request_id_header() -> dict[str, str]:
    """Return the X-Request-ID header for a response that bypasses the middleware; empty if no ID is bound."""
    request_id = get_contextvars().get("request_id")
    return {HEADER: request_id} if request_id else {}
