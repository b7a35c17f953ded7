"""Fixtures: Prometheus' tools, and a real Prometheus that evaluates the rules of deploy/ at short intervals."""

import shutil
from collections.abc import Iterator

import pytest

from tests.integration.deploy.metrics_endpoint import MetricsEndpoint
from tests.integration.deploy.prometheus_server import PrometheusServer


def _program(*names: str, package: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"no {names[0]} on PATH: install Debian's package {package}")
    return found


@pytest.fixture(scope="session")
def promtool() -> str:
    return _program("promtool", package="prometheus")


@pytest.fixture(scope="session")
def amtool() -> str:
    return _program("amtool", package="prometheus-alertmanager")


@pytest.fixture(scope="session")
def alertmanager_program() -> str:
    return _program("prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager")


@pytest.fixture(scope="module")
def metrics_endpoint() -> Iterator[MetricsEndpoint]:
    with MetricsEndpoint() as metrics_endpoint:
        yield metrics_endpoint


@pytest.fixture
def healthy_metrics(metrics_endpoint: MetricsEndpoint) -> MetricsEndpoint:
    metrics_endpoint.begin()
    return metrics_endpoint


@pytest.fixture(scope="module")
def prometheus_server(
    tmp_path_factory: pytest.TempPathFactory, metrics_endpoint: MetricsEndpoint
) -> Iterator[PrometheusServer]:
    """Start a Prometheus with the configuration and rules of deploy/. It scrapes the endpoint twice per second.

    All tests of a module share it, because Prometheus scrapes nothing in its first five seconds.
    """
    program, folder = _program("prometheus", package="prometheus"), tmp_path_factory.mktemp("prometheus")
    with PrometheusServer(program, folder, metrics_endpoint.url, metrics_endpoint.token) as server:
        yield server
