"""OpenAI's wire format: durations, headers, and error bodies.

Sources: https://platform.openai.com/docs/guides/rate-limits (headers) and .../guides/error-codes (errors), both
2025-11. Durations have the format of Go's time.Duration.
"""

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response, StreamingResponse

from simulators.openai.buckets import Meter, Refusal

_DOCS = "https://platform.openai.com"


def duration(seconds: float) -> str:
    """Format a duration like Go, rounded to milliseconds: `17ms`, `1s`, `8.64s`, `6m0s`, `1h0m0s`."""
    ms = max(0, round(seconds * 1000))
    if ms == 0:
        return "0s"
    if ms < 1000:
        return f"{ms}ms"
    whole, rest = divmod(ms, 60_000)
    tail = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if whole == 0:
        return tail
    hours, minutes = divmod(whole, 60)
    return (f"{hours}h" if hours else "") + f"{minutes}m{tail}"


def limit_headers(meter: Meter, now: float) -> dict[str, str]:
    found: dict[str, str] = {}
    for what, bucket in meter.shown.items():
        bucket.refill(now)
        found[f"x-ratelimit-limit-{what}"] = str(int(meter.limits[what]))
        found[f"x-ratelimit-remaining-{what}"] = str(max(0, math.floor(bucket.level + 1e-9)))
        found[f"x-ratelimit-reset-{what}"] = duration(bucket.full_in(now))
    return found


def retry_headers(wait: float) -> dict[str, str]:
    """Return `retry-after` in seconds and `retry-after-ms`, both rounded up."""
    return {"retry-after": str(max(1, math.ceil(wait))), "retry-after-ms": str(max(1, math.ceil(wait * 1000)))}


@dataclass
class ApiError(Exception):
    """An error response of the API. `counter` names the counter in `/control/stats` that counts it."""

    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None
    counter: str = "bad_requests"
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def bad_request(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    return ApiError(400, message, "invalid_request_error", code, param)


def no_key() -> ApiError:
    message = (
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
        f"(i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from {_DOCS}/account/api-keys."
    )
    return ApiError(401, message, "invalid_request_error", counter="unauthorized")


def invalid_key(key: str, code: str | None) -> ApiError:
    shown = f"{key[:7]}{'*' * 8}{key[-4:]}" if len(key) > 15 else "*" * len(key)
    message = f"Incorrect API key provided: {shown}. You can find your API key at {_DOCS}/account/api-keys."
    return ApiError(401, message, "invalid_request_error", code or "invalid_api_key", counter="unauthorized")


def model_forbidden(project: str, model: str, code: str | None) -> ApiError:
    message = f"Project `{project}` does not have access to model `{model}`"
    return ApiError(403, message, "invalid_request_error", code or "model_not_found", counter="forbidden")


def region_forbidden(code: str | None) -> ApiError:
    used = code or "unsupported_country_region_territory"
    return ApiError(403, "Country, region, or territory not supported", "request_forbidden", used, counter="forbidden")


def unknown_model(model: str) -> ApiError:
    message = f"The model `{model}` does not exist or you do not have access to it."
    return ApiError(404, message, "invalid_request_error", "model_not_found")


def no_quota(code: str | None) -> ApiError:
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        f"error, read the docs: {_DOCS}/docs/guides/error-codes/api-errors."
    )
    return ApiError(429, message, "insufficient_quota", code or "insufficient_quota", counter="no_quota")


def too_large(model: str, organization: str, limit: float, asked: float) -> ApiError:
    message = (
        f"Request too large for {model} in organization {organization} on tokens per min (TPM): Limit {int(limit)}, "
        f"Requested {math.ceil(asked)}. The input or output tokens must be reduced in order to run successfully. "
        f"Visit {_DOCS}/account/rate-limits to learn more."
    )
    return ApiError(429, message, "tokens", "rate_limit_exceeded", counter="too_large")


def flex_unavailable() -> ApiError:
    """Return the error for missing flex capacity (OpenAI's guide to flex processing, 2026-11)."""
    message = "Resource temporarily unavailable for service_tier flex. Please try again later or use another tier."
    return ApiError(429, message, "resource_unavailable", "resource_unavailable", counter="no_capacity")


def tier_unsupported(model: str, tier: str) -> ApiError:
    return bad_request(f"Invalid service_tier argument: `{tier}` is not available for model `{model}`.", "service_tier")


def rate_limited(model: str, organization: str, meter: Meter, refusal: Refusal, asked: float) -> ApiError:
    long, short = {"requests": ("requests", "RPM"), "tokens": ("tokens", "TPM")}[refusal.what]
    limit, level = int(meter.limits[refusal.what]), meter.shown[refusal.what].level
    used = max(0, math.ceil(limit - level))
    message = (
        f"Rate limit reached for {model} in organization {organization} on {long} per min ({short}): Limit {limit}, "
        f"Used {used}, Requested {math.ceil(asked)}. Please try again in {duration(refusal.wait)}. "
        f"Visit {_DOCS}/account/rate-limits to learn more."
    )
    return ApiError(
        429, message, refusal.what, "rate_limit_exceeded", counter="rate_limited", headers=retry_headers(refusal.wait)
    )


def server_error() -> ApiError:
    message = (
        "The server had an error while processing your request. Sorry about that! You can retry your request, or "
        "contact us through our help center at help.openai.com if the error persists."
    )
    return ApiError(500, message, "server_error", counter="server_errors")


def shutting_down() -> ApiError:
    return ApiError(
        503, "The engine is currently overloaded, please try again later", "server_error", counter="server_errors"
    )


def broken_off(whole: Response, beginning: str | None = None) -> Response:
    """Return a copy of `whole` that sends only `beginning`, and then closes the connection.

    If `beginning` is None, it sends the first half of the body.
    """

    async def part() -> AsyncIterator[str | bytes]:
        yield bytes(whole.body)[: len(whole.body) // 2] if beginning is None else beginning
        raise ConnectionAbortedError

    return StreamingResponse(part(), headers=dict(whole.headers))
