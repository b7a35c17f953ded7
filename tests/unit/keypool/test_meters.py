"""The rules of one rate limit: when a request fits, and how responses correct the computed bucket."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.lua_rules import NOW_US, LuaRules

SECOND = 1_000_000
MINUTE = 60 * SECOND
SCHEDULE, GATE = 0.2, 0.1
JITTER = 10_000


def burst(rules: LuaRules, meter: Any, reserve: float = SCHEDULE) -> int:
    count = 0
    while rules.meter_capacity_at(meter, 1, NOW_US, reserve) == NOW_US:
        rules.charge_meter(meter, 1, NOW_US, False)
        count += 1
    return count


def learned(rules: LuaRules, reading: Any, meter: Any = None, charge: Any = None) -> Any:
    meter = rules.meter(a=0) if meter is None else rules.copy(meter)
    rules.learn_meter(meter, reading, NOW_US, charge or rules.charge(), 1, rules.table([1.5, 0.1]))
    return meter


def charged(rules: LuaRules, meter: Any, times: int = 1, at: int = NOW_US) -> Any:
    meter = rules.copy(meter)
    for _ in range(times):
        rules.charge_meter(meter, 1, at, False)
    return meter


def test_the_reserve_is_a_share_but_no_more_than_a_second_s_worth(rules: LuaRules) -> None:
    """A bucket of ten requests keeps a reserve of two. A bucket of 1,200 a minute keeps twenty, not 240."""
    assert burst(rules, rules.meter(600, 10)) == 8
    assert burst(rules, rules.meter(1200, 1200)) == 1180
    assert burst(rules, rules.meter(1200, 1200), GATE) == 1190


def test_a_burst_is_no_larger_than_slow_start_allows(rules: LuaRules) -> None:
    assert burst(rules, rules.meter(1200, 1200, a=20)) == 16


def test_a_request_larger_than_the_bucket_waits_until_it_is_full(rules: LuaRules) -> None:
    meter = rules.meter(600, 100, f=NOW_US + 7)
    assert rules.meter_capacity_at(meter, 5_000, NOW_US, SCHEDULE) == NOW_US + 7 + JITTER


def test_a_bucket_of_one_adds_slack_for_transit_times_unless_it_is_idle(rules: LuaRules) -> None:
    assert rules.meter_capacity_at(rules.meter(60, 1), 1, NOW_US, SCHEDULE) == NOW_US
    used = charged(rules, rules.meter(60, 1))
    assert rules.meter_capacity_at(used, 1, NOW_US, SCHEDULE) == NOW_US + SECOND + JITTER
    larger = rules.meter(60, 10)
    assert burst(rules, larger) == 9, "a second's worth is one request"
    assert rules.meter_capacity_at(larger, 1, NOW_US, SCHEDULE) == NOW_US + SECOND


def test_a_bucket_that_others_have_emptied_is_used_as_soon_as_it_refills(rules: LuaRules) -> None:
    """At 600 a minute, the reserve of ten requests refills in a second. Then one request fits every 100 ms."""
    drained = learned(rules, rules.reading(600, 0, MINUTE))
    assert rules.meter_capacity_at(drained, 1, NOW_US, SCHEDULE) == NOW_US + SECOND + 100_000


def test_an_emptier_bucket_than_computed_is_applied_at_once(rules: LuaRules) -> None:
    before = charged(rules, rules.meter(60, 60))
    after = learned(rules, rules.reading(60, 50, 10 * SECOND), before, rules.charge(before))
    assert after.f == NOW_US + 10 * SECOND


def test_a_fuller_bucket_than_computed_is_applied_slowly_and_only_outside_a_band(rules: LuaRules) -> None:
    before = charged(rules, rules.meter(60, 10), 8)
    near = learned(rules, rules.reading(60, 3, 7 * SECOND), before, rules.charge(before))
    far = learned(rules, rules.reading(60, 8, 2 * SECOND), before, rules.charge(before))
    assert near.f == before.f
    assert before.f - far.f == (6 - 1.5) * SECOND / 4


def test_a_smaller_capacity_is_applied_by_a_quarter_and_a_larger_one_at_once(rules: LuaRules) -> None:
    before = charged(rules, rules.meter(60, 40))
    for reported, capacity in ((20, 35), (60, 60)):
        after = learned(rules, rules.reading(60, reported - 1, SECOND), before, rules.charge(before))
        assert after.c == capacity


def test_charges_made_since_the_request_still_count(rules: LuaRules) -> None:
    at_admission = charged(rules, rules.meter(60, 60))
    later = charged(rules, at_admission, 3)
    agreed = learned(rules, rules.reading(60, 59, SECOND), later, rules.charge(at_admission))
    assert agreed.f == later.f


def test_the_same_drift_reported_by_several_answers_is_corrected_once(rules: LuaRules) -> None:
    start = charged(rules, rules.meter(60, 60))
    reading = rules.reading(60, 50, 10 * SECOND)
    once = learned(rules, reading, start, rules.charge(start))
    again = learned(rules, reading, once, rules.charge(start))
    assert dict(again.items()) == dict(once.items())


def test_a_correction_moves_reservations(rules: LuaRules) -> None:
    meter = rules.meter(60, 60, f=NOW_US + MINUTE)
    planned = rules.meter_capacity_at(meter, 1, NOW_US, SCHEDULE)
    reserved = charged(rules, meter)
    place = rules.charge(reserved)
    rules.correct(reserved, 3 * SECOND)
    assert rules.gate_at(reserved, 1, place) == planned + 3 * SECOND - SECOND / 2


def test_a_reservation_sent_late_from_a_full_bucket_moves_later_ones(rules: LuaRules) -> None:
    first = charged(rules, rules.meter(60, 1))
    second = charged(rules, first, at=NOW_US + SECOND)
    places = rules.charge(first), rules.charge(second)
    before = rules.gate_at(second, 1, places[1])
    rules.sent_late(second, 1, places[0], NOW_US + 30_000)
    assert rules.gate_at(second, 1, places[1]) == before + 30_000


def test_a_new_limit_voids_earlier_reservations(rules: LuaRules) -> None:
    before = charged(rules, rules.meter(60, 60))
    place = rules.charge(before)
    other = learned(rules, rules.reading(120, 100, 10 * SECOND), before, place)
    assert (other.l, other.c, other.f, other.a) == (120, 120, NOW_US + 10 * SECOND, 2)
    assert rules.outdated(other, place)
    assert not rules.outdated(before, place)
    assert not rules.outdated(other, rules.charge(charged(rules, other)))


def test_a_daily_limit_that_varies_is_the_same_limit(rules: LuaRules) -> None:
    """A daily limit's rate is computed from rounded figures, so it may vary by a quarter."""
    before = charged(rules, rules.meter(8, 200))
    for rate, kept in ((9.9, 8), (10.1, 10.1)):
        reading = rules.reading(200, 180, 20 * MINUTE / rate)
        assert learned(rules, reading, before, rules.charge(before)).l == pytest.approx(kept)


@pytest.mark.parametrize(
    ("remaining", "reset_us", "rate"),
    [(190, MINUTE, 200), (200, 10 * MINUTE, 200), (180, 2 * MINUTE, 10), (0, 70 * SECOND, 1200 / 7)],
    ids=["a limit a minute", "nothing used", "a limit a day", "a limit a day that is used up"],
)
def test_a_reset_after_more_than_a_minute_means_a_daily_limit(
    rules: LuaRules, remaining: float, reset_us: float, rate: float
) -> None:
    assert rules.rate_of(rules.reading(200, remaining, reset_us)) == pytest.approx(rate)


def test_a_refund_undoes_a_charge(rules: LuaRules) -> None:
    before = rules.meter(60, 10, f=NOW_US + 500.0, p=NOW_US + 500.0)
    after = charged(rules, before)
    place = rules.charge(after)
    rules.refund_meter(after, 1, rules.charge())
    assert after.f == NOW_US + 500 + SECOND, "a charge without known limits was refunded"
    rules.refund_meter(after, 1, place)
    assert (after.f, after.p) == (before.f, before.p)


def test_a_burst_that_was_used_up_grows_by_a_tenth_up_to_the_capacity(rules: LuaRules) -> None:
    meter = rules.meter(600, 20, a=10)
    count = burst(rules, meter)
    last = rules.charge(meter)
    rules.grow(meter, 1, last, NOW_US)
    assert (count, meter.a) == (8, 10.1)
    unused = rules.meter(600, 20, a=10)
    rules.charge_meter(unused, 1, NOW_US, False)
    rules.grow(unused, 1, rules.charge(unused), NOW_US)
    assert unused.a == 10
    nearly = rules.copy(meter, a=19.95)
    rules.grow(nearly, 1, rules.copy(last, p=NOW_US + MINUTE), NOW_US)
    assert nearly.a == 20


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    per_minute=st.floats(1, 10_000),
    capacity=st.floats(1, 10_000),
    units=st.lists(st.floats(0.1, 50), min_size=1, max_size=60),
    gaps=st.lists(st.integers(0, 5_000_000), min_size=60, max_size=60),
)
def test_no_window_ever_admits_more_than_capacity_plus_refill(
    rules: LuaRules, per_minute: float, capacity: float, units: list[float], gaps: list[int]
) -> None:
    microsecond = per_minute / MINUTE
    meter, now, admitted = rules.meter(per_minute, capacity), NOW_US, []
    for asked, gap in zip(units, gaps, strict=False):
        need = min(asked, capacity)
        now = max(now + gap, rules.meter_capacity_at(meter, need, now + gap, GATE))
        rules.charge_meter(meter, need, now, False)
        admitted.append((now, need))
    for start in range(len(admitted)):
        taken = 0.0
        for at, need in admitted[start:]:
            taken += need
            refill = (at - admitted[start][0]) * per_minute / MINUTE
            assert taken <= capacity + refill + microsecond * len(admitted) + 1e-9 * taken


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    per_minute=st.floats(1, 10_000),
    capacity=st.floats(1, 10_000),
    allowance=st.floats(1, 10_000),
    units=st.floats(0, 20_000),
    reserve=st.sampled_from([SCHEDULE, GATE]),
    used=st.floats(0, 1e9),
)
def test_no_request_is_sent_before_the_bound_of_the_index(
    rules: LuaRules, *, per_minute: float, capacity: float, allowance: float, units: float, reserve: float, used: float
) -> None:
    """The bound is the time for a request of 0 units that may use the reserve."""
    meter = rules.meter(per_minute, capacity, f=NOW_US + used, p=NOW_US + used, a=allowance)
    bound = rules.meter_capacity_at(meter, 0, NOW_US, GATE)
    assert bound <= rules.meter_capacity_at(meter, units, NOW_US, reserve) + 1


# --- after a 429


def refused(rules: LuaRules, meter: Any, till: int, *, against_the_headers: bool, units: float = 1) -> Any:
    meter = rules.copy(meter)
    rules.empty_until(meter, till, units, rules.charge(meter), against_the_headers)
    return meter


def test_a_429_that_contradicts_the_headers_reserves_part_of_the_burst(rules: LuaRules) -> None:
    meter = rules.meter(600, 600, a=10)
    burst(rules, meter)
    rested = refused(rules, meter, NOW_US + 5 * SECOND, against_the_headers=True)
    assert rules.meter_capacity_at(rested, 1, NOW_US, SCHEDULE) == NOW_US + 5 * SECOND + 0.1 * 10 * 100_000


def test_unexplained_429s_for_tokens_slow_the_pace_a_little(rules: LuaRules) -> None:
    meter, seen = rules.meter(60_000, 60_000, a=5_000), []
    for _ in range(6):
        rules.charge_meter(meter, 100, NOW_US, False)
        meter = refused(rules, meter, NOW_US + SECOND, against_the_headers=True, units=100)
        seen.append(round(meter.s, 2))
    assert seen == [1.01, 1.02, 1.03, 1.04, 1.04, 1.04]
    before = meter.p
    rules.charge_meter(meter, 100, NOW_US, False)
    assert meter.p - before == pytest.approx(1.04 * 100 * 1_000)
    requests = rules.meter(600, 600)
    rules.charge_meter(requests, 1, NOW_US, False)
    assert refused(rules, requests, NOW_US + SECOND, against_the_headers=True).s == 1, "requests must keep their pace"


def test_bursts_become_smaller_by_a_tenth_but_never_smaller_than_the_request(rules: LuaRules) -> None:
    for allowance, units, left in ((20, 1, 18), (1.05, 1, 1), (5_000, 4_900, 4_900)):
        meter = rules.meter(60_000, 60_000, a=allowance)
        rules.cut(meter, units)
        assert meter.a == left


def test_headroom_is_the_tighter_limit_and_none_in_a_pause(rules: LuaRules) -> None:
    requests, tokens = rules.meter(60, 60), rules.meter(6_000, 6_000)
    rules.charge_meter(requests, 30, NOW_US, False)
    rules.charge_meter(tokens, 600, NOW_US, False)
    bucket = rules.bucket(requests, tokens)
    assert rules.headroom(bucket, NOW_US) == pytest.approx(0.5)
    assert rules.headroom(rules.bucket(rules.meter(), tokens), NOW_US) == pytest.approx(0.9)
    assert rules.headroom(rules.copy(bucket, cooldown=NOW_US + 1), NOW_US) == 0
