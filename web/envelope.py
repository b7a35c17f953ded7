"""The envelope of every JSON answer.

It is `{"success": true, "data": ...}` or `{"success": false, "error": {"code", "message"}}`.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.printable import json_text
from app.property.storage.paging import Page

#: No proxy or browser may store answers, because they depend on the caller and change.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class ErrorBody(BaseModel):
    """An error. Programs can rely on `code`; `message` says what is wrong and what to do."""

    code: str = Field(examples=["page_gone"])
    message: str = Field(examples=["The page https://www.example.com/homes/1 is gone (HTTP 410)."])


class Failure(BaseModel):
    """The answer to a request that failed."""

    success: Literal[False]
    error: ErrorBody


class Success[T](BaseModel):
    """The answer to a request that succeeded."""

    success: Literal[True]
    data: T


class _Json(JSONResponse):
    """A lone surrogate, which UTF-8 cannot encode, becomes `?`."""

    def render(self, content: Any) -> bytes:
        text = json_text(content, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def success(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return `data` in the success envelope. `data` may contain only JSON values."""
    return _Json({"success": True, "data": data}, status_code=status, headers={**_HEADERS, **(headers or {})})


def listed(name: str, page: Page[Any]) -> dict[str, Any]:
    """Return the JSON of a list page: its rows under the key `name`, and `next_cursor`."""
    return {name: [row.as_json() for row in page.items], "next_cursor": page.next_cursor}


def failure(code: str, message: str, status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error response in the failure envelope."""
    body = {"success": False, "error": {"code": code, "message": message}}
    return _Json(body, status_code=status, headers={**_HEADERS, **(headers or {})})


Answers = dict[int | str, dict[str, Any]]


def failures(*statuses: int) -> Answers:
    """Return the value of a route's `responses=` that documents failures with these statuses."""
    return {status: _described(Failure, status, _FAILURE_HEADERS.get(status, {})) for status in statuses}


def answers(data: Any, *failing: int, status: int = 200, headers: Mapping[str, str] | None = None) -> Answers:
    """Return the value of a route's `responses=` for answers of the type `data` and failures with `failing` statuses.

    `headers` maps the names of the successful answer's headers to their descriptions.
    """
    return {status: _described(Success[data], status, {**RATE_HEADERS, **(headers or {})}), **failures(*failing)}


def _described(model: type[BaseModel], status: int, headers: Mapping[str, str]) -> dict[str, Any]:
    return {"model": model, "description": HTTPStatus(status).phrase, "headers": described_headers(headers)}


def described_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}


RATE_HEADERS = {
    "RateLimit-Policy": '`"caller";q=600;w=60`: 600 requests in any 60 seconds',
    "RateLimit": '`"caller";r=594;t=12`: 594 are left, more in 12 seconds',
}
_FAILURE_HEADERS = {
    401: {"WWW-Authenticate": "RFC 6750, section 3"},
    403: {"WWW-Authenticate": "RFC 6750, section 3"},
    405: {"Allow": "the methods of this path"},
    429: {"Retry-After": "seconds", **RATE_HEADERS},
    503: {"Retry-After": "seconds, where waiting may help"},
}
#: The error answers of every route below /api/v1.
COMMON = failures(401, 403, 413, 414, 422, 429, 503)
