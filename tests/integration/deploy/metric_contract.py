"""The metrics that rules and dashboards may use: names, kinds, and labels with their possible values."""

from dataclasses import dataclass

from app.services.reports.metrics.instruments import ALL


@dataclass(frozen=True)
class Metric:
    """`labels` maps each label to its possible values, or to None if any value is possible."""

    name: str
    kind: str
    labels: dict[str, frozenset[str] | None]


def metrics() -> dict[str, Metric]:
    """Return the metrics by exported name. A histogram counts as one metric."""
    return {
        spec.shown: Metric(
            spec.shown,
            spec.kind,
            {label.name: None if label.others else frozenset(label.words) for label in spec.labels},
        )
        for spec in ALL
    }


def queried() -> dict[str, Metric]:
    """Return the metrics by the names that queries use: a histogram has three. Prometheus itself adds `up`."""
    found = {"up": Metric("up", "gauge", {})}
    for name, metric in metrics().items():
        if metric.kind != "histogram":
            found[name] = metric
            continue
        found[f"{name}_bucket"] = Metric(f"{name}_bucket", "counter", {**metric.labels, "le": None})
        found |= {f"{name}_{part}": Metric(f"{name}_{part}", "counter", metric.labels) for part in ("sum", "count")}
    return found


#: Labels that Prometheus adds for the scraped target.
TARGET_LABELS = frozenset({"job", "instance", "pod"})
