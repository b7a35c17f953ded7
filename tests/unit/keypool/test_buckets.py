"""The limits of a group and model together: pauses, refusals, and what is left of the tighter one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.keypool.buckets import Bucket, Refused
from app.keypool.figures import Unit
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.meters import Charge, Meter
from tests.unit.keypool.meters import NOW_US, SECOND, known


def _refused(said: LimitReading, tokens: float, pause_us: int | None, limited_by: Unit | None) -> Refused:
    return Refused.of(said, tokens, NOW_US, pause_us, limited_by)


def test_a_refund_undoes_a_charge() -> None:
    bucket = Bucket(
        replace(known(60, 10), full_at_us=NOW_US + 500, paced_at_us=NOW_US + 500),
        replace(known(6_000, 900), full_at_us=NOW_US + 900, paced_at_us=NOW_US + 900),
    )
    charged = bucket.charge(300, NOW_US)
    back = charged.refund(300, charged.charges())
    for before, after in ((bucket.requests, back.requests), (bucket.tokens, back.tokens)):
        assert (after.full_at_us, after.paced_at_us) == (before.full_at_us, before.paced_at_us)
    assert charged.refund(300, (Charge(), Charge())) == charged, "what was unknown at admission was not charged"


def test_a_429_leaves_room_for_one_at_the_named_time_and_then_one_by_one() -> None:
    meter = known(600, 600, allowance=10)
    for _ in range(8):
        meter = meter.charge(1, NOW_US)
    bucket = Bucket(requests=meter)
    rested = bucket.refused(_refused(LimitReading(), 10, 5 * SECOND, "requests"), bucket.charges(), NOW_US)
    assert rested.room_at(10, NOW_US) == NOW_US + 5 * SECOND
    after = rested.charge(10, NOW_US + 5 * SECOND)
    assert after.room_at(10, NOW_US + 5 * SECOND) == NOW_US + 5 * SECOND + 100_000


def test_a_cooldown_is_never_shortened() -> None:
    long, short = (_refused(LimitReading(), 1, pause, None) for pause in (None, SECOND))
    bucket = Bucket().refused(long, (Charge(), Charge()), NOW_US)
    again = bucket.refused(short, (Charge(), Charge()), NOW_US)
    assert again.cooldown_until_us == bucket.cooldown_until_us == NOW_US + 60 * SECOND
    assert again.room_at(1, NOW_US) == NOW_US + 60 * SECOND
    assert again.headroom(NOW_US) == 0.0


def test_after_a_429_against_the_headers_word_a_part_of_the_burst_is_waited_for_besides() -> None:
    """Nobody tells how full the bucket is: at the named time there is room for one of this size, and nothing else."""
    meter = known(600, 600, allowance=10)
    for _ in range(8):
        meter = meter.charge(1, NOW_US)
    bucket = Bucket(meter, known(60_000, 60_000))
    room = LimitReading(MeterReading(600, 500, 10 * SECOND), MeterReading(60_000, 59_000, SECOND))
    rested = bucket.refused(_refused(room, 10, SECOND // 10, "requests"), bucket.charges(), NOW_US)
    plain = bucket.room_at(10, NOW_US)
    cut_burst = 0.8 * (10 - 9) * 100_000  # of nine, a fifth in reserve, instead of ten
    assert rested.room_at(10, NOW_US) - plain == pytest.approx(cut_burst + 0.1 * 9 * 100_000, abs=1)


def test_tokens_that_no_header_explains_slow_our_pace_a_little_and_never_by_much() -> None:
    bucket = Bucket(known(600, 600, allowance=10), known(60_000, 60_000, allowance=5_000))
    room = LimitReading(MeterReading(600, 500, 10 * SECOND), MeterReading(60_000, 59_000, SECOND))
    seen = []
    for _ in range(6):
        charged = bucket.charge(100, NOW_US)
        bucket = charged.refused(_refused(room, 100, SECOND, "tokens"), charged.charges(), NOW_US)
        seen.append(round(bucket.tokens.slowed, 2))
    assert seen == [1.01, 1.02, 1.03, 1.04, 1.04, 1.04]
    assert bucket.requests.slowed == 1.0, "requests are counted, not estimated"
    taken = bucket.tokens.charge(100, NOW_US).paced_at_us - bucket.tokens.paced_at_us
    assert taken == pytest.approx(1.04 * 100 * 1_000, rel=1e-3)


def test_only_a_429_against_the_headers_word_makes_bursts_smaller() -> None:
    bucket = Bucket(known(600, 600, allowance=20), known(60_000, 60_000, allowance=5_000))
    room = LimitReading(MeterReading(600, 580, 2 * SECOND), MeterReading(60_000, 59_000, SECOND))
    none = LimitReading(MeterReading(600, 0, 60 * SECOND), MeterReading(60_000, 59_000, SECOND))
    charged = bucket.charge(100, NOW_US)
    promised, told = (
        charged.refused(_refused(said, 100, SECOND, "requests"), charged.charges(), NOW_US) for said in (room, none)
    )
    assert (promised.requests.allowance, told.requests.allowance) == (18, 20)
    assert (promised.tokens.allowance, told.tokens.allowance) == (5_000, 5_000), "it named the requests"


def test_headroom_is_the_tighter_meter() -> None:
    bucket = Bucket(known(60, 60).charge(30, NOW_US), known(6_000, 6_000).charge(600, NOW_US))
    assert bucket.headroom(NOW_US) == pytest.approx(0.5)
    assert replace(bucket, requests=Meter()).headroom(NOW_US) == pytest.approx(0.9)
