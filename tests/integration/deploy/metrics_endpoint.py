"""A /metrics endpoint on loopback whose values a test sets."""

import itertools
import time
from collections.abc import Iterator
from typing import Any, Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.serving import BackgroundServer
from tests.integration.deploy.metric_contract import Metric, metrics

KEYS = ("sk-proj-aaa...aaa1", "sk-proj-bbb...bbb2", "sk-proj-ccc...ccc3")
#: Example values for labels that may have any value.
_SAMPLES = {"key": KEYS, "status": ("200", "500"), "limit_group": ("org-1",), "model": ("gpt-4.1-mini",)}


class MetricsEndpoint(Collector):
    """A /metrics endpoint that starts with the values of a healthy, idle fleet.

    `values` maps each metric's name to its samples by label. Metrics in `growing` increase by one with every scrape.
    """

    token = "metrics-token-of-a-test"

    def __init__(self) -> None:
        self._metrics = metrics()
        self.begin()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._server = BackgroundServer(Starlette(routes=[Route("/metrics", self._answer)]))

    def begin(self) -> None:
        """Reset the metrics to those of a healthy, idle fleet with a current key report."""
        self.values: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        self.growing: set[str] = set()
        self.refuses = False
        self.set("propintel_build_info", 1, version="0.1.0")
        self.set("propintel_openai_pool_shared", 1)
        self.set("propintel_openai_keys_configured", len(KEYS))
        self.set("propintel_openai_keys_healthy", len(KEYS))
        self.set("propintel_oldest_queued_job_age_seconds", 0)
        self.set("propintel_jobs", 0, state="queued")
        self.set("propintel_key_report_timestamp_seconds", time.time() + 3600)
        for key in KEYS:
            self.set_state(key, "closed")
            self.set("propintel_openai_key_first_seen_timestamp_seconds", time.time() - 86400, key=key)

    @property
    def url(self) -> str:
        return f"{self._server.address}/metrics"

    def set(self, name: str, value: float, **labels: str) -> None:
        metric = self._metrics[name]
        assert labels.keys() == metric.labels.keys(), f"{name} has the labels {sorted(metric.labels)}"
        series = self.values.get(name, {}) | {tuple(sorted(labels.items())): value}
        self.values = self.values | {name: series}

    def set_state(self, key: str, state: str) -> None:
        name = "propintel_openai_key_state"
        others = {labels: 1.0 for labels in self.values.get(name, {}) if ("key", key) not in labels}
        self.values = self.values | {name: others}
        self.set(name, 1, key=key, limit_group="org-1", state=state)

    def show_everything(self) -> None:
        """Export every metric with every possible label value. Counters and histograms grow with every scrape."""
        for name, metric in self._metrics.items():
            if name not in self.values:
                choices = [_some_values(metric, label) for label in metric.labels]
                for values in itertools.product(*choices):
                    self.set(name, 1, **dict(zip(metric.labels, values, strict=True)))
        self.growing = {name for name, metric in self._metrics.items() if metric.kind != "gauge"}

    def describe(self) -> Iterator[Family]:
        return iter(())

    def collect(self) -> Iterator[Family]:
        for name, series in self.values.items():
            kind = self._metrics[name].kind
            family = Family(name.removesuffix("_total"), "of the contract", kind)
            for labels, value in series.items():
                _add(family, name, kind, dict(labels), value)
            yield family
        for name in self.growing:
            grown = {labels: value + 1 for labels, value in self.values[name].items()}
            self.values = self.values | {name: grown}

    def _answer(self, request: Request) -> Response:
        if self.refuses or request.headers.get("Authorization") != f"Bearer {self.token}":
            return Response(status_code=401)
        return Response(generate_latest(self._registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._server.__exit__(*raised)


def _some_values(metric: Metric, label: str) -> tuple[str, ...]:
    closed = metric.labels[label]
    return tuple(sorted(closed)) if closed else _SAMPLES.get(label, (f"some-{label}",))


def _add(family: Family, name: str, kind: str, labels: dict[str, str], value: float) -> None:
    if kind != "histogram":
        family.add_sample(name, labels, value)
        return
    for bound in ("0.5", "1.0", "+Inf"):
        family.add_sample(f"{name}_bucket", {**labels, "le": bound}, value)
    family.add_sample(f"{name}_sum", labels, value)
    family.add_sample(f"{name}_count", labels, value)
