"""The metrics that rules and dashboards may use: names, kinds, and labels with their possible values."""

from dataclasses import dataclass

from app.services.reports.metrics.instruments import ALL


@dataclass(frozen=True)
class Metric:
    """A metric; `labels` maps each label to all its values, or to None if any value is possible."""

    name: str
    kind: str
    labels: dict[str, frozenset[str] | None]


def metrics() -> dict[str, Metric]:
    """Return the metrics by exported name; a histogram has one name."""
    return {
        spec.shown: Metric(
            spec.shown,
            spec.kind,
            {label.name: None if label.others else frozenset(label.words) for label in spec.labels},
        )
        for spec in ALL
    }


def queried() -> dict[str, Metric]:
    """Return the metrics by queried name: a histogram has its buckets, sum, and count. `up` comes from Prometheus."""
    found = {"up": Metric("up", "gauge", {})}
    for name, metric in metrics().items():
        if metric.kind != "histogram":
            found[name] = metric
            continue
        found[f"{name}_bucket"] = Metric(f"{name}_bucket", "counter", {**metric.labels, "le": None})
        found |= {f"{name}_{part}": Metric(f"{name}_{part}", "counter", metric.labels) for part in ("sum", "count")}
    return found


#: These labels belong to the scraped target, not to a metric.
TARGET_LABELS = frozenset({"job", "instance", "pod"})
