"""Compute a chart of prices over time, which a template draws as SVG. Positions have the same units as in `charts`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from web.pages.charts import BOTTOM, HEIGHT, TOP, Tick, round_up
from web.pages.dated_prices import DatedPrice

#: The left and right margins in percent. Without them, dots at the sides would be cut off.
_MARGIN = 2.0
_MOST_YEARS = 6
#: A chart covers at least this many days. Prices that span fewer days are drawn in the middle.
_LEAST_DAYS = 180


@dataclass(frozen=True, slots=True)
class Dot:
    """A price in the chart. `x` is in percent of the width, and `y` in pixels."""

    x: float
    y: float
    is_sale: bool
    title: str


@dataclass(frozen=True, slots=True)
class PriceChart:
    dots: tuple[Dot, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    height: int = HEIGHT


def price_chart(prices: Sequence[DatedPrice]) -> PriceChart | None:
    """Return a chart of `prices`, which are sorted oldest first. Return None for fewer than two prices."""
    if len(prices) < 2:
        return None
    first, last = prices[0].day.toordinal(), prices[-1].day.toordinal()
    if last - first < _LEAST_DAYS:
        middle = (first + last) // 2
        first, last = middle - _LEAST_DAYS // 2, middle + _LEAST_DAYS // 2
    highest = max(row.price for row in prices)
    step = round_up(max(1.0, highest / 4), (1, 2, 5, 10))
    top = step * max(1, math.ceil(highest / step))

    def x(day: date) -> float:
        return round(_MARGIN + (100 - 2 * _MARGIN) * (day.toordinal() - first) / (last - first), 2)

    def y(price: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * max(0.0, price) / top, 1)

    dots = [Dot(x(row.day), y(row.price), row.is_sale, f"{row.date_text}: {row.price:,.10g}") for row in prices]
    first_year, last_year = date.fromordinal(first).year, date.fromordinal(last).year
    every = max(1, math.ceil((last_year - first_year) / _MOST_YEARS))
    starts = [date(year, 1, 1) for year in range(first_year + 1, last_year + 1, every)]
    x_ticks = [Tick(x(day), f"{day.year}") for day in starts]
    y_ticks = [Tick(y(step * number), short(step * number)) for number in range(round(top / step) + 1)]
    return PriceChart(tuple(dots), tuple(x_ticks), tuple(y_ticks))


def short(amount: float) -> str:
    """Return an amount as `450`, `250K`, or `1.2M`."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if amount >= size:
            return f"{amount / size:.4g}{letter}"
    return f"{amount:.4g}"
