"""What a metric is: its name, its kind, its labels and the sentence that explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

Kind = Literal["counter", "gauge", "histogram"]
#: by the values of the labels, a tuple in their order
Samples = Mapping[Any, float]


@dataclass(frozen=True, slots=True)
class Spec:
    """A family of samples. `name` of a counter has no `_total`, which its samples have; `bounds` are a histogram's.

    `begins` are the values of labels whose series are there from the beginning, at 0: `increase()` misses the first
    events of one that is not.
    """

    kind: Kind
    name: str
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    begins: tuple[tuple[str, ...], ...] = ()

    @property
    def shown(self) -> str:
        """The name by which queries and documents know it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def family(self, samples: Samples | None = None) -> Metric:
        """The family as Prometheus' library renders it, with these samples."""
        family = Metric(self.name, self.help, self.kind)
        for values, value in (samples or {}).items():
            family.samples.append(Sample(self.shown, dict(zip(self.labels, values, strict=True)), value))
        return family
