"""Turn exceptions into error responses: status, headers, and a JSON body in the failure envelope."""

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.errors import ConfigurationError, NotFoundError, PropertyIntelligenceError
from app.errors.broker import BrokerUnavailableError
from app.errors.ids import AmbiguousIdError
from app.errors.keys import AmbiguousKeyError, KeyStoreUnavailableError, NoKeysError, UnknownKeyError
from app.errors.pages import IdentityDecisionError
from app.errors.purging import InvalidPersonError
from app.errors.requests import (
    ForgedRequestError,
    IdempotencyKeyReusedError,
    IdentityProviderError,
    InvalidColumnError,
    InvalidCursorError,
    InvalidTokenError,
    QuotaExceededError,
    RequestUnderWayError,
    RoleNotAllowedError,
    TooManyRequestsError,
)
from app.errors.storage import NoSpaceError, StoreError
from app.errors.targets import InvalidHostError, InvalidTargetError, InvalidTargetListError, TargetsTooCostlyError
from app.errors.watches import InvalidWatchError, TooManyWatchesError
from app.errors.webhooks import InvalidCallbackError
from app.redaction import redact, redact_urls
from web.envelope import failure
from web.request_id import request_id_header

log = logging.getLogger(__name__)

_STATUS: Mapping[type[PropertyIntelligenceError], int] = {
    InvalidTokenError: 401,
    RoleNotAllowedError: 403,
    ForgedRequestError: 403,
    NotFoundError: 404,
    UnknownKeyError: 404,
    AmbiguousIdError: 409,
    AmbiguousKeyError: 409,
    InvalidHostError: 422,
    InvalidPersonError: 422,
    InvalidTargetError: 422,
    InvalidTargetListError: 422,
    TargetsTooCostlyError: 422,
    InvalidCallbackError: 422,
    InvalidColumnError: 422,
    InvalidCursorError: 422,
    InvalidWatchError: 422,
    TooManyWatchesError: 409,
    RequestUnderWayError: 409,
    IdentityDecisionError: 409,
    IdempotencyKeyReusedError: 422,
    TooManyRequestsError: 429,
    QuotaExceededError: 429,
    ConfigurationError: 503,
    NoKeysError: 503,
    BrokerUnavailableError: 503,
    KeyStoreUnavailableError: 503,
    IdentityProviderError: 503,
    NoSpaceError: 503,
    StoreError: 503,
}
_RETRY_AFTER_SECONDS = 5
#: The start of WWW-Authenticate. An error code follows unless the request had no token (RFC 6750, section 3).
_CHALLENGE = 'Bearer realm="property-intelligence"'


def register(app: FastAPI) -> None:
    """Register the exception handlers of `app`, so that every error is answered in the failure envelope."""
    app.add_exception_handler(PropertyIntelligenceError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def status_of(error: PropertyIntelligenceError) -> int:
    """Return the HTTP status of the error's class or its nearest base class in `_STATUS`, else 500."""
    return next((_STATUS[cls] for cls in type(error).__mro__ if cls in _STATUS), 500)


def _ours(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, PropertyIntelligenceError)  # noqa: S101 (registered for this class)
    status, message, headers = answer_to(request, exc)
    return failure(exc.code, message, status, headers)


def answer_to(request: Request, exc: PropertyIntelligenceError) -> tuple[int, str, dict[str, str]]:
    """Return the status, message, and headers of the error response. Log the error if the status is 5xx."""
    status = status_of(exc)
    if status >= 500:
        log.warning("%s %s: %s", request.method, request.url.path, exc)
    # a 5xx message may name the service's hosts and logins, so its URLs are redacted too
    shown = redact_urls(str(exc)) if status >= 500 else redact(str(exc))
    return status, shown, _headers(request, exc, status)


def _headers(request: Request, exc: PropertyIntelligenceError, status: int) -> dict[str, str]:
    if status == 401:
        bad = ', error="invalid_token"' if "authorization" in request.headers else ""
        return {"WWW-Authenticate": _CHALLENGE + bad}
    if status == 403:
        return {"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope"'}
    wait = exc.facts.get("retry_after_seconds", _RETRY_AFTER_SECONDS if status == 503 and exc.transient else None)
    return {"Retry-After": str(max(1, math.ceil(wait)))} if wait is not None else {}


def _invalid(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 (registered for this class)
    return failure("invalid_request", problem_of(exc), 422)


def problem_of(exc: RequestValidationError) -> str:
    """Return the first five validation errors in one line, each with the path of the invalid field."""
    errors = exc.errors()
    more = f" (and {len(errors) - 5} more)" if len(errors) > 5 else ""
    return "; ".join(map(_problem, errors[:5])) + more


def _problem(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part)[:80] for part in error["loc"])
    why = f" ({error['ctx']['error']})" if error["type"] == "json_invalid" else ""
    return f"{place}: {error['msg']}{why}"


def _http(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)  # noqa: S101 (registered for this class)
    status = HTTPStatus(exc.status_code)
    code = status.phrase.lower().replace(" ", "_")
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_methods(request))
        return failure(code, f"This path accepts {allowed} only.", status, {"Allow": allowed})
    if status is HTTPStatus.NOT_FOUND:
        return failure(code, "Nothing is at this path. See /docs for all paths.", status)
    return failure(code, str(exc.detail), status, exc.headers)


def _methods(request: Request) -> list[str]:
    """Starlette's own 405 response would name only the first route's methods."""
    routes = iter_route_contexts(request.app.routes)
    matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in matching for method in route.methods or ()})


def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    log.error("%s %s failed: %s", request.method, request.url.path, type(exc).__name__)
    message = "The service failed because of a defect. Its log has the details."
    return failure("internal_error", message, 500, request_id_header())  # no middleware adds the id to this response
