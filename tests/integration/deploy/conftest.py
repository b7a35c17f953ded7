"""Prometheus' own tools, and a real Prometheus that runs the rules of deploy/ in a hurry."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.integration.deploy.door_metrics import DoorMetrics
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
def door() -> Iterator[DoorMetrics]:
    """A web door's /metrics that says what a test makes it say."""
    with DoorMetrics() as door:
        yield door


@pytest.fixture
def door_metrics(door: DoorMetrics) -> DoorMetrics:
    """It, and it says that all is well."""
    door.begin()
    return door


@pytest.fixture(scope="module")
def exposition_url(door: DoorMetrics) -> str:
    """What Prometheus scrapes."""
    return door.url


@pytest.fixture(scope="module")
def metrics_token(door: DoorMetrics) -> str:
    """Without which it is refused."""
    return door.token


@pytest.fixture(scope="module")
def prometheus_server(
    tmp_path_factory: pytest.TempPathFactory, exposition_url: str, metrics_token: str
) -> Iterator[PrometheusServer]:
    """Prometheus with the configuration and rules of deploy/, scraping `exposition_url` several times a second.

    One for all tests of a module: it scrapes nothing in its first five seconds.
    """
    program = _program("prometheus", package="prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    with PrometheusServer(program, folder, exposition_url, metrics_token) as server:
        yield server
