"""Cumulative counters become hourly counts. Nothing is counted twice, even after a counter reset."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.property.storage.keys.usage import HOUR, grown, hour_of, spread

T0 = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"requests": 5, "failures": 1}, {"requests": 8, "failures": 1}, {"requests": 3}),
        (None, {"requests": 3, "failures": 0}, {"requests": 3}),
        # after Redis lost its data, counters start at 0, so the new values are counted in full
        ({"requests": 10, "failures": 1}, {"requests": 4, "failures": 3}, {"requests": 4, "failures": 3}),
        ({"requests": 10, "failures": 1}, {"failures": 2}, {"failures": 2}),
        # after a restart or failover, counters may be slightly lower; then nothing is counted
        ({"requests": 100, "failures": 1}, {"requests": 98, "failures": 2}, {}),
        ({"open": 5, "dead": 1}, {"open": 5}, {}),
        ({"requests": 98}, {"requests": 101}, {"requests": 3}),
    ],
)
def test_growth_counts_nothing_twice_and_restarts_after_a_loss(
    before: dict[str, int] | None, now: dict[str, int], expected: dict[str, int]
) -> None:
    assert grown(before, now) == expected


def test_counts_are_spread_evenly_over_the_hours_of_a_gap() -> None:
    """The gap from 10:30 to 13:30 is half an hour, two whole hours, and half an hour."""
    assert list(spread({"requests": 7}, T0, T0 + timedelta(seconds=15))) == [(hour_of(T0), {"requests": 7})]
    found = dict(spread({"requests": 60}, T0, T0 + 3 * HOUR))
    assert found == {hour_of(T0) + n * HOUR: {"requests": share} for n, share in enumerate((10, 20, 20, 10))}
    backward = list(spread({"requests": 3}, T0 + HOUR, T0))
    assert backward == [(hour_of(T0), {"requests": 3})], "a clock that moved back puts all into the current hour"


@given(
    counts=st.dictionaries(st.sampled_from("abc"), st.integers(1, 10**12)),
    gap=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)),
)
def test_nothing_is_lost_or_made_up_by_spreading(counts: dict[str, int], gap: timedelta) -> None:
    parts = list(spread(counts, T0 - gap, T0))
    total = {name: sum(part.get(name, 0) for _, part in parts) for name in counts}
    assert total == counts
    assert all(count > 0 for _, part in parts for count in part.values())
    assert all(hour <= T0 and hour == hour_of(hour) for hour, _ in parts)
    assert len(parts) <= 49, "counts are spread over more than two days"
