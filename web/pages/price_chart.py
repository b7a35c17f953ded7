"""A plot of prices over the years as SVG: computed here, drawn by a template, no script. The page has the same as a
table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from web.pages.charts import HEIGHT, WIDTH, Tick
from web.pages.dated_prices import DatedPrice

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 20, 12, 26
_MOST_YEARS = 8
#: where all prices are of one day, the plot is of a year around it
_LEAST_DAYS = 180


@dataclass(frozen=True, slots=True)
class Dot:
    """A price in SVG units; `row` is its place in the table."""

    x: float
    y: float
    is_sale: bool
    title: str


@dataclass(frozen=True, slots=True)
class PriceChart:
    """`line` is the attribute `points` of a polyline through all dots."""

    dots: tuple[Dot, ...]
    line: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT


def price_chart(prices: Sequence[DatedPrice]) -> PriceChart | None:
    """`prices` (the oldest first) on scales from zero and of whole years; None of fewer than two."""
    if len(prices) < 2:
        return None
    first, last = prices[0].day.toordinal(), prices[-1].day.toordinal()
    if last - first < _LEAST_DAYS:
        middle = (first + last) // 2
        first, last = middle - _LEAST_DAYS // 2, middle + _LEAST_DAYS // 2
    step = _step(max(row.price for row in prices) / 4)
    top = step * max(1, math.ceil(max(row.price for row in prices) / step))

    def x(ordinal: int) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (ordinal - first) / (last - first)

    def y(price: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * max(0.0, price) / top

    dots = tuple(
        Dot(round(x(row.day.toordinal()), 1), round(y(row.price), 1), row.is_sale, f"{row.said}: {row.price:,.10g}")
        for row in prices
    )
    every = max(1, math.ceil((date.fromordinal(last).year - date.fromordinal(first).year) / _MOST_YEARS))
    starts = [date(year, 1, 1) for year in range(date.fromordinal(first).year + 1, date.fromordinal(last).year + 1)]
    return PriceChart(
        dots,
        " ".join(f"{dot.x},{dot.y}" for dot in dots),
        tuple(Tick(round(x(day.toordinal()), 1), f"{day.year}") for day in starts[::every]),
        tuple(Tick(round(y(step * n), 1), short(step * n)) for n in range(round(top / step) + 1)),
    )


def short(amount: float) -> str:
    """`0`, `450`, `250K`, `1.2M`."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if amount >= size:
            return f"{amount / size:.4g}{letter}"
    return f"{amount:.4g}"


def _step(least: float) -> float:
    """The next of 1, 2, 5, 10, 20, ...: numbers that are read at a glance."""
    power = 10.0 ** math.floor(math.log10(max(1.0, least)))
    return next(part * power for part in (1, 2, 5, 10) if part * power >= least)
