"""What a metric is: its name, its kind, its labels with what these may say, and the sentence that explains it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

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


KEY = Label("key", others="keys")
MODEL = Label("model", others="models")
LIMIT_GROUP = Label("limit_group", others="limit groups")


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
