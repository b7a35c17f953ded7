"""Read the response of an attempt, and turn one that nobody can use into an error response of its key.

Every response passes here. After that, a status is 2xx, 4xx, or 5xx, a success has what the API promises for its
endpoint, and an error has texts in its members. An unusable response becomes a 502 with the code `UNUSABLE`.
"""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2

from app.keypool import wire
from app.keypool.answer_checks import expected_answer, has_odd_usage, is_well_formed_error, parse_json
from app.keypool.attempts import AnswerTooLargeError, Attempt, check_size, unpack, unpack_stream
from app.keypool.streams import NO_ANSWER

#: The error code of a response that came, but cannot be used.
UNUSABLE = "unusable_answer"
#: How much of an error response is read. The rest is cut off.
_ERROR_BYTES = 65_536
_MAX_MESSAGE_CHARS = 2_000

#: Receives up to a number of bytes of a body, and one piece more if the body is longer, and closes the response.
Receive = Callable[[httpx2.Response, int], Awaitable[bytes]]


@dataclass(slots=True)
class ReadAnswer:
    """A response after reading. `body` is the JSON object of a success, and `error` that of a failure, or {}.

    `kind` is "whole" if the body was read, "events" for a stream whose end is still to be reported, and "opaque" for
    other bodies. `is_billed` is true if the provider says that it did the work, even if its answer is unusable.
    """

    kind: Literal["whole", "events", "opaque"] = "whole"
    body: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)
    is_billed: bool = False


class _UnusableError(Exception):
    pass


async def read_answer(
    receive: Receive, request: httpx2.Request, response: httpx2.Response, attempt: Attempt, *, streams: bool
) -> ReadAnswer:
    """Read `response` and correct it in place. `streams` is true if the request asks for a stream of events.

    Raises the errors in `NO_ANSWER` if a successful response breaks off or is late.
    """
    response.headers.pop("set-cookie", None)  # the client would send it with other keys
    if not response.is_success and not response.is_error:
        with suppress(*NO_ANSWER):
            await receive(response, 0)
        reason = f"it has the HTTP status {response.status_code}. Redirects are not followed; check OPENAI_BASE_URL"
        return ReadAnswer(error=_refuse(response, reason))
    if response.is_error:
        return ReadAnswer(error=await _read_error(receive, response, attempt))
    kind = response.headers.get("content-type", "").lower()
    expected = None if streams else expected_answer(request.method, request.url.path)
    if expected is None and "json" not in kind and not (streams and "html" in kind):
        is_events = streams or "text/event-stream" in kind
        attempt.begin_stream() if is_events else attempt.begin_file()
        if response.headers.get("content-encoding", "identity") != "identity":
            unpack_stream(response, attempt)
        return ReadAnswer("events" if is_events else "opaque", is_billed=True)
    found = ReadAnswer(is_billed=True)
    try:
        raw = await read_whole(receive, response, attempt)
        if raw or expected is not None or streams:
            raw = _checked(raw, request, response, attempt, found, streams=streams)
        replace_body(response, raw)
    except (_UnusableError, AnswerTooLargeError, httpx2.DecodingError) as exc:
        reason = "its compression is broken" if isinstance(exc, httpx2.DecodingError) else str(exc)
        found.error = _refuse(response, reason)
    return found


def _checked(
    raw: bytes,
    request: httpx2.Request,
    response: httpx2.Response,
    attempt: Attempt,
    found: ReadAnswer,
    *,
    streams: bool,
) -> bytes:
    """Return the body that the SDK may parse. Fill in `found`. Raises `_UnusableError`."""
    try:
        value = parse_json(raw, most_bytes=attempt.limits.answer_bytes)
    except ValueError as exc:
        raise _UnusableError(f"it is not valid JSON ({exc})" if raw else "it is empty") from None
    body = value if isinstance(value, dict) else {}
    if (status := wire.hidden_status(body)) is not None:
        response.status_code = status  # the SDK derives its exception from the status
        found.is_billed, found.error = False, body
        return raw if is_well_formed_error(body) else _error_body(*_failure_of(body))
    if odd := has_odd_usage(body):
        del body["usage"]
    found.body = body
    if streams:
        raise _UnusableError("it is not a stream of events")
    expected = expected_answer(request.method, request.url.path)
    if expected is not None and not expected[1](value):
        raise _UnusableError(f"it is not {expected[0]}")
    return json.dumps(body).encode() if odd else raw


async def read_whole(receive: Receive, response: httpx2.Response, attempt: Attempt) -> bytes:
    """Return the decompressed body. Raises the errors of `NO_ANSWER`, such as `AnswerTooLargeError`."""
    most = attempt.limits.answer_bytes
    raw = await receive(response, most)
    check_size(len(raw), most, "on the wire")
    return unpack(response, raw, most, attempt) if "content-encoding" in response.headers else raw


async def _read_error(receive: Receive, response: httpx2.Response, attempt: Attempt) -> dict[str, Any]:
    """Return the body of an error response. If it cannot be read, the status alone counts."""
    try:
        raw = (await receive(response, _ERROR_BYTES))[:_ERROR_BYTES]
        if "content-encoding" in response.headers:
            raw = unpack(response, raw, _ERROR_BYTES, attempt)
    except NO_ANSWER:
        raw = b""
    try:
        value = parse_json(raw)
    except ValueError:
        value = None
        if raw.lstrip()[:1] in (b"{", b"["):  # a parser could fail on it
            raw = _error_body(raw.decode(errors="replace")[:_MAX_MESSAGE_CHARS])
    body = value if isinstance(value, dict) else {}
    if body and not is_well_formed_error(body):
        raw = _error_body(*_failure_of(body))
    replace_body(response, raw)
    return body


def _failure_of(body: dict[str, Any]) -> tuple[str, str, str]:
    failure, _ = wire.read_failure(body)
    return failure.message[:_MAX_MESSAGE_CHARS], failure.code[:_MAX_MESSAGE_CHARS], failure.type[:_MAX_MESSAGE_CHARS]


def _error_body(message: str, code: str | None = None, kind: str | None = None) -> bytes:
    error = {"message": message, "type": kind or None, "param": None, "code": code or None}
    return json.dumps({"error": error}).encode()


def _refuse(response: httpx2.Response, reason: str) -> dict[str, Any]:
    message = f"The API's answer cannot be used: {reason}"
    response.status_code = 502
    response.headers["content-type"] = "application/json"
    response.headers.pop("location", None)
    raw = _error_body(message, UNUSABLE, "server_error")
    replace_body(response, raw)
    error: dict[str, Any] = json.loads(raw)
    return error


def replace_body(response: httpx2.Response, raw: bytes) -> None:
    """Replace the body, because reading has consumed the stream."""
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        response.headers.pop(name, None)
    response.stream = httpx2.ByteStream(raw)
