"""Durations, retry-after, headers and the token bucket."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.keypool.limits import (
    BURST_SHARE,
    MINUTE_US,
    Bucket,
    Meter,
    MeterReading,
    parse_duration_us,
    parse_retry_after_us,
    read_limits,
)

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)
NOW_US = round(NOW.timestamp() * 1e6)


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
def test_openai_durations(text: str, seconds: float) -> None:
    assert parse_duration_us(text) == round(seconds * 1e6)


@pytest.mark.parametrize("text", ["", "soon", "-1", "1x", "s", "nan", "inf", "1s2m", "1e305", "9" * 400 + "s"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration_us(text) is None


def test_retry_after_ms_wins_over_retry_after() -> None:
    assert parse_retry_after_us({"retry-after-ms": "250", "retry-after": "9"}, NOW) == 250_000


def test_retry_after_is_seconds_or_an_http_date() -> None:
    """RFC 9110 section 10.2.3 allows both."""
    assert parse_retry_after_us({"retry-after": "42"}, NOW) == 42_000_000
    assert parse_retry_after_us({"retry-after": "Sun, 01 Nov 2026 12:01:30 GMT"}, NOW) == 90_000_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", None),
        ("later", None),
        ("nan", None),
        ("-5", 0),
        ("1e9", 86_400_000_000),
        ("Sun, 01 Nov 99999999999 12:00:00 GMT", None),
    ],
)
def test_retry_after_that_makes_no_sense(value: str, expected: int | None) -> None:
    assert parse_retry_after_us({"retry-after": value}, NOW) == expected


def test_headers_are_read_in_trios() -> None:
    reading = read_limits(
        {
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-limit-tokens": "150000",
            "x-ratelimit-remaining-tokens": "149984",
        }
    )
    assert reading.requests == MeterReading(60, 59, 1_000_000)
    assert reading.tokens is None


def test_an_unknown_limit_holds_nobody_back() -> None:
    assert Meter().room_at(5, NOW_US) == NOW_US
    assert Meter().charge(5, NOW_US) == Meter()


def test_a_full_bucket_gives_its_burst_at_once_and_then_one_an_interval() -> None:
    meter, now = Meter(per_minute=60, capacity=10), NOW_US
    burst = int(10 * BURST_SHARE)
    for _ in range(burst):
        assert meter.room_at(1, now) == now
        meter = meter.charge(1, now)
    assert meter.room_at(1, now) == now + 1_000_000


def test_a_request_larger_than_the_bucket_waits_until_it_is_full() -> None:
    meter = Meter(per_minute=600, capacity=100, full_at_us=NOW_US + 7)
    assert meter.room_at(5_000, NOW_US) == NOW_US + 7


def test_a_refund_undoes_a_charge() -> None:
    bucket = Bucket(Meter(60, 10, NOW_US + 500), Meter(6_000, 900, NOW_US + 900))
    assert bucket.charge(300, NOW_US).refund(300) == bucket


def test_the_first_headers_teach_limit_capacity_and_level() -> None:
    learned = Meter().learn(MeterReading(120, 100, 10_000_000), NOW_US, None)
    assert (learned.per_minute, learned.capacity, learned.full_at_us) == (120, 120, NOW_US + 10_000_000)


def test_a_server_that_is_fuller_than_we_think_is_believed_at_once() -> None:
    """Somebody else uses the same key: their requests appear as drift."""
    before = Meter(60, 60, NOW_US + 1_000_000)
    charges = Bucket(requests=before).charges()[0]
    theirs = MeterReading(60, 50, 10_000_000)
    assert before.learn(theirs, NOW_US, charges).full_at_us == NOW_US + 10_000_000


def test_charges_made_since_the_request_still_count() -> None:
    at_admission = Meter(60, 60).charge(1, NOW_US)
    charges = Bucket(requests=at_admission).charges()[0]
    later = at_admission.charge(3, NOW_US)
    agreed = later.learn(MeterReading(60, 59, 1_000_000), NOW_US, charges)
    assert agreed.full_at_us == later.full_at_us


def test_the_same_drift_reported_by_several_answers_is_corrected_once() -> None:
    start = Meter(60, 60).charge(1, NOW_US)
    charges = Bucket(requests=start).charges()[0]
    reading = MeterReading(60, 50, 10_000_000)
    once = start.learn(reading, NOW_US, charges)
    assert once.learn(reading, NOW_US, charges) == once


def test_a_cooldown_is_never_shortened() -> None:
    bucket = Bucket().cool(NOW_US + 60_000_000)
    assert bucket.cool(NOW_US + 1_000_000) == bucket
    assert bucket.room_at(1, NOW_US) == NOW_US + 60_000_000
    assert bucket.headroom(NOW_US) == 0.0


@given(
    per_minute=st.floats(1, 10_000),
    capacity=st.floats(1, 10_000),
    units=st.lists(st.floats(0.1, 50), min_size=1, max_size=60),
    gaps=st.lists(st.integers(0, 5_000_000), min_size=60, max_size=60),
)
def test_no_window_ever_admits_more_than_capacity_plus_refill(
    per_minute: float, capacity: float, units: list[float], gaps: list[int]
) -> None:
    """Whatever the arrivals, what is admitted in any stretch of time fits the server's bucket, to the microsecond."""
    microsecond = per_minute / MINUTE_US
    meter, now, admitted = Meter(per_minute, capacity), NOW_US, []
    for asked, gap in zip(units, gaps, strict=False):
        need = min(asked, capacity)
        now = max(now + gap, meter.room_at(need, now + gap))
        meter = meter.charge(need, now)
        admitted.append((now, need))
    for start in range(len(admitted)):
        taken = 0.0
        for at, need in admitted[start:]:
            taken += need
            refill = (at - admitted[start][0]) * per_minute / MINUTE_US
            assert taken <= capacity + refill + microsecond * len(admitted) + 1e-9 * taken


def test_headroom_is_the_tighter_meter() -> None:
    bucket = Bucket(Meter(60, 60).charge(30, NOW_US), Meter(6_000, 6_000).charge(600, NOW_US))
    assert bucket.headroom(NOW_US) == pytest.approx(0.5)
    assert replace(bucket, requests=Meter()).headroom(NOW_US) == pytest.approx(0.9)


def test_a_limit_a_day_is_not_taken_for_one_a_minute() -> None:
    """200 a day, one used, full again in 7m12s: one every 432 s, and 199 at once."""
    meter = Meter().learn(MeterReading(200, 199, 432_000_000), NOW_US, None)
    assert meter.interval_us == pytest.approx(432_000_000)
    assert meter.capacity == pytest.approx(200)
    assert meter.room_at(1, NOW_US) == NOW_US
