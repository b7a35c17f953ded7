"""What a response means: HTTP status and error code become an outcome. Pure; what an outcome does is `breaker`'s.

Codes: https://platform.openai.com/docs/guides/error-codes (2026-11). `error.code` is a word, never "429".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """The classes of response that the pool tells apart."""

    SUCCESS = "success"
    RATE_LIMITED = "rate_limited"
    #: larger than all that this key may use in a minute: no wait helps, a key with a higher limit does
    TOO_LARGE = "too_large"
    QUOTA_EXHAUSTED = "quota_exhausted"
    #: the provider has no capacity for the service tier that was asked for (flex): so for every key, and not billed
    NO_CAPACITY = "no_capacity"
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
#: How the message of a 429 begins if the request is larger than a whole minute's limit; its code is that of any other
#: 429 (2026-11).
TOO_LARGE_WORDS = "Request too large"
#: What the message of a 5xx names where the request is at fault and not the server: llama.cpp's Python server answers
#: so to a parameter that it does not know.
FAULT_WORDS = "validation error"
#: What a 429 of the flex tier says when there is no capacity for it
#: (https://developers.openai.com/api/docs/guides/flex-processing, 2026-11: "429 Resource Unavailable", not charged).
CAPACITY_CODES = frozenset({"resource_unavailable"})
REGION_CODES = frozenset({"unsupported_country_region_territory"})
_TRANSIENT_4XX = frozenset({408})


@dataclass(frozen=True, slots=True)
class Failure:
    """An error body's facts: `code`, `type` and `message` of OpenAI's `error` object, empty where absent.

    A message may quote the key, so it is not shown.
    """

    code: str = ""
    type: str = ""
    message: str = field(default="", repr=False)


def classify(status: int | None, failure: Failure = Failure()) -> Outcome:
    """The outcome of a response with `status`; None stands for no response at all (timeout, connection)."""
    if status is None or status >= 500 or status in _TRANSIENT_4XX:
        return Outcome.REQUEST_FAULT if FAULT_WORDS in failure.message else Outcome.SERVER_FAILURE
    if status < 400:
        return Outcome.SUCCESS
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


#: Outcomes that show that the key was accepted, even where the request was at fault.
ACCEPTED = frozenset({Outcome.SUCCESS, Outcome.REQUEST_FAULT, Outcome.REGION_BLOCKED})
#: What the provider does not bill, having turned it away.
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
#: Outcomes after which the same request may go out again under another key.
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
#: Those of them that pass by themselves: the same key may answer the same request later.
PASSES = frozenset({Outcome.RATE_LIMITED, Outcome.SERVER_FAILURE})
#: Those that bar the key for the rest of this request, whatever the pool thinks of it.
BARS_KEY = ROTATES - PASSES
