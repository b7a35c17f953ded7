"""The outcome of a request follows from the status, the error code, and sometimes the error's message."""

import pytest

from app.keypool.outcomes import BARS_KEY, ROTATES, Failure, Outcome, classify


@pytest.mark.parametrize(
    ("status", "code", "kind", "expected"),
    [
        (200, "", "", Outcome.SUCCESS),
        (201, "", "", Outcome.SUCCESS),
        (429, "rate_limit_exceeded", "requests", Outcome.RATE_LIMITED),
        (429, "rate_limit_exceeded", "tokens", Outcome.RATE_LIMITED),
        (429, "", "", Outcome.RATE_LIMITED),
        (429, "insufficient_quota", "insufficient_quota", Outcome.QUOTA_EXHAUSTED),
        (429, "", "insufficient_quota", Outcome.QUOTA_EXHAUSTED),
        (429, "credit_balance_exhausted", "", Outcome.QUOTA_EXHAUSTED),
        (429, "organization_usage_limit_exceeded", "", Outcome.QUOTA_EXHAUSTED),
        (429, "organization_spend_limit_exceeded", "", Outcome.QUOTA_EXHAUSTED),
        (429, "project_spend_limit_exceeded", "", Outcome.QUOTA_EXHAUSTED),
        (429, "resource_unavailable", "", Outcome.NO_CAPACITY),
        (429, "", "resource_unavailable", Outcome.NO_CAPACITY),
        (400, "resource_unavailable", "", Outcome.REQUEST_FAULT),
        (401, "invalid_api_key", "invalid_request_error", Outcome.INVALID_KEY),
        (403, "model_not_found", "invalid_request_error", Outcome.FORBIDDEN),
        (403, "unsupported_country_region_territory", "", Outcome.REGION_BLOCKED),
        (500, "", "server_error", Outcome.SERVER_FAILURE),
        (503, "", "", Outcome.SERVER_FAILURE),
        (408, "", "", Outcome.SERVER_FAILURE),
        (None, "", "", Outcome.SERVER_FAILURE),
        (400, "context_length_exceeded", "invalid_request_error", Outcome.REQUEST_FAULT),
        (404, "model_not_found", "invalid_request_error", Outcome.REQUEST_FAULT),
        (409, "", "", Outcome.REQUEST_FAULT),
        (422, "", "", Outcome.REQUEST_FAULT),
    ],
)
def test_status_and_code_together_determine_the_outcome(
    status: int | None, code: str, kind: str, expected: Outcome
) -> None:
    assert classify(status, Failure(code, kind)) is expected


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (429, "rate_limit_exceeded", "Request too large for gpt-4o in organization org-x on TPM", Outcome.TOO_LARGE),
        (429, "rate_limit_exceeded", "Rate limit reached. Request too large? Try again.", Outcome.RATE_LIMITED),
        (429, "insufficient_quota", "Request too large", Outcome.QUOTA_EXHAUSTED),
        (413, "", "Request too large", Outcome.REQUEST_FAULT),
        (400, "context_length_exceeded", "Request too large", Outcome.REQUEST_FAULT),
    ],
)
def test_a_too_large_429_is_recognized_by_the_start_of_its_message(
    status: int, code: str, message: str, expected: Outcome
) -> None:
    """The error has the code and type of an ordinary rate limit, so only its message differs."""
    assert classify(status, Failure(code, "tokens", message)) is expected


def test_a_message_is_not_shown_because_it_may_quote_the_key() -> None:
    assert "sk-secret" not in repr(Failure("invalid_api_key", "", "Incorrect API key provided: sk-secret"))


def test_a_5xx_that_names_a_fault_of_the_request_is_not_a_server_failure() -> None:
    """The key is healthy, and another key would get the same response."""
    message = "1 validation error: {'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text'\"}"
    assert classify(500, Failure("", "internal_server_error", message)) is Outcome.REQUEST_FAULT
    assert classify(500, Failure("", "internal_server_error", "boom")) is Outcome.SERVER_FAILURE


def test_the_outcome_decides_whether_the_request_is_sent_again_and_with_the_same_key() -> None:
    assert Outcome.TOO_LARGE in ROTATES & BARS_KEY
    assert Outcome.RATE_LIMITED in ROTATES - BARS_KEY
    assert not ROTATES & {Outcome.REQUEST_FAULT, Outcome.REGION_BLOCKED}
