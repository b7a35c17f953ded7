"""Buckets refill continuously, never exceed the limit, and report how long a request must wait."""

import pytest

from simulators.openai.buckets import Meter
from simulators.openai.config import Config
from simulators.openai.gate import Gate
from simulators.openai.protocol import ApiError, limit_headers


def meter(rpm: float = 60, tpm: float = 6000, **options: object) -> Meter:
    return Meter(rpm, tpm, **{"enforcement": "minute", "start_level": 1.0, "now": 0.0, **options})  # type: ignore[arg-type]


def test_tokens_refuse_as_well_and_the_longer_wait_is_named() -> None:
    one = meter(rpm=600, tpm=600)
    assert one.admit(500, 0.0) is None
    refusal = one.admit(200, 0.0)
    assert refusal is not None
    assert (refusal.what, refusal.wait) == ("tokens", pytest.approx(10.0))


def test_enforcement_by_the_second_refuses_although_the_minute_has_capacity() -> None:
    """A limit of 60 requests per minute is enforced as one per second, but headers still report the minute."""
    one = meter(rpm=60, tpm=6_000_000, enforcement="second")
    assert one.admit(1, 0.0) is None
    refusal = one.admit(1, 0.0)
    assert refusal is not None
    assert refusal.wait == pytest.approx(1.0)
    assert one.shown["requests"].level == pytest.approx(59.0)
    assert one.admit(1, 1.0) is None


def test_a_request_larger_than_a_second_waits_for_a_full_bucket_and_leaves_a_debt() -> None:
    one = meter(rpm=6000, tpm=6000, enforcement="second")
    assert one.admit(300, 0.0) is None
    assert one.enforced["tokens"].level == pytest.approx(-200.0)
    refusal = one.admit(300, 0.0)
    assert refusal is not None
    assert refusal.wait == pytest.approx(3.0)


def test_a_refund_returns_the_charged_amount() -> None:
    one = meter(rpm=60, tpm=600)
    one.admit(100, 0.0)
    one.refund(100, 0.0)
    assert (one.shown["requests"].level, one.shown["tokens"].level) == (60, 600)
    assert one.levels(1_000.0) == {"requests": 60, "tokens": 600}, "idle time does not fill a bucket beyond its limit"


def test_headers_can_report_the_enforced_bucket_with_the_minutes_limit() -> None:
    one = meter(rpm=600, tpm=6_000_000, enforcement="second", headers_of="enforced")
    for _ in range(4):
        assert one.admit(1, 0.0) is None
    assert limit_headers(one, 0.0) == {
        "x-ratelimit-limit-requests": "600",
        "x-ratelimit-remaining-requests": "6",
        "x-ratelimit-reset-requests": "400ms",
        "x-ratelimit-limit-tokens": "6000000",
        "x-ratelimit-remaining-tokens": "99996",
        "x-ratelimit-reset-tokens": "0s",
    }


@pytest.mark.parametrize("enforcement", ["minute", "second"])
def test_new_limits_keep_the_used_amount(enforcement: str) -> None:
    used_up, rpm = meter(rpm=600, tpm=1e9, enforcement=enforcement), 600
    while used_up.admit(1, 0.0) is None:
        pass
    for factor in (0.5, 2.0):
        changed = meter(rpm=rpm * factor, tpm=1e9, enforcement=enforcement, now=0.0)
        changed.carry_over(used_up, 0.0)
        used = used_up.enforced["requests"].capacity
        assert changed.levels(0.0)["requests"] == max(0.0, changed.enforced["requests"].capacity - used)


def test_another_program_uses_up_a_key_once_and_the_key_refills() -> None:
    """The third request is refused, although this client has used only two of 60 requests. Then the bucket refills."""
    gate = Gate(Config.from_json([{"key": "sk-simulator-shared-key", "rpm": 60, "tpm": 1e9, "used_up_after": 2}]))
    key = gate.authenticate("Bearer sk-simulator-shared-key")
    for _ in range(2):
        gate.admit(key, "gpt", 1, 1, 0.0)
    with pytest.raises(ApiError) as caught:
        gate.admit(key, "gpt", 1, 1, 0.0)
    assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")
    assert caught.value.headers["retry-after-ms"] == "1000"
    gate.admit(key, "gpt", 1, 1, 1.0)
    gate.admit(key, "gpt", 1, 1, 2.0)
    assert key.counts["admitted"] == 4
