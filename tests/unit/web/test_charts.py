"""Charts match their numbers, measured in SVG units against the chart's own scale."""

from datetime import UTC, datetime, timedelta

import pytest

from web.pages.charts import BOTTOM, TOP, BarChart, hour_chart, timeline

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = [START + timedelta(hours=n) for n in range(24)]
#: A time in the last hour of `HOURS`.
NOW = HOURS[-1] + timedelta(minutes=20)


def _chart(values: list[tuple[int, ...]], now: datetime = NOW) -> BarChart:
    names = ("other", "limited", "failed")[: len(values[0])]
    return hour_chart(names, list(zip(HOURS, values, strict=True)), now)


def _units_per_pixel(chart: BarChart) -> float:
    """Return how many units of the vertical axis one SVG unit represents, according to the axis labels."""
    low, high = chart.y_ticks[0], chart.y_ticks[-1]
    return float(high.text.replace(",", "")) / (low.place - high.place)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 19, 20, 21, 999, 1_001, 123_456])
def test_a_bar_is_as_high_as_the_axis_says(most: int) -> None:
    values = [(most * n // 23,) for n in range(24)]
    chart = _chart(values)
    heights = [sum(part.height for part in bar.parts) * _units_per_pixel(chart) for bar in chart.bars]
    assert heights == pytest.approx([value for (value,) in values], abs=most / 50)
    assert all(part.y >= TOP and part.y + part.height <= BOTTOM + 0.1 for bar in chart.bars for part in bar.parts)


def test_the_series_of_an_hour_are_stacked() -> None:
    chart = _chart([(6, 0, 4)] * 24)
    other, failed = chart.bars[0].parts
    assert (other.series, failed.series) == (1, 3)
    assert other.y + other.height == pytest.approx(BOTTOM, abs=0.1)
    assert failed.y + failed.height == pytest.approx(other.y, abs=0.2)
    assert other.height / failed.height == pytest.approx(6 / 4, abs=0.02)


def test_the_hour_in_progress_is_drawn_and_marked() -> None:
    chart = _chart([(0, 0, 0)] * 23 + [(5, 1, 0)])
    assert [bar.is_partial for bar in chart.bars] == [False] * 23 + [True]
    assert chart.bars[-1].title == "23:00 so far: 5 other, 1 limited, 0 failed"
    assert len(chart.bars[-1].parts) == 2
    assert not _chart([(1,)] * 24, NOW + timedelta(hours=1)).bars[-1].is_partial


def test_bars_of_hours_stand_above_their_labels() -> None:
    chart = _chart([(n,) for n in range(24)])
    assert all(one.x + one.width < other.x for one, other in zip(chart.bars, chart.bars[1:], strict=False))
    assert chart.bars[0].x >= 0
    assert chart.bars[-1].x + chart.bars[-1].width <= 100
    middle_of = {f"{hour:%H:%M}": bar.x + bar.width / 2 for hour, bar in zip(HOURS, chart.bars, strict=True)}
    assert {tick.text: tick.place for tick in chart.x_ticks} == pytest.approx(
        {tick.text: middle_of[tick.text] for tick in chart.x_ticks}, abs=0.1
    )
    assert 4 <= len(chart.x_ticks) <= 8


def test_outages_are_drawn_at_their_length() -> None:
    until = START + timedelta(hours=24)
    drawn = timeline(
        [
            ("a", "half a day", START + timedelta(hours=6), START + timedelta(hours=18)),
            ("b", "since yesterday", START - timedelta(hours=5), until),
            ("a", "a second", until - timedelta(seconds=1), until),
        ],
        START,
        until,
    )
    half, whole, short = drawn.bars
    assert [row.text for row in drawn.rows] == ["a", "b"]
    assert half.y == short.y < whole.y
    assert (half.x, half.width) == (25, 50)
    assert (whole.x, whole.width) == (0, 100)
    assert short.width > 0.2, "a short outage is invisible"
    assert short.x + short.width <= 100
    assert drawn.height > whole.y
    assert {tick.text: tick.place for tick in drawn.x_ticks}["12:00"] == 50
