"""The rules of one limit: what fits when, and what each answer teaches of the provider's bucket."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.keypool.buckets import JITTER_US
from app.keypool.limits import MINUTE_US, MeterReading
from app.keypool.meters import GATE_RESERVE, SCHEDULE_RESERVE, Charge, Meter
from tests.unit.keypool.meters import NOW_US, SECOND, known

DEAD = (1.5, 0.1)


def burst(meter: Meter, reserve: float = SCHEDULE_RESERVE) -> int:
    """How many requests go at once."""
    count = 0
    while meter.room_at(1, NOW_US, reserve, 0) == NOW_US:
        meter, count = meter.charge(1, NOW_US), count + 1
    return count


def test_an_unknown_limit_holds_nobody_back() -> None:
    assert Meter().room_at(5, NOW_US, SCHEDULE_RESERVE, JITTER_US) == NOW_US
    assert Meter().charge(5, NOW_US) == Meter()


def test_a_full_bucket_gives_its_burst_at_once_and_then_one_an_interval() -> None:
    meter = known(60, 10)
    for _ in range(burst(meter)):
        meter = meter.charge(1, NOW_US)
    assert meter.room_at(1, NOW_US, SCHEDULE_RESERVE, 0) == NOW_US + SECOND


def test_the_reserve_is_a_share_but_no_more_than_a_second_s_worth() -> None:
    """Ten requests keep two; twelve hundred a minute keep twenty, not 240."""
    assert burst(known(600, 10)) == 8
    assert burst(known(1200, 1200)) == 1180
    assert burst(known(1200, 1200), GATE_RESERVE) == 1190


def test_a_burst_is_no_larger_than_slow_start_allows() -> None:
    assert burst(known(1200, 1200, allowance=20)) == 16


def test_a_request_larger_than_the_bucket_waits_until_it_is_full() -> None:
    meter = replace(known(600, 100), full_at_us=NOW_US + 7)
    assert meter.room_at(5_000, NOW_US, SCHEDULE_RESERVE, 0) == NOW_US + 7


def test_a_bucket_of_one_keeps_slack_for_uneven_travel_and_a_larger_one_has_it() -> None:
    used = known(60, 1).charge(1, NOW_US)
    assert used.room_at(1, NOW_US, SCHEDULE_RESERVE, JITTER_US) == NOW_US + SECOND + JITTER_US
    larger = known(60, 10)
    assert burst(larger) == 9, "a second's worth is one request"
    for _ in range(9):
        larger = larger.charge(1, NOW_US)
    assert larger.room_at(1, NOW_US, SCHEDULE_RESERVE, JITTER_US) == NOW_US + SECOND


def test_a_bucket_of_one_that_is_idle_goes_at_once() -> None:
    assert known(60, 1).room_at(1, NOW_US, SCHEDULE_RESERVE, JITTER_US) == NOW_US


def test_the_first_headers_teach_limit_capacity_and_level() -> None:
    learned = Meter().learn(MeterReading(120, 100, 10 * SECOND), NOW_US, Charge(), 1, DEAD)
    assert (learned.per_minute, learned.capacity, learned.full_at_us) == (120, 120, NOW_US + 10 * SECOND)


def test_bursts_begin_at_one_second_s_worth() -> None:
    learned = Meter().learn(MeterReading(1200, 1199, 50_000), NOW_US, Charge(), 1, DEAD)
    assert learned.allowance == 20
    assert Meter().learn(MeterReading(6, 5, 10 * SECOND), NOW_US, Charge(), 1, DEAD).allowance == 1


def test_a_bucket_that_others_have_drained_is_waited_for_only_as_long_as_it_needs() -> None:
    """600 a minute, none left: once the reserve of a second's worth is there, one every 100 ms."""
    drained = Meter().learn(MeterReading(600, 0, 60 * SECOND), NOW_US, Charge(), 1, DEAD)
    assert drained.room_at(1, NOW_US, SCHEDULE_RESERVE, JITTER_US) == NOW_US + SECOND + 100_000


def test_a_server_that_is_fuller_than_we_think_is_believed_at_once() -> None:
    """Somebody else uses the same key: their requests appear as drift."""
    before = known(60, 60).charge(1, NOW_US)
    learned = before.learn(MeterReading(60, 50, 10 * SECOND), NOW_US, before.charged(), 1, DEAD)
    assert learned.full_at_us == NOW_US + 10 * SECOND


def test_a_server_that_is_emptier_is_believed_slowly_and_only_beyond_a_band() -> None:
    """1.5 requests or a tenth of the capacity are within what reordering explains; of the rest, a quarter."""
    before = known(60, 10)
    for _ in range(8):
        before = before.charge(1, NOW_US)
    near = before.learn(MeterReading(60, 3, 7 * SECOND), NOW_US, before.charged(), 1, DEAD)
    far = before.learn(MeterReading(60, 8, 2 * SECOND), NOW_US, before.charged(), 1, DEAD)
    assert near.full_at_us == before.full_at_us
    assert before.full_at_us - far.full_at_us == (6 - 1.5) * SECOND / 4


def test_charges_made_since_the_request_still_count() -> None:
    at_admission = known(60, 60).charge(1, NOW_US)
    later = at_admission.charge(3, NOW_US)
    agreed = later.learn(MeterReading(60, 59, SECOND), NOW_US, at_admission.charged(), 1, DEAD)
    assert agreed.full_at_us == later.full_at_us


def test_the_same_drift_reported_by_several_answers_is_corrected_once() -> None:
    start = known(60, 60).charge(1, NOW_US)
    reading = MeterReading(60, 50, 10 * SECOND)
    once = start.learn(reading, NOW_US, start.charged(), 1, DEAD)
    assert once.learn(reading, NOW_US, start.charged(), 1, DEAD) == once


def test_a_correction_moves_the_places_that_are_reserved() -> None:
    """The gate of a lease is where its place is after it; half of the reserve absorbs the beginning."""
    meter = replace(known(60, 60), full_at_us=NOW_US + 60 * SECOND)
    reserved = meter.charge(1, NOW_US)
    planned = meter.room_at(1, NOW_US, SCHEDULE_RESERVE, 0)
    gate = reserved.corrected(3 * SECOND).gate_at(1, reserved.charged(), 0)
    assert gate == planned + 3 * SECOND - SECOND / 2


def test_a_place_that_goes_late_from_a_full_bucket_moves_those_behind_it() -> None:
    """What was not used in that time is lost, on the server as here."""
    first = known(60, 1).charge(1, NOW_US)
    second = first.charge(1, NOW_US + SECOND)
    moved = second.sent(1, first.charged(), NOW_US + 30_000)
    assert moved.gate_at(1, second.charged(), 0) == second.gate_at(1, second.charged(), 0) + 30_000


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
    meter, now, admitted = known(per_minute, capacity), NOW_US, []
    for asked, gap in zip(units, gaps, strict=False):
        need = min(asked, capacity)
        now = max(now + gap, meter.room_at(need, now + gap, GATE_RESERVE, JITTER_US))
        meter = meter.charge(need, now)
        admitted.append((now, need))
    for start in range(len(admitted)):
        taken = 0.0
        for at, need in admitted[start:]:
            taken += need
            refill = (at - admitted[start][0]) * per_minute / MINUTE_US
            assert taken <= capacity + refill + microsecond * len(admitted) + 1e-9 * taken


@given(
    per_minute=st.floats(1, 10_000),
    capacity=st.floats(1, 10_000),
    allowance=st.floats(1, 10_000),
    units=st.floats(0, 20_000),
    reserve=st.sampled_from([SCHEDULE_RESERVE, GATE_RESERVE]),
    used=st.floats(0, 1e9),
)
def test_nothing_goes_before_the_bound_of_the_index(
    *, per_minute: float, capacity: float, allowance: float, units: float, reserve: float, used: float
) -> None:
    """The index of the Redis store keeps, for a key, when a request of no tokens could go that may use the reserve."""
    arrival = NOW_US + used
    meter = Meter(per_minute, capacity, arrival, 0.0, allowance, arrival)
    bound = meter.room_at(0, NOW_US, GATE_RESERVE, JITTER_US)
    assert bound <= meter.room_at(units, NOW_US, reserve, JITTER_US) + 1


def test_a_limit_a_day_is_not_taken_for_one_a_minute() -> None:
    """200 a day, one used, full again in 7m12s: one every 432 s, and the server would take 199 at once."""
    meter = Meter().learn(MeterReading(200, 199, 432 * SECOND), NOW_US, Charge(), 1, DEAD)
    assert meter.interval_us == pytest.approx(432 * SECOND)
    assert meter.capacity == pytest.approx(200)
