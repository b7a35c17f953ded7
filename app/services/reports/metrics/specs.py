"""What a metric is, as `metrics.toml` declares it."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

Kind = Literal["counter", "gauge", "histogram"]
#: by the values of the labels, a tuple in their order: a number, of a histogram the counts of its buckets and the sum
Samples = Mapping[Any, Any]

_FAMILIES: Mapping[str, type[CounterMetricFamily | GaugeMetricFamily]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
}


class Label(NamedTuple):
    """What a label may say: one of `words` or, unless that is empty, one of `others`, so that the number of series is
    bounded however long a fleet runs."""

    name: str
    words: tuple[str, ...] = ()
    others: str = ""  # a plural: "keys"
    follows: bool = False  # from the labels before it, so that it makes no more series


@dataclass(frozen=True, slots=True)
class Spec:
    """A family of samples. `name` of a counter has no `_total`, which its samples have; `bounds` are a histogram's."""

    kind: Kind
    name: str
    help: str
    labels: tuple[Label, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def buckets(self) -> tuple[str, ...]:
        """The values of a histogram's label `le`."""
        return (*map(floatToGoString, self.bounds), "+Inf")

    @property
    def begins(self) -> bool:
        """Whether all series are there from the beginning, at 0: `increase()` misses the first events of others."""
        return self.kind == "counter" and not any(label.others for label in self.labels)

    @property
    def first(self) -> Samples:
        """The samples that are there from the beginning."""
        series = itertools.product(*(label.words for label in self.labels)) if self.begins else ()
        return dict.fromkeys(series, 0.0)

    @property
    def shown(self) -> str:
        """The name by which queries and documents know it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def family(self, samples: Samples | None = None) -> Metric:
        """Return the family as Prometheus' library renders it, with these samples."""
        if self.kind != "histogram":
            family = _FAMILIES[self.kind](self.name, self.help, labels=self.label_names)
            for values, value in (samples or {}).items():
                family.add_metric(values, value)
            return family
        histogram = HistogramMetricFamily(self.name, self.help, labels=self.label_names)
        for values, (counts, total) in (samples or {}).items():
            histogram.add_metric(values, list(zip(self.buckets, counts, strict=True)), total)
        return histogram


def _spec(kind: Kind, name: str, given: Mapping[str, Any]) -> Spec:
    labels = []
    for label, words in given.get("labels", {}).items():
        others = next((word[1:-1] for word in words if word.startswith("<")), "")
        said = tuple(word for word in words if not word.startswith("<"))
        labels.append(Label(label, said, others, label in given.get("follows", ())))
    return Spec(kind, name, given["help"], tuple(labels), tuple(given.get("buckets", ())))


#: every metric there is, by its name without `propintel_`
SPECS: Mapping[str, Spec] = {
    name.removeprefix("propintel_"): _spec(cast(Kind, kind), name, given)
    for kind, metrics in tomllib.loads(Path(__file__).with_name("metrics.toml").read_text(encoding="utf-8")).items()
    for name, given in metrics.items()
}
ALL = tuple(SPECS.values())
