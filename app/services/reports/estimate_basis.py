"""What targets of one kind are judged by: what such targets took before, else what is configured. Pure.

A batch is a sum of many targets that each take what one of those before took. Its likely total is their mean so many
times, its range the interval in which nine of ten such sums lie: n·m ± 1.645·s·√(n + n²/k), for n targets to come and k
before them with mean m and standard deviation s (G. J. Hahn and W. Q. Meeker, Statistical Intervals, 1991, chapter 4),
and never beyond n times the least or the most that one of them took.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, median, variance
from typing import Any

from app.property.storage.forecast import Took

#: from so many on, what was taken before counts
LEAST_HISTORY = 20
#: of the standard normal distribution: 90 % lie within so many standard deviations
_NINE_OF_TEN = 1.645

Range = tuple[float, float]


class BasisFrom(StrEnum):
    """history: targets of the kind that were done before · recipe: pages that recipes of the same sites have read ·
    sources: what `sources.toml` has for such addresses · typical: pages that the extractors are tested on."""

    HISTORY = "history"
    RECIPE = "recipe"
    SOURCES = "sources"
    TYPICAL = "typical"


@dataclass(frozen=True, slots=True)
class Basis:
    """So many `targets` of a kind are to come, each of which takes what one of `samples` does. `sources` are those of
    addresses, none for URLs. `pages` are the least, the usual (median) and the most that one of them takes. `hosts` is
    how many sites have recipes, of URLs of these."""

    targets: int
    basis: BasisFrom
    samples: Sequence[Took]
    pages: tuple[float, float, float]
    sources: tuple[str, ...] | None = None
    hosts: int = 0

    @property
    def is_measured(self) -> bool:
        return self.basis in (BasisFrom.HISTORY, BasisFrom.RECIPE)

    def as_json(self) -> dict[str, Any]:
        """The shape that the doors show."""
        least, usual, most = self.pages
        return {
            "targets": self.targets,
            "of": "urls" if self.sources is None else "addresses",
            "sources": None if self.sources is None else list(self.sources),
            "from": str(self.basis),
            "samples": len(self.samples) if self.is_measured else 0,
            "pages": {"least": least, "median": usual, "most": most},
            "model_calls": round(fmean(took.calls for took in self.samples), 2),
            "web_searches": round(fmean(took.searches for took in self.samples), 2),
        }


def measured(targets: int, samples: Sequence[Took], sources: tuple[str, ...] | None = None) -> Basis:
    """The basis that `samples`, which were done before, make."""
    asked = [took.pages for took in samples]
    return Basis(targets, BasisFrom.HISTORY, samples, (min(asked), median(asked), max(asked)), sources)


def total(bases: Sequence[Basis], figure: Callable[[Took], float]) -> float:
    """What all targets together take, about."""
    return sum(one.targets * fmean(map(figure, one.samples)) for one in bases)


def total_range(bases: Sequence[Basis], figure: Callable[[Took], float]) -> Range | None:
    """Between what it lies, nine times in ten; None unless all of them are judged by what was done before."""
    if not all(one.is_measured for one in bases):
        return None
    least = most = spread = 0.0
    for one in bases:
        figures, n = [figure(took) for took in one.samples], one.targets
        least, most = least + n * min(figures), most + n * max(figures)
        spread += variance(figures) * (n + n * n / len(figures))
    middle, half = total(bases, figure), _NINE_OF_TEN * math.sqrt(spread)
    return max(least, middle - half), min(most, middle + half)
