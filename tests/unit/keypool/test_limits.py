"""Durations, `Retry-After`, and rate limit headers are parsed."""

from datetime import UTC, datetime

import pytest

from app.keypool.limits import MeterReading, parse_duration_us, parse_retry_after_us, read_limits

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("6m0s", 360),
        ("17ms", 0.017),
        ("8.64s", 8.64),
        ("1h2m3s", 3723),
        ("1d", 86400),
        ("0", 0),
        ("2.5", 2.5),
    ],
)
def test_openai_durations_are_parsed(text: str, seconds: float) -> None:
    assert parse_duration_us(text) == round(seconds * 1e6)


@pytest.mark.parametrize("text", ["", "soon", "-1", "1x", "s", "nan", "inf", "1s2m", "1e305", "9" * 400 + "s"])
def test_an_invalid_duration_is_none(text: str) -> None:
    assert parse_duration_us(text) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("42", 42_000_000),
        ("Sun, 01 Nov 2026 12:01:30 GMT", 90_000_000),
        ("", None),
        ("later", None),
        ("nan", None),
        ("-5", 0),
        ("1000000000", 86_400_000_000),
        ("1e9", None),
        ("Sun, 01 Nov 99999999999 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_an_http_date(value: str, expected: int | None) -> None:
    """RFC 9110 section 10.2.3 allows both forms. `retry-after-ms` takes precedence."""
    assert parse_retry_after_us({"retry-after": value}, NOW) == expected
    assert parse_retry_after_us({"retry-after-ms": "250", "retry-after": value}, NOW) == 250_000


def test_a_retry_date_refers_to_the_server_s_clock() -> None:
    headers = {"date": "Sun, 01 Nov 2026 15:00:00 GMT", "retry-after": "Sun, 01 Nov 2026 15:00:20 GMT"}
    assert parse_retry_after_us(headers, NOW) == 20_000_000
    for invalid in ("", "yesterday", "Thu, 99 Nov 2026 05:00:00 GMT"):
        assert parse_retry_after_us({**headers, "date": invalid}, NOW) == (3 * 3600 + 20) * 1_000_000


def test_headers_are_read_in_groups_of_three() -> None:
    reading = read_limits(
        {
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-remaining-tokens": "149984",
            "x-ratelimit-reset-tokens": "1s",
        }
    )
    assert reading.requests == MeterReading(60, 59, 1_000_000)
    assert reading.tokens is None


@pytest.mark.parametrize(
    ("headers", "reset_us"),
    [({}, 15_000_000), ({"x-ratelimit-reset-requests": "3s"}, 3_000_000), ({"x-ratelimit-reset-requests": "x"}, None)],
    ids=["not named", "named", "makes no sense"],
)
def test_without_a_reset_used_units_return_within_a_minute(headers: dict[str, str], reset_us: int | None) -> None:
    """Azure sends only the limit and the remaining units."""
    headers |= {"x-ratelimit-limit-requests": "400", "x-ratelimit-remaining-requests": "300"}
    expected = None if reset_us is None else MeterReading(400, 300, reset_us)
    assert read_limits(headers).requests == expected
