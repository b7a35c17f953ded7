"""Serve the metrics of all processes to Prometheus, and count the requests of this web process.

`app.services.reports.metrics` collects the metrics.
"""

import asyncio
import secrets
import time
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.services.reports.metrics.exposition import OPENMETRICS, TEXT
from app.services.reports.metrics.instruments import HTTP_METHODS, HTTP_REQUEST_SECONDS, HTTP_REQUESTS
from app.settings.forms import is_loopback
from web.context import context_of
from web.envelope import Failure, failure, failures

router = APIRouter(tags=["metrics"])
_token_scheme = HTTPBearer(
    auto_error=False, scheme_name="MetricsToken", bearerFormat="METRICS_TOKEN", description="The value of METRICS_TOKEN"
)
_EXAMPLE = '# TYPE propintel_jobs gauge\npropintel_jobs{state="done"} 24.0\n'
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "All metrics, in the requested format",
        "content": {
            TEXT: {"schema": {"type": "string"}, "example": _EXAMPLE},
            OPENMETRICS: {"schema": {"type": "string"}, "example": f"{_EXAMPLE}# EOF\n"},
        },
    },
    401: {"model": Failure, "description": "METRICS_TOKEN is set and the request does not have it"},
    403: {"model": Failure, "description": "METRICS_TOKEN is not set and the request is from another machine"},
    **failures(413, 414),
}
_CHALLENGE = 'Bearer realm="property-intelligence metrics"'
_OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip")


@router.get(
    "/metrics",
    summary="Read metrics",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra={"security": [{}]},  # a token is optional: see METRICS_TOKEN
)
async def get_metrics(
    request: Request, token: Annotated[HTTPAuthorizationCredentials | None, Security(_token_scheme)]
) -> Response:
    """Return the metrics, summed over all processes, in the Prometheus or OpenMetrics text format.

    Figures are at most one second old, or three seconds if there are many scrapers. Figures from the database are at
    most ten seconds old, or 60 seconds while the database is slow. If Redis, the broker, or the database takes over 2.5
    seconds, its metrics are left out, and its `propintel_scrape_source_up` is 0.
    """
    context = context_of(request)
    refusal = _refusal(request, context.settings.web.metrics_token, token)
    if refusal is not None:
        return refusal
    render = partial(context.exposition.render, request.headers.get("accept", ""))
    body, content_type = await asyncio.get_running_loop().run_in_executor(context.scrape_threads, render)
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})


def _refusal(
    request: Request, expected: SecretStr | None, token: HTTPAuthorizationCredentials | None
) -> Response | None:
    if expected is None:
        if request.client is not None and is_loopback(request.client.host) and not _is_forwarded(request):
            return None
        message = "Without METRICS_TOKEN, only this machine may read the metrics. Set METRICS_TOKEN."
        return failure("forbidden", message, 403)
    given = "" if token is None else token.credentials
    if secrets.compare_digest(given.encode(), expected.get_secret_value().encode()):
        return None
    message = "Send `Authorization: Bearer TOKEN` with the value of METRICS_TOKEN."
    return failure("unauthenticated", message, 401, {"WWW-Authenticate": _CHALLENGE})


def _is_forwarded(request: Request) -> bool:
    return any(header in request.headers for header in _OF_PROXIES)


class RequestCounter:
    """ASGI middleware that counts and times requests by route. Paths without a route count as "unmatched"."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # an unhandled exception counts as 500, because its response bypasses this middleware

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, noting)
        finally:
            method = scope["method"] if scope["method"] in HTTP_METHODS else "other"
            route = getattr(scope.get("route"), "path", "unmatched")
            HTTP_REQUESTS.labels(method, route, str(status)).inc()
            HTTP_REQUEST_SECONDS.labels(method, route).observe(time.perf_counter() - began)
