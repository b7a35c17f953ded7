"""Classify responses by status and `error.code` (https://platform.openai.com/docs/guides/error-codes, 2026-11)."""

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    SUCCESS = "success"
    RATE_LIMITED = "rate_limited"
    #: The request alone exceeds the key's limit per minute. Waiting does not help, but another key may have a higher
    #: limit.
    TOO_LARGE = "too_large"
    QUOTA_EXHAUSTED = "quota_exhausted"
    #: The provider has no capacity for the requested service tier (flex). Another key would not help. The request is
    #: not billed.
    NO_CAPACITY = "no_capacity"
    INVALID_KEY = "invalid_key"
    FORBIDDEN = "forbidden"
    REGION_BLOCKED = "region_blocked"
    SERVER_FAILURE = "server_failure"
    REQUEST_FAULT = "request_fault"
    #: The outcome says nothing about the key: the caller disconnected, a flex request timed out, or the report was
    #: late.
    ABANDONED = "abandoned"


#: Error codes of a 429 or 402 that mean an exhausted quota, not a rate limit.
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
#: The start of a 429's message if the request alone exceeds the limit. The error code does not show this (2026-11).
TOO_LARGE_WORDS = "Request too large"
#: A 5xx response with these words in its message means an invalid request. llama.cpp's Python server sends it for
#: unknown parameters.
FAULT_WORDS = "validation error"
#: Error codes of a 429 that mean "no capacity for the flex tier"
#: (https://developers.openai.com/api/docs/guides/flex-processing, 2026-11: "429 Resource Unavailable", not charged).
CAPACITY_CODES = frozenset({"resource_unavailable"})
REGION_CODES = frozenset({"unsupported_country_region_territory"})
_TRANSIENT_4XX = frozenset({408})


@dataclass(frozen=True, slots=True)
class Failure:
    """Members of the `error` object in an OpenAI error response, each "" if absent. `repr` omits the message, which may
    quote the key.
    """

    code: str = ""
    type: str = ""
    message: str = field(default="", repr=False)


def classify(status: int | None, failure: Failure = Failure()) -> Outcome:
    """Return the outcome of a response. `status` is None if there was no response (timeout or connection error)."""
    if status is not None and 200 <= status < 300:
        return Outcome.SUCCESS
    # no client error: a redirect, or an unknown status, is no answer either
    if status is None or not 400 <= status < 500 or status in _TRANSIENT_4XX:
        return Outcome.REQUEST_FAULT if FAULT_WORDS in failure.message else Outcome.SERVER_FAILURE
    words = {failure.code, failure.type}
    if status in {402, 429} and words & QUOTA_CODES:
        return Outcome.QUOTA_EXHAUSTED
    if words & REGION_CODES:
        return Outcome.REGION_BLOCKED
    if status == 429 and words & CAPACITY_CODES:
        return Outcome.NO_CAPACITY
    too_large = status == 429 and failure.message.startswith(TOO_LARGE_WORDS)
    by_status = {
        401: Outcome.INVALID_KEY,
        402: Outcome.QUOTA_EXHAUSTED,
        403: Outcome.FORBIDDEN,
        429: Outcome.TOO_LARGE if too_large else Outcome.RATE_LIMITED,
    }
    return by_status.get(status, Outcome.REQUEST_FAULT)


#: Outcomes that prove that the provider accepts the key.
ACCEPTED = frozenset({Outcome.SUCCESS, Outcome.REQUEST_FAULT, Outcome.REGION_BLOCKED})
#: Outcomes of rejected requests, which the provider does not bill.
UNBILLED = frozenset(
    {
        Outcome.RATE_LIMITED,
        Outcome.TOO_LARGE,
        Outcome.QUOTA_EXHAUSTED,
        Outcome.NO_CAPACITY,
        Outcome.INVALID_KEY,
        Outcome.FORBIDDEN,
        Outcome.REGION_BLOCKED,
        Outcome.REQUEST_FAULT,
    }
)
#: Outcomes after which the request may be sent again with another key.
ROTATES = frozenset(
    {
        Outcome.RATE_LIMITED,
        Outcome.TOO_LARGE,
        Outcome.QUOTA_EXHAUSTED,
        Outcome.INVALID_KEY,
        Outcome.FORBIDDEN,
        Outcome.SERVER_FAILURE,
    }
)
#: Outcomes after which the same key may succeed later.
PASSES = frozenset({Outcome.RATE_LIMITED, Outcome.SERVER_FAILURE})
#: Outcomes after which the request must not use the same key again.
BARS_KEY = ROTATES - PASSES
