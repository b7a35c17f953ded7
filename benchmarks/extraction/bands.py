"""Reliability of confidence: the share of correct values in each band of confidence.

A value is wrong if it contradicts its label, or if the label says that the page lacks it. Unlabeled fields are ignored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.extraction.scorer import Outcome

#: The lower ends of the bands, highest first. Each band extends up to the lower end of the band before it.
LOWER_ENDS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.0)


@dataclass(frozen=True, slots=True)
class Band:
    """The values with a confidence from `low` (inclusive) to `high` (exclusive). The first band includes 1."""

    low: float
    high: float
    count: int
    right: int
    mean_confidence: float

    @property
    def share_right(self) -> float | None:
        return self.right / self.count if self.count else None


def reliability(outcomes: Sequence[Outcome], confidences: Mapping[str, Mapping[str, float]]) -> list[Band]:
    """Return the bands, highest first. `confidences` maps a label's `file` to confidences by RESO name."""
    scored = [(confidences[o.file][o.field], o.verdict != "wrong") for o in outcomes if o.field is not None]
    bands: list[Band] = []
    high = 1.01
    for low in LOWER_ENDS:
        inside = [(c, right) for c, right in scored if low <= c < high]
        mean = sum(c for c, _ in inside) / len(inside) if inside else 0.0
        bands.append(Band(low, min(high, 1.0), len(inside), sum(right for _, right in inside), mean))
        high = low
    return bands


def calibration_error(bands: Sequence[Band]) -> float:
    """Return the mean distance between a band's confidence and its share of correct values, weighted by count (ECE)."""
    total = sum(b.count for b in bands)
    return sum(abs(b.mean_confidence * b.count - b.right) for b in bands) / total if total else 0.0
