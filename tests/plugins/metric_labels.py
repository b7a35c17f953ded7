"""Fail a test run that counts label values which `metrics.toml` does not declare."""

from collections.abc import Iterable, Iterator

import pytest
from prometheus_client.metrics_core import Metric

from app.services.reports.metrics.instruments import ALL, REGISTRY

_LABELS = {spec.name: {label.name: label for label in spec.labels} for spec in ALL}


def undeclared(families: Iterable[Metric]) -> list[str]:
    """Return `metric{label="value"}` for each label value that `metrics.toml` does not declare."""
    return [
        f'{family.name}{{{name}="{value}"}}'
        for family in families
        for sample in family.samples
        for name, value in sample.labels.items()
        if name != "le" and not (label := _LABELS[family.name][name]).others and value not in label.words
    ]


@pytest.fixture(scope="session", autouse=True)
def _labels_are_declared() -> Iterator[None]:
    yield
    found = sorted(set(undeclared(REGISTRY.collect())))
    assert not found, f"values that app/services/reports/metrics/metrics.toml does not name: {found}"
