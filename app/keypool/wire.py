"""Parse requests and responses for `retry_loop.py`. Invalid JSON counts as an empty object."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

import httpx2

from app.keypool.outcomes import QUOTA_CODES, Failure

#: The estimated number of bytes per token of English text. The charge is corrected when the response arrives.
_BYTES_PER_TOKEN = 4
#: Assumed tokens per picture, as for 1024 x 1024 pixels at high detail (OpenAI's vision guide, 2026-11).
_PICTURE_TOKENS = 765
_PROMPT_FIELDS = ("messages", "input", "instructions", "prompt")
_TEXT_FIELDS = ("content", "text", "output", "arguments", "function", "tool_calls", "summary")
_DEEPEST_TEXT = 8
_COMPLETION_FIELDS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
MAX_TOKENS = 10_000_000
_MOST_CHOICES = 128
_MOST_SEARCHES = 1_000

#: The longest time that a request is assumed to take to reach the server.
_LONGEST_WAY_US = 100_000
_ROUNDING_US = 1_000

_LIMIT_WORDS = {"tokens": ("(TPM)", "(TPD)"), "requests": ("(RPM)", "(RPD)")}

#: Only actual responses have these members. An actual response of the Responses API may have an `error` too.
_ANSWERS = frozenset({"id", "object", "choices", "output", "data"})
_ERROR_STATUS = re.compile(r"[45][0-9][0-9]")
_STATUS_OF = {
    "rate_limit_exceeded": 429,
    **dict.fromkeys(QUOTA_CODES, 429),
    "invalid_api_key": 401,
    "authentication_error": 401,
    "model_not_found": 404,
    **dict.fromkeys(("server_error", "internal_error", "internal_server_error", "api_error"), 500),
    **dict.fromkeys(("service_unavailable", "overloaded_error"), 503),
    "timeout": 504,
}


@dataclass(frozen=True, slots=True)
class Need:
    """What the pool needs to know about a request.

    `output_tokens` is the longest completion that the request allows. It is 0 if the request sets no maximum: reserving
    the model's maximum would leave most of the rate limit unused. `replayable` is true if the body can be sent again.
    `tier` is the requested `service_tier`, or "". `searches` is the number of allowed web searches, which are priced
    separately.
    """

    model: str = ""
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    replayable: bool = True
    streams: bool = False
    tier: str = ""
    searches: int = 0


def read_need(request: httpx2.Request) -> Need:
    """Parse a request. If the body is not JSON, the result has default values. A request whose body is a stream is not
    replayable.
    """
    try:
        content = request.content
    except httpx2.RequestNotRead:
        return Need(replayable=False)
    if "json" not in request.headers.get("content-type", ""):
        return Need()
    body = read_object(content)
    model = body.get("model")
    prompt = sum(_weight(body[name]) for name in _PROMPT_FIELDS if name in body)
    return Need(
        model=model if isinstance(model, str) else "",
        input_tokens=prompt / _BYTES_PER_TOKEN,
        output_tokens=_allowed_output(body),
        streams=body.get("stream") is True,
        tier=read_tier(body),
        searches=_allowed_searches(body),
    )


def read_tier(body: Mapping[str, Any]) -> str:
    tier = body.get("service_tier")
    return tier if isinstance(tier, str) else ""


def _weight(value: Any, depth: int = 0) -> int:
    """Return the size of a prompt in bytes of text. Pictures and token ids count `_BYTES_PER_TOKEN` bytes per token."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode(errors="replace"))
    if isinstance(value, list) and depth < _DEEPEST_TEXT:
        if value and isinstance(value[0], int):
            return len(value) * _BYTES_PER_TOKEN  # a list of token ids, as for embeddings
        return sum(_weight(part, depth + 1) for part in value)
    if isinstance(value, dict) and depth < _DEEPEST_TEXT:
        if value.get("type") in ("image_url", "input_image"):
            return _PICTURE_TOKENS * _BYTES_PER_TOKEN
        return sum(_weight(value[name], depth + 1) for name in _TEXT_FIELDS if name in value)
    return 0


def _allowed_output(body: Mapping[str, Any]) -> float:
    asked = next((n for name in _COMPLETION_FIELDS if _is_count(n := body.get(name))), 0)
    choices = body.get("n")
    times = min(max(choices, 1), _MOST_CHOICES) if _is_count(choices) else 1
    return float(min(asked, MAX_TOKENS) * times)


def _allowed_searches(body: Mapping[str, Any]) -> int:
    tools = body.get("tools")
    kinds = [str(tool.get("type")) for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    if not any(kind.startswith("web_search") for kind in kinds):
        return 0
    most = body.get("max_tool_calls")
    return min(most, _MOST_SEARCHES) if _is_count(most) else 1


def read_searches(body: Mapping[str, Any]) -> int:
    """Return the number of billed web searches in a response. Opening a page is free and does not count."""
    output = body.get("output")
    items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    actions = [item.get("action") for item in items if item.get("type") == "web_search_call"]
    found = sum(1 for action in actions if not isinstance(action, dict) or action.get("type") in (None, "search"))
    return min(found, _MOST_SEARCHES)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


# --- responses


def read_object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def read_failure(body: Mapping[str, Any]) -> tuple[Failure, Literal["requests", "tokens"] | None]:
    """Return the error in a body, and the unit of the rate limit that the error names (or None)."""
    error = body.get("error")
    if not isinstance(error, dict):
        return Failure(), None
    message = str(error.get("message") or "")
    failure = Failure(str(error.get("code") or ""), str(error.get("type") or ""), message)
    if failure.type in ("requests", "tokens"):
        return failure, "tokens" if failure.type == "tokens" else "requests"
    if any(word in message for word in _LIMIT_WORDS["tokens"]):
        return failure, "tokens"
    return failure, "requests" if any(word in message for word in _LIMIT_WORDS["requests"]) else None


def hidden_status(body: Mapping[str, Any]) -> int | None:
    """Return the real status if a gateway sent an error as a 200 response, or None for an actual response."""
    error = body.get("error")
    if not error or not isinstance(error, dict | str) or not _ANSWERS.isdisjoint(body):
        return None
    return status_of_error(error if isinstance(error, dict) else {}, body)


def status_of_error(*places: Mapping[str, Any]) -> int:
    numbers = (str(found.get(name)) for found in places for name in ("code", "status", "status_code"))
    named = next((int(text) for text in numbers if _ERROR_STATUS.fullmatch(text)), None)
    words = [str(word) for name in ("code", "type") if (word := places[0].get(name)) and word != "error"]
    known = (_STATUS_OF[word] for word in words if word in _STATUS_OF)
    return named or next(known, 400 if words and not any(word.isdecimal() for word in words) else 502)


def admitted_after_us(headers: Mapping[str, str], elapsed_us: int) -> int:
    """Return the latest time at which the server can have admitted a request, in microseconds after it was sent.

    The response headers arrived `elapsed_us` after the request was sent. The header `openai-processing-ms` states how
    long the server then processed the request. If the header is missing, assume that the request took half of
    `elapsed_us`, but at most 100 ms, to reach the server.
    """
    try:
        worked_us = int(headers.get("openai-processing-ms", "")) * 1000
    except ValueError:
        worked_us = -1
    if 0 <= worked_us <= elapsed_us + _ROUNDING_US:
        return max(0, elapsed_us - worked_us)
    return min(elapsed_us // 2, _LONGEST_WAY_US)


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """A response's `usage` object: numbers of input tokens, output tokens, and all tokens.

    `cached` input tokens were read from the provider's cache. `written` input tokens were written to the cache, for
    which some models charge extra.
    """

    input: int
    output: int
    total: int
    cached: int = 0
    written: int = 0


def read_usage(usage: Any) -> TokensUsed | None:
    """Parse the `usage` of a chat completion, response, or embedding. Return None if it has no counts."""
    if not isinstance(usage, dict):
        return None
    given = _count(usage, "prompt_tokens", "input_tokens")
    made = _count(usage, "completion_tokens", "output_tokens")
    total = _count(usage, "total_tokens")
    if given is None and made is None and total is None:
        return None
    given = given if given is not None else max(0, (total or 0) - (made or 0))
    found = (usage.get(name) for name in ("prompt_tokens_details", "input_tokens_details"))
    details = next((one for one in found if isinstance(one, dict)), {})
    cached = min(given, _count(details, "cached_tokens") or 0)
    written = min(given - cached, _count(details, "cache_write_tokens") or 0)
    return TokensUsed(given, made or 0, total if total is not None else given + (made or 0), cached, written)


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    return next((min(usage[name], MAX_TOKENS) for name in names if _is_count(usage.get(name))), None)
