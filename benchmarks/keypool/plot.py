"""Draw the figures of the mode `saturated`: `python -m benchmarks.keypool.plot figures.json keypool.svg`.

It needs only matplotlib.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
# fixed ids and no date, so that equal input gives an equal file
mpl.rcParams.update({"svg.hashsalt": "keypool", "svg.fonttype": "none", "font.size": 9})

from matplotlib import pyplot as plt  # noqa: E402

_OURS, _PEER, _FAINT = "#0b6e4f", "#8a8f98", "#c9ccd1"


def main(source: str, target: str) -> None:
    """Draw three panels: lowest utilization, rejections per success, and median and 99th percentile of a call."""
    rows = list(reversed(json.loads(Path(source).read_text(encoding="utf-8"))))
    labels = [row["label"] for row in rows]
    colors = [_OURS if row["label"] == "this project" else _PEER for row in rows]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 0.5 * len(rows) + 1.4), sharey=True)
    bars = left.barh(labels, [100 * (row["utilization"] or 0) for row in rows], color=colors)
    left.bar_label(bars, fmt="%.1f", padding=3)
    left.set(title="Least used key, % of its limit", xlim=(0, 118))
    bars = middle.barh(labels, [row["rejections"] or 0 for row in rows], color=colors)
    middle.bar_label(bars, labels=[f"{row['rejections'] or 0:.3g}" for row in rows], padding=3)
    middle.set(title="429 per success")
    middle.margins(x=0.2)
    right.barh(labels, [row["p99_ms"] / 1000 for row in rows], color=_FAINT, label="p99")
    right.barh(labels, [row["p50_ms"] / 1000 for row in rows], color=colors, height=0.45, label="p50")
    right.set(title="Call, s: p50 dark, p99 light")
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:3])
