"""What a metric is: its name, its kind, its labels with what these may say, and the sentence that explains it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

Kind = Literal["counter", "gauge", "histogram"]
#: by the values of the labels, a tuple in their order
Samples = Mapping[Any, float]


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
    """A family of samples. `name` of a counter has no `_total`, which its samples have; `bounds` are a histogram's.

    With `begins`, the series of all words of its labels are there from the beginning, at 0: `increase()` misses the
    first events of one that is not.
    """

    kind: Kind
    name: str
    help: str
    labels: tuple[Label, ...] = ()
    bounds: tuple[float, ...] = ()
    begins: bool = False

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def first(self) -> tuple[tuple[str, ...], ...]:
        """The values of labels that are there from the beginning; the one without labels always is."""
        if self.begins or not self.labels:
            return tuple(itertools.product(*(label.words for label in self.labels)))
        return ()

    @property
    def shown(self) -> str:
        """The name by which queries and documents know it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def family(self, samples: Samples | None = None) -> Metric:
        """The family as Prometheus' library renders it, with these samples."""
        family = Metric(self.name, self.help, self.kind)
        for values, value in (samples or {}).items():
            family.samples.append(Sample(self.shown, dict(zip(self.label_names, values, strict=True)), value))
        return family
