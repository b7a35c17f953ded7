"""Cumulative counters become hourly counts: nothing is counted twice or lost, even after a counter reset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.property.storage.keys.usage import HOUR, grown, hour_of, spread

T0 = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)


def test_growth_is_the_difference() -> None:
    assert grown({"requests": 5, "failures": 1}, {"requests": 8, "failures": 1}) == {"requests": 3}


def test_a_new_series_grew_from_zero() -> None:
    assert grown(None, {"requests": 3, "failures": 0}) == {"requests": 3}


def test_a_lower_figure_means_that_all_figures_were_reset() -> None:
    """After a loss, `failures` may exceed its earlier value. The difference would hide one of three failures."""
    assert grown({"requests": 10, "failures": 1}, {"requests": 4, "failures": 3}) == {"requests": 4, "failures": 3}


def test_a_missing_figure_means_that_all_were_reset_if_most_are_missing() -> None:
    """A store that lost its data reports only later events."""
    assert grown({"requests": 10, "failures": 1}, {"failures": 2}) == {"failures": 2}


def test_a_store_that_lost_its_last_moments_counts_nothing_twice() -> None:
    """After a restart or failover, counters return slightly lower. The lower values become the new base."""
    assert grown({"requests": 100, "failures": 1}, {"requests": 98, "failures": 2}) == {}
    assert grown({"open": 5, "dead": 1}, {"open": 5}) == {}
    assert grown({"requests": 98}, {"requests": 101}) == {"requests": 3}


def test_counts_of_a_quarter_of_a_minute_belong_to_its_hour() -> None:
    assert list(spread({"requests": 7}, T0, T0 + timedelta(seconds=15))) == [(hour_of(T0), {"requests": 7})]


def test_counts_of_a_gap_are_spread_evenly_over_its_hours() -> None:
    """The time from 10:30 to 13:30 is half an hour, two whole hours, and half an hour."""
    hours = [hour_of(T0) + n * HOUR for n in range(4)]
    found = dict(spread({"requests": 60}, T0, T0 + 3 * HOUR))
    assert found == dict(zip(hours, [{"requests": n} for n in (10, 20, 20, 10)], strict=True))


def test_a_clock_that_moved_back_puts_all_counts_into_the_current_hour() -> None:
    assert list(spread({"requests": 3}, T0 + HOUR, T0)) == [(hour_of(T0), {"requests": 3})]


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
