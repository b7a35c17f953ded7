"""The shape of every JSON answer.

`{"success": true, "data": ...}` or `{"success": false, "error": {"code", "message"}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.printable import json_text

#: What the service tells is somebody's, and changes: no proxy or browser keeps it.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class ErrorBody(BaseModel):
    """`code` is a stable word for programs, `message` says what is wrong and what to do about it."""

    code: str
    message: str


class Failure(BaseModel):
    success: Literal[False] = False
    error: ErrorBody


class Success[T](BaseModel):
    success: Literal[True] = True
    data: T


class _Json(JSONResponse):
    """JSON of any text: half of a surrogate pair, which no encoding has, is shown as `?`."""

    def render(self, content: Any) -> bytes:
        text = json_text(content, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def success(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """`data` (JSON values only) in the envelope."""
    return _Json({"success": True, "data": data}, status_code=status, headers={**_HEADERS, **(headers or {})})


def failure(code: str, message: str, status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The envelope of an error."""
    body = {"success": False, "error": {"code": code, "message": message}}
    return _Json(body, status_code=status, headers={**_HEADERS, **(headers or {})})


Answers = dict[int | str, dict[str, Any]]


def failures(*statuses: int) -> Answers:
    """What the document says about answers with these statuses, for `responses=` of a route."""
    return {status: _failure(status) for status in statuses}


def answers(data: Any, *failing: int, status: int = 200, headers: Mapping[str, str] | None = None) -> Answers:
    """The same for a route that answers `data` (a type) with `status`; `headers`: name and description of its own."""
    described = _described({**_RATE_HEADERS, **(headers or {})})
    ok = {"model": Success[data], "description": HTTPStatus(status).phrase, "headers": described}
    return {status: ok, **failures(*failing)}


def _failure(status: int) -> dict[str, Any]:
    headers = _described(_FAILURE_HEADERS.get(status, {}))
    return {"model": Failure, "description": HTTPStatus(status).phrase, "headers": headers}


def _described(headers: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}


_RATE_HEADERS = {
    "RateLimit-Policy": '`"caller";q=600;w=60`: 600 requests in any 60 seconds',
    "RateLimit": '`"caller";r=594;t=12`: 594 are left, more in 12 seconds',
}
_FAILURE_HEADERS = {
    401: {"WWW-Authenticate": "RFC 6750, section 3"},
    403: {"WWW-Authenticate": "RFC 6750, section 3"},
    405: {"Allow": "the methods of this path"},
    429: {"Retry-After": "seconds", **_RATE_HEADERS},
    503: {"Retry-After": "seconds, where it may help"},
}
#: what every route below /api/v1 may answer, whatever it does
COMMON = failures(401, 403, 413, 414, 429, 503)
