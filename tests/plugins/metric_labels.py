"""Every test run holds what is counted to the labels that metrics declare, which the reference of metrics lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from prometheus_client.metrics_core import Metric

from app.services.reports.metrics.instruments import ALL, REGISTRY

_LABELS = {spec.name: {label.name: label for label in spec.labels} for spec in ALL}


def undeclared(families: Iterable[Metric]) -> list[str]:
    """`metric{label="value"}` of each value that is none of its label's words, where it has words alone."""
    return [
        f'{family.name}{{{name}="{value}"}}'
        for family in families
        for sample in family.samples
        for name, value in sample.labels.items()
        if name != "le" and not (label := _LABELS[family.name][name]).others and value not in label.words
    ]


@pytest.fixture(scope="session", autouse=True)
def _labels_are_declared() -> Iterator[None]:
    """What the tests of this process made it count."""
    yield
    found = sorted(set(undeclared(REGISTRY.collect())))
    assert not found, f"values that app/services/reports/metrics/metrics.toml does not name: {found}"
