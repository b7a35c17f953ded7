"""The same tests on local processes and in Docker, behind pytest-celery's own fixtures.

A test here speaks only to `celery_setup` and its nodes, to the stores and to its `surroundings`. Where all that runs is
`place`: `local_place.py` and `docker_place.py` have fixtures of the same names, `local_*` and `docker_*`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from pytest_celery import (
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryTestBackend,
    CeleryTestBroker,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
)

from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings, load_settings
from tasks import make_celery
from tests.acceptance.docker_place import (  # noqa: F401 (fixtures)
    celery_base_worker_image,
    docker_beat,
    docker_client,
    docker_network,
    docker_openai,
    docker_openai_variables,
    docker_postgres,
    docker_postgres_variables,
    docker_site,
    docker_surroundings,
    docker_valkey,
    docker_valkey_data,
    docker_valkey_ports,
    docker_worker,
    docker_worker_command,
)
from tests.acceptance.local_place import local_beat, local_surroundings, local_valkey, local_worker  # noqa: F401 (fixtures)
from tests.acceptance.surroundings import Surroundings


# the image is built by the first test that needs it: that takes minutes where Docker's cache is empty
@pytest.fixture(params=["local", pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.timeout(900)])])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def surroundings(request: pytest.FixtureRequest, place: str) -> Surroundings:
    return request.getfixturevalue(f"{place}_surroundings")


# --- the plugin's own names, for either place


class FleetSetup(CeleryTestSetup):
    """The plugin's setup with the app that every door of ours uses."""

    @classmethod
    def create_setup_app(cls, celery_setup_config: dict[str, Any], celery_setup_app_name: str) -> Celery:
        app = make_celery(Settings.of())
        app.conf.update(celery_setup_config)
        return app


@pytest.fixture
def celery_setup_cls() -> type[CeleryTestSetup]:
    return FleetSetup


@pytest.fixture
def celery_broker(request: pytest.FixtureRequest, place: str) -> Iterator[CeleryTestBroker]:
    broker = CeleryTestBroker(request.getfixturevalue(f"{place}_valkey"))
    yield broker
    broker.teardown()


@pytest.fixture
def celery_broker_cluster(celery_broker: CeleryTestBroker) -> CeleryBrokerCluster:
    return CeleryBrokerCluster(celery_broker)


@pytest.fixture
def celery_backend_cluster(celery_broker: CeleryTestBroker) -> CeleryBackendCluster:
    """One Valkey is both."""
    return CeleryBackendCluster(CeleryTestBackend(celery_broker.container))


@pytest.fixture
def fleet_environment(surroundings: Surroundings, celery_worker_cluster_config: dict[str, Any]) -> dict[str, str]:
    """The environment of worker and beat."""
    return {**surroundings.fleet, "REDIS_URL": celery_worker_cluster_config["celery_broker_cluster_config"]["urls"][0]}


@pytest.fixture
def celery_worker(request: pytest.FixtureRequest, place: str, celery_setup_app: Celery) -> Iterator[CeleryTestWorker]:
    worker = CeleryTestWorker(request.getfixturevalue(f"{place}_worker"), celery_setup_app)
    yield worker
    worker.teardown()


@pytest.fixture
def celery_worker_cluster(celery_worker: CeleryTestWorker) -> CeleryWorkerCluster:
    return CeleryWorkerCluster(celery_worker)


# --- what a test sees beside them


@pytest.fixture
def beat(request: pytest.FixtureRequest, place: str) -> None:
    """Beat runs beside the worker."""
    request.getfixturevalue(f"{place}_beat")


@pytest.fixture
def stores(
    surroundings: Surroundings, celery_worker: CeleryTestWorker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stores]:
    """The database that the worker writes to."""
    for name, value in surroundings.test.items():
        monkeypatch.setenv(name, value)
    with open_stores(load_settings()) as opened:
        yield opened


@pytest.fixture
def wait_for_jobs(stores: Stores) -> Callable[..., list[str]]:
    """`wait_for_jobs(ids)`: their states, once each is over."""

    def wait(ids: list[str], seconds: float = 40) -> list[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            states = [stores.jobs.get(one).state for one in ids]
            if all(state.is_final for state in states):
                return [str(state) for state in states]
            time.sleep(0.05)
        return [str(stores.jobs.get(one).as_json()) for one in ids]

    return wait
