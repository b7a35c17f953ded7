"""Charts as SVG: lines over hours, and bars of time. Computed here, drawn by a template, no script.

A chart is a picture of a table that the page also has: who cannot see it reads that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 720, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 12, 26
_MOST_LABELS = 8
#: of a timeline: the width of its rows' names, and the height of a row
_NAMES, _ROW = 150, 24


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of an axis at `place` (SVG units)."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One series; `points` as the attribute of an SVG `polyline` has them, `number` from 1 names its style."""

    name: str
    number: int
    points: str


@dataclass(frozen=True, slots=True)
class LineChart:
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time of one row, in SVG units; `title` says what it was."""

    row: int
    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows of bars; `rows` are their names from top to bottom."""

    rows: tuple[str, ...]
    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    height: int
    width: int = WIDTH
    left: int = _NAMES
    row_height: int = _ROW


def line_chart(series: Sequence[tuple[str, Sequence[float]]], hours: Sequence[datetime]) -> LineChart:
    """Each of `series` (name, one value for each of `hours`) as a line, all on one scale from 0."""
    top = _nice(max((value for _, values in series for value in values), default=0))
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(hours) - 1)
    room = HEIGHT - _TOP - _BOTTOM

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - room * value / top

    lines = tuple(
        Line(name, number, " ".join(f"{_LEFT + step * i:.1f},{y(value):.1f}" for i, value in enumerate(values)))
        for number, (name, values) in enumerate(series, start=1)
    )
    gap = max(1, math.ceil(len(hours) / _MOST_LABELS))
    x_ticks = tuple(Tick(_LEFT + step * i, f"{hour:%H:%M}") for i, hour in enumerate(hours) if i % gap == 0)
    return LineChart(lines, x_ticks, tuple(Tick(y(part * top / 2), f"{part * top / 2:,.0f}") for part in range(3)))


def timeline(outages: Iterable[tuple[str, str, datetime, datetime]], since: datetime, until: datetime) -> Timeline:
    """`outages` (row, title, from, to) between two moments; what began before is cut off there."""
    scale = (WIDTH - _NAMES - _RIGHT) / (until - since).total_seconds()
    rows: dict[str, int] = {}
    bars = []
    for name, title, start, end in outages:
        row = rows.setdefault(name, len(rows))
        x = _NAMES + scale * max(0.0, (start - since).total_seconds())
        wide = scale * (min(end, until) - max(start, since)).total_seconds()
        bars.append(Bar(row, round(x, 1), round(max(3.0, wide), 1), title))
    hours = [since + (until - since) * i / 6 for i in range(6)]
    ticks = tuple(Tick(_NAMES + scale * (at - since).total_seconds(), f"{at:%H:%M}") for at in hours)
    return Timeline(tuple(rows), tuple(bars), ticks, height=_ROW * len(rows) + 24)


def _nice(value: float) -> float:
    """The next of 2, 4, 10, 20, 40, 100, ...: half of it is a round number too."""
    if value <= 2:
        return 2.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 10) if step * power >= value)
