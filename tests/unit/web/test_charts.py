"""Charts are true to their numbers: checked in SVG units against the scale that the chart itself shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from web.pages.charts import HEIGHT, WIDTH, LineChart, line_chart, timeline

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = [START + timedelta(hours=n) for n in range(24)]


def _points(chart: LineChart, name: str) -> list[tuple[float, float]]:
    text = next(line.points for line in chart.lines if line.name == name)
    return [tuple(map(float, pair.split(","))) for pair in text.split()]  # type: ignore[misc]


def _value_at(chart: LineChart, y: float) -> float:
    """By the labels of the axis."""
    low, high = chart.y_ticks[0], chart.y_ticks[-1]
    value_of = [float(tick.text.replace(",", "")) for tick in (low, high)]
    return value_of[0] + (y - low.place) / (high.place - low.place) * (value_of[1] - value_of[0])


@pytest.mark.parametrize("most", [1, 2, 3, 7, 19, 20, 21, 999, 1_001, 123_456])
def test_a_value_is_where_the_axis_says(most: int) -> None:
    values = [most * n / 23 for n in range(24)]
    chart = line_chart([("requests", values), ("failures", [0.0] * 24)], HOURS)
    points = _points(chart, "requests")
    assert [_value_at(chart, y) for _, y in points] == pytest.approx(values, abs=most / 50)
    assert {y for _, y in _points(chart, "failures")} == {chart.y_ticks[0].place}
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_an_hour_is_under_its_label() -> None:
    chart = line_chart([("requests", range(24))], HOURS)
    place_of = {f"{hour:%H:%M}": x for hour, (x, _) in zip(HOURS, _points(chart, "requests"), strict=True)}
    assert {tick.text: tick.place for tick in chart.x_ticks} == pytest.approx(
        {tick.text: place_of[tick.text] for tick in chart.x_ticks}, abs=0.1
    )
    assert 4 <= len(chart.x_ticks) <= 8


def test_a_day_without_anything_is_a_line_at_the_bottom() -> None:
    chart = line_chart([("requests", [0.0] * 24)], HOURS)
    assert {_value_at(chart, y) for _, y in _points(chart, "requests")} == {0.0}


def test_outages_are_as_long_as_they_were() -> None:
    until = START + timedelta(hours=24)
    drawn = timeline(
        [
            ("a", "half a day", START + timedelta(hours=6), START + timedelta(hours=18)),
            ("b", "since yesterday", START - timedelta(hours=5), until),
            ("a", "a second", START, START + timedelta(seconds=1)),
        ],
        START,
        until,
    )
    half, whole, short = drawn.bars
    assert drawn.rows == ("a", "b")
    assert (half.row, whole.row, short.row) == (0, 1, 0)
    assert half.width == pytest.approx(whole.width / 2, abs=0.1)
    assert half.x - whole.x == pytest.approx(whole.width / 4, abs=0.1)
    assert whole.x + whole.width <= WIDTH
    assert short.width >= 3, "what cannot be seen is not shown"
    assert drawn.height >= 2 * drawn.row_height
