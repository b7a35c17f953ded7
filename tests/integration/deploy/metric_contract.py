"""The metrics that rules and dashboard may speak of, as the door exports them: names, kinds, and labels with what these
may say."""

from __future__ import annotations

from dataclasses import dataclass

from app.services.reports.metrics.instruments import ALL


@dataclass(frozen=True)
class Metric:
    """One metric; `labels` maps each label to all its values, or to None if they are not a closed set."""

    name: str
    kind: str
    labels: dict[str, frozenset[str] | None]


def metrics() -> dict[str, Metric]:
    """By name, as an exposition has them: a histogram is here under its own name."""
    return {
        spec.shown: Metric(
            spec.shown,
            spec.kind,
            {label.name: None if label.others else frozenset(label.words) for label in spec.labels},
        )
        for spec in ALL
    }


def queried() -> dict[str, Metric]:
    """By the names that queries have: a histogram's are its buckets, sum and count. `up` is Prometheus' own."""
    found = {"up": Metric("up", "gauge", {})}
    for name, metric in metrics().items():
        if metric.kind != "histogram":
            found[name] = metric
            continue
        found[f"{name}_bucket"] = Metric(f"{name}_bucket", "counter", {**metric.labels, "le": None})
        found |= {f"{name}_{part}": Metric(f"{name}_{part}", "counter", metric.labels) for part in ("sum", "count")}
    return found


#: of the target, not of the metric
TARGET_LABELS = frozenset({"job", "instance", "pod"})
