"""Define the metrics that `metrics.toml` declares, with the counters and histograms that processes update.

Counting only adds to a number in this process's memory. `shared_counts.Flusher` reports the counts; without one, they
are lost. Label values come from bounded sets (error codes, route templates, the configured model), and a test compares
them with `metrics.toml`.
"""

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

Kind = Literal["counter", "gauge", "histogram"]
#: Maps a tuple of label values to a number, or to (bucket counts, sum) for a histogram.
Samples = Mapping[Any, Any]

_FAMILIES: Mapping[str, type[CounterMetricFamily | GaugeMetricFamily]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
}


class Label(NamedTuple):
    """The values of a label are `words`, and the members of the bounded set that `others` names."""

    name: str
    words: tuple[str, ...] = ()
    others: str = ""
    follows: bool = False  # True if the previous labels determine the value, so that this label adds no series


@dataclass(frozen=True, slots=True)
class Spec:
    """The `name` of a counter has no suffix `_total`. `bounds` are the upper bounds of a histogram."""

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
        return (*map(floatToGoString, self.bounds), "+Inf")

    @property
    def begins(self) -> bool:
        """Whether all series are 0 before the first event, so that Prometheus' `increase()` counts that event."""
        return self.kind == "counter" and not any(label.others for label in self.labels)

    @property
    def first(self) -> Samples:
        series = itertools.product(*(label.words for label in self.labels)) if self.begins else ()
        return dict.fromkeys(series, 0.0)

    @property
    def shown(self) -> str:
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def family(self, samples: Samples | None = None) -> Metric:
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
        allowed = tuple(word for word in words if not word.startswith("<"))
        labels.append(Label(label, allowed, others, label in given.get("follows", ())))
    return Spec(kind, name, given["help"], tuple(labels), tuple(given.get("buckets", ())))


SPECS: Mapping[str, Spec] = {
    name.removeprefix("propintel_"): _spec(cast(Kind, kind), name, given)
    for kind, metrics in tomllib.loads(Path(__file__).with_name("metrics.toml").read_text(encoding="utf-8")).items()
    for name, given in metrics.items()
}
ALL = tuple(SPECS.values())

#: The library's default registry is not used, because it contains metrics of a single process, such as its memory.
REGISTRY = CollectorRegistry()
_specs: list[Spec] = []

#: HTTP methods that are counted by name. Other methods count as "other", so that clients cannot create series.
HTTP_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: Service tiers in API responses that are counted by name. Other tiers count as "other".
TIERS = ("default", "flex", "priority", "scale", "auto")


def _counter(name: str) -> Counter:
    _specs.append(spec := SPECS[name])
    return Counter(spec.name, spec.help, spec.label_names, registry=REGISTRY)


def _histogram(name: str) -> Histogram:
    _specs.append(spec := SPECS[name])
    return Histogram(spec.name, spec.help, spec.label_names, registry=REGISTRY, buckets=spec.bounds)


JOBS_FINISHED = _counter("jobs_finished")
JOB_DEFERRALS = _counter("job_deferrals")
JOB_RETRIES = _counter("job_retries")
JOB_SECONDS = _histogram("job_seconds")
JOBS_RECOVERED = _counter("jobs_recovered")
PAGES = _counter("pages")
PAGE_BYTES = _counter("page_bytes")
BODIES_PRUNED = _counter("bodies_pruned")
BODIES_PRUNED_BYTES = _counter("bodies_pruned_bytes")
SOURCES = _counter("sources")
WEB_SEARCHES = _counter("web_searches")
SEARCH_LISTINGS = _counter("search_listings")
RESULTS = _counter("page_results")
FETCH_SECONDS = _histogram("fetch_seconds")
FIELDS_STORED = _counter("fields")
MODEL_VALUES_DROPPED = _counter("model_values_dropped")
MODEL_ANSWERS = _counter("model_answers")
MODEL_TIERS = _counter("model_tiers")
MODEL_CALL_SECONDS = _histogram("model_call_seconds")
RECIPE_PAGES = _counter("recipe_pages")
RECIPE_SAVED_CALLS = _counter("recipe_saved_calls")
RECIPE_SAVED_TOKENS = _counter("recipe_saved_tokens")
MODEL_BATCH_REQUESTS = _counter("model_batch_requests")
WATCH_REFRESHES = _counter("watch_refreshes")
WATCH_CHARGES = _counter("watch_charges")
BATCHES_COMPLETED = _counter("batches_completed")
CALLBACKS = _counter("callbacks")
ALERT_NOTIFICATIONS = _counter("alert_notifications")
CHANGE_DELIVERIES = _counter("change_deliveries")
HTTP_REQUESTS = _counter("http_requests")
HTTP_REQUEST_SECONDS = _histogram("http_request_seconds")

#: Metrics that processes count. Other metrics are read from the stores.
COUNTED = tuple(_specs)


#: How a run of a job ended. "deferred" means that the job waits, and that no retry is counted. "retried" means that the
#: job runs again after a failure. "lost" means that the run lost its lease, or that its end could not be stored.
RunEnd = Literal["done", "failed", "deferred", "retried", "lost"]


def count_run(outcome: RunEnd, seconds: float, code: str = "") -> None:
    if outcome in ("done", "failed"):
        JOBS_FINISHED.labels(outcome, code).inc()
    elif outcome != "lost":
        (JOB_RETRIES if outcome == "retried" else JOB_DEFERRALS).labels(code).inc()
    JOB_SECONDS.labels(outcome).observe(seconds)
