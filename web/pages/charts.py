"""Compute the positions in charts: a bar chart by hour, and a timeline of outages. Templates draw them as SVG.

Horizontal positions are in percent of the chart's width, so that text keeps its size on every screen. Vertical
positions are in pixels. For readers who cannot see a chart, the page also shows its numbers as a table or list.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HEIGHT = 200
#: The top and the bottom of the plot, in pixels. The labels of hours are below the plot.
TOP, BOTTOM = 12, HEIGHT - 24
_MOST_LABELS = 8
_HOUR = timedelta(hours=1)
#: The height of a timeline row, and the vertical positions of text and bars in a row, in pixels.
_ROW, _TEXT, _BAR = 32, 12, 17
#: The minimum width of an outage's bar, because a narrower bar would be invisible.
_LEAST_PERCENT = 0.5


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of an axis. `place` is in percent on the horizontal axis, and in pixels on the vertical axis."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a bar that shows the value of one series. Series are numbered from 1."""

    series: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class HourBar:
    """The bar of one hour, with its parts from bottom to top. `is_partial` means that the hour is not over yet."""

    x: float
    width: float
    title: str
    is_partial: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class BarChart:
    names: tuple[str, ...]
    bars: tuple[HourBar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Outage:
    x: float
    width: float
    y: int
    title: str


@dataclass(frozen=True, slots=True)
class Timeline:
    rows: tuple[Tick, ...]
    bars: tuple[Outage, ...]
    x_ticks: tuple[Tick, ...]
    height: int
    y_ticks: tuple[Tick, ...] = ()


def hour_chart(names: Sequence[str], hours: Sequence[tuple[datetime, Sequence[int]]], now: datetime) -> BarChart:
    """Return a chart with a stacked bar for each hour. `hours` pairs each hour with one value for each of `names`."""
    top = round_up(max([2, *(sum(values) for _, values in hours)]), (1, 2, 4, 10))  # half of `top` is round, too
    step, scale = 100 / max(1, len(hours)), (BOTTOM - TOP) / top
    bars = []
    for number, (hour, values) in enumerate(hours):
        is_partial = now < hour + _HOUR
        values_text = ", ".join(f"{value:,} {name}" for name, value in zip(names, values, strict=True))
        title = f"{hour:%H:%M}{' so far' if is_partial else ''}: {values_text}"
        bars.append(HourBar(step * (number + 0.1), step * 0.8, title, is_partial, tuple(_stacked(values, scale))))
    gap = max(1, math.ceil(len(hours) / _MOST_LABELS))
    x_ticks = [Tick(step * (number + 0.5), f"{hours[number][0]:%H:%M}") for number in range(0, len(hours), gap)]
    y_ticks = [Tick(BOTTOM - scale * value, f"{value:,.0f}") for value in (0, top / 2, top)]
    return BarChart(tuple(names), tuple(bars), tuple(x_ticks), tuple(y_ticks))


def _stacked(values: Sequence[int], scale: float) -> Iterable[Part]:
    base = float(BOTTOM)
    for series, value in enumerate(values, start=1):
        base -= scale * value
        if value:
            yield Part(series, round(base, 1), round(scale * value, 1))


def timeline(outages: Iterable[tuple[str, str, datetime, datetime]], since: datetime, until: datetime) -> Timeline:
    """Return a timeline of `outages` (row, title, start, end), clipped to the time from `since` to `until`."""

    def percent(at: datetime) -> float:
        return round(100 * (min(max(at, since), until) - since) / (until - since), 2)

    rows: dict[str, int] = {}
    bars = []
    for name, title, start, end in outages:
        row = rows.setdefault(name, len(rows))
        width = max(_LEAST_PERCENT, percent(end) - percent(start))
        bars.append(Outage(min(percent(start), 100 - width), width, row * _ROW + _BAR, title))
    names = tuple(Tick(row * _ROW + _TEXT, name) for name, row in rows.items())
    first = since.replace(minute=0, second=0, microsecond=0) + _HOUR
    hours = [first + _HOUR * number for number in range(int((until - first) / _HOUR) + 1)]
    ticks = [Tick(percent(hour), f"{hour:%H:%M}") for hour in hours if hour.hour % 4 == 0]
    return Timeline(names, tuple(bars), tuple(ticks), height=_ROW * len(rows) + 24)


def round_up(value: float, steps: Sequence[int]) -> float:
    """Return the smallest power of ten times one of `steps` that is not below `value` (1 or more)."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in steps if step * power >= value)
