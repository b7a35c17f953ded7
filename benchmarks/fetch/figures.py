"""Compute the figures of a run: pages a second, CPU, share of the allowed pages, and violations of the crawl delay."""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: A gap between requests counts as too short only if it is this much shorter than the crawl delay, because requests
#: take different times to arrive.
JITTER_SECONDS = 0.05


@dataclass(frozen=True)
class Figures:
    """`pace_share` is the share of the pages allowed by the crawl delay that were requested; None without a delay."""

    pages: int
    pages_per_second: float
    cpu_ms_per_page: float
    pace_share: float | None
    too_soon: int


def figures(
    pages: int, wall_seconds: float, cpu_seconds: float, asked: Mapping[str, Sequence[float]], gap_seconds: float
) -> Figures:
    """`asked` has the times in seconds of each site's page requests."""
    shares: list[float] = []
    too_soon = 0
    for times in map(sorted, asked.values()):
        too_soon += sum(later - one < gap_seconds - JITTER_SECONDS for one, later in itertools.pairwise(times))
        if gap_seconds and len(times) > 1:
            shares.append(min(1.0, gap_seconds * (len(times) - 1) / (times[-1] - times[0])))
    return Figures(
        pages=pages,
        pages_per_second=pages / wall_seconds,
        cpu_ms_per_page=1000 * cpu_seconds / pages if pages else 0.0,
        pace_share=statistics.fmean(shares) if shares else None,
        too_soon=too_soon,
    )


def median(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure, but the lowest `pages` and the highest `too_soon`."""
    shares = [run.pace_share for run in runs if run.pace_share is not None]
    return Figures(
        pages=min(run.pages for run in runs),
        pages_per_second=statistics.median(run.pages_per_second for run in runs),
        cpu_ms_per_page=statistics.median(run.cpu_ms_per_page for run in runs),
        pace_share=statistics.median(shares) if shares else None,
        too_soon=max(run.too_soon for run in runs),
    )
