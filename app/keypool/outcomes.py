"""What a response means: HTTP status and error code become an outcome. Pure; what an outcome does is `breaker`'s.

Codes: https://platform.openai.com/docs/guides/error-codes (2026-11). `error.code` is a word, never "429".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The classes of response that the pool tells apart."""

    SUCCESS = "success"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    INVALID_KEY = "invalid_key"
    FORBIDDEN = "forbidden"
    REGION_BLOCKED = "region_blocked"
    SERVER_FAILURE = "server_failure"
    REQUEST_FAULT = "request_fault"
    #: the caller went away before any answer (cancelled, interrupted)
    ABANDONED = "abandoned"


#: 429 codes that say "no money", not "too fast".
QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_exhausted",
        "organization_usage_limit_exceeded",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
    }
)
REGION_CODES = frozenset({"unsupported_country_region_territory"})
_TRANSIENT_4XX = frozenset({408})


@dataclass(frozen=True, slots=True)
class Failure:
    """An error body's facts: `code` and `type` of OpenAI's `error` object, empty where absent."""

    code: str = ""
    type: str = ""


def classify(status: int | None, failure: Failure = Failure()) -> Outcome:
    """The outcome of a response with `status`; None stands for no response at all (timeout, connection)."""
    if status is None or status >= 500 or status in _TRANSIENT_4XX:
        return Outcome.SERVER_FAILURE
    if status < 400:
        return Outcome.SUCCESS
    words = {failure.code, failure.type}
    if status in {402, 429} and words & QUOTA_CODES:
        return Outcome.QUOTA_EXHAUSTED
    if words & REGION_CODES:
        return Outcome.REGION_BLOCKED
    return {
        401: Outcome.INVALID_KEY,
        402: Outcome.QUOTA_EXHAUSTED,
        403: Outcome.FORBIDDEN,
        429: Outcome.RATE_LIMITED,
    }.get(status, Outcome.REQUEST_FAULT)


#: Outcomes after which the same request may go out again under another key.
ROTATES = frozenset(
    {
        Outcome.RATE_LIMITED,
        Outcome.QUOTA_EXHAUSTED,
        Outcome.INVALID_KEY,
        Outcome.FORBIDDEN,
        Outcome.SERVER_FAILURE,
    }
)
#: Outcomes that bar the key for the rest of this request, whatever the pool thinks of it.
BARS_KEY = ROTATES - {Outcome.RATE_LIMITED}
