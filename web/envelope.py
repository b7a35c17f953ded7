"""The shape of every JSON answer.

`{"success": true, "data": ...}` or `{"success": false, "error": {"code", "message"}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel

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


def success(data: Any, status: int = 200) -> JSONResponse:
    """`data` (JSON values only) in the envelope."""
    return JSONResponse({"success": True, "data": data}, status_code=status, headers=_HEADERS)


def failure(code: str, message: str, status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The envelope of an error."""
    body = {"success": False, "error": {"code": code, "message": message}}
    return JSONResponse(body, status_code=status, headers={**_HEADERS, **(headers or {})})
