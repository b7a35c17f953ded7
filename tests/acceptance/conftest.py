"""Run the same tests on local processes and in Docker, behind pytest-celery's own fixtures.

A test here uses only `celery_setup` and its nodes, the stores, and its `surroundings`. `place` selects where the nodes
run: `local_place.py` and `docker_place.py` have the same fixtures, named `local_*` and `docker_*`.
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


# the first test that needs the image builds it, which takes minutes with an empty Docker cache
@pytest.fixture(params=["local", pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.timeout(900)])])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def surroundings(request: pytest.FixtureRequest, place: str) -> Surroundings:
    return request.getfixturevalue(f"{place}_surroundings")


# --- pytest-celery's fixtures, for both places


class FleetSetup(CeleryTestSetup):
    """Set up pytest-celery with the app that every interface of the project uses."""

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
    """Return an empty cluster: one Valkey is broker and backend."""
    return CeleryBackendCluster(CeleryTestBackend(celery_broker.container))


@pytest.fixture
def fleet_environment(surroundings: Surroundings, celery_worker_cluster_config: dict[str, Any]) -> dict[str, str]:
    """Return the environment of worker and beat."""
    return {**surroundings.fleet, "REDIS_URL": celery_worker_cluster_config["celery_broker_cluster_config"]["urls"][0]}


@pytest.fixture
def celery_worker(request: pytest.FixtureRequest, place: str, celery_setup_app: Celery) -> Iterator[CeleryTestWorker]:
    worker = CeleryTestWorker(request.getfixturevalue(f"{place}_worker"), celery_setup_app)
    yield worker
    worker.teardown()


@pytest.fixture
def celery_worker_cluster(celery_worker: CeleryTestWorker) -> CeleryWorkerCluster:
    return CeleryWorkerCluster(celery_worker)


# --- further fixtures


@pytest.fixture
def beat(request: pytest.FixtureRequest, place: str) -> None:
    """Start beat beside the worker."""
    request.getfixturevalue(f"{place}_beat")


@pytest.fixture
def stores(
    surroundings: Surroundings, celery_worker: CeleryTestWorker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stores]:
    """Open the database that the worker writes to."""
    for name, value in surroundings.test.items():
        monkeypatch.setenv(name, value)
    with open_stores(load_settings()) as opened:
        yield opened


@pytest.fixture
def wait_for_jobs(stores: Stores) -> Callable[..., list[str]]:
    """Return a function that waits until the jobs with these ids are over and returns their states."""

    def wait(ids: list[str], seconds: float = 40) -> list[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            states = [stores.jobs.get(one).state for one in ids]
            if all(state.is_final for state in states):
                return [str(state) for state in states]
            time.sleep(0.05)
        return [str(stores.jobs.get(one).as_json()) for one in ids]

    return wait
