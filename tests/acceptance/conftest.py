"""pytest-celery's fixtures for this project's image, Valkey, and PostgreSQL in Docker.

All tests share one network, one database server, and one pair of simulators. Each test has its own broker, database,
and worker. Everything except the image is removed from Docker at the end.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import psycopg
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
from pytest_docker_tools import container, fxtr, network, volume

from app.property.storage.schema import upgrade
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings, load_settings
from tasks import make_celery
from tests.acceptance.docker_containers import (
    LOOPBACK,
    POSTGRES_IMAGE,
    VALKEY_IMAGE,
    DockerPostgres,
    DockerSimulator,
    DockerValkey,
    DockerWorker,
    build_image,
    connect_to_engine,
)
from tests.plugins.ports import free_port
from tests.plugins.simulator_fixtures import KEYS, SimulatorHandle

#: The only OpenAI key. Its limits are far above what the tests use.
_KEY = {"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}
#: Mounts a tmpfs in place of the image's volume, because the volume would outlive its container.
_HOME = {"/var/lib/propintel": "uid=10001,mode=0700"}


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    client = connect_to_engine()
    yield client
    client.close()


@pytest.fixture(scope="session")
def celery_base_worker_image(docker_client: docker.DockerClient) -> Any:
    """Build the project's image. This takes minutes if Docker's cache is empty."""
    return docker_client.images.get(build_image())


@pytest.fixture(scope="session")
def docker_postgres_variables() -> dict[str, str]:
    return {"POSTGRES_PASSWORD": secrets.token_hex(16)}


@pytest.fixture(scope="session")
def docker_openai_variables() -> dict[str, str]:
    return {"KEYS": json.dumps([_KEY])}


docker_network = network(scope="session")

docker_postgres = container(
    scope="session",
    image=POSTGRES_IMAGE,
    command=["postgres", "-c", "fsync=off"],
    environment=fxtr("docker_postgres_variables"),
    ports={"5432/tcp": (LOOPBACK, None)},
    network="{docker_network.name}",
    tmpfs={"/var/lib/postgresql/data": ""},
    wrapper_class=DockerPostgres,
    timeout=300,
)

docker_site = container(
    scope="session",
    image="{celery_base_worker_image.id}",
    command=["python", "-m", "simulators.site", "--host", "0.0.0.0", "--port", "8080"],
    network="{docker_network.name}",
    tmpfs=_HOME,
    wrapper_class=DockerSimulator,
)

docker_openai = container(
    scope="session",
    image="{celery_base_worker_image.id}",
    command=["sh", "-c", 'echo "$KEYS" | exec python -m simulators.openai --host 0.0.0.0 --port 8080 --config -'],
    environment=fxtr("docker_openai_variables"),
    ports={"8080/tcp": (LOOPBACK, None)},
    network="{docker_network.name}",
    tmpfs=_HOME,
    wrapper_class=DockerSimulator,
)


docker_valkey_data = volume()

docker_valkey = container(
    image=VALKEY_IMAGE,
    command=["valkey-server", "--appendonly", "yes", "--maxmemory-policy", "noeviction"],
    ports=fxtr("docker_valkey_ports"),
    network="{docker_network.name}",
    volumes={"{docker_valkey_data.name}": {"bind": "/data"}},
    wrapper_class=DockerValkey,
)

docker_worker = container(
    image="{celery_base_worker_image.id}",
    command=fxtr("docker_worker_command"),
    environment=fxtr("fleet_environment"),
    network="{docker_network.name}",
    tmpfs=_HOME,
    wrapper_class=DockerWorker,
    timeout=300,
)

docker_beat = container(
    image="{celery_base_worker_image.id}",
    command=["celery", "-A", "worker", "beat", "--pidfile=", "--loglevel", "INFO"],
    environment=fxtr("fleet_environment"),
    network="{docker_network.name}",
    tmpfs=_HOME,
)


@pytest.fixture
def docker_valkey_ports() -> dict[str, tuple[str, int]]:
    # A fixed port, because Docker would choose another one at each restart of the container.
    return {"6379/tcp": (LOOPBACK, free_port())}


@pytest.fixture
def docker_worker_command(celery_base_worker_image: Any) -> list[str]:
    """Return the image's own command, with a fixed number of worker processes."""
    return [*celery_base_worker_image.attrs["Config"]["Cmd"], "--concurrency", "2"]


@pytest.fixture
def database(docker_postgres: DockerPostgres) -> str:
    name = f"t{secrets.token_hex(8)}"
    with psycopg.connect(docker_postgres.url("postgres", inside=False), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    upgrade(docker_postgres.url(name, inside=False))
    return name


@pytest.fixture
def model(docker_openai: DockerSimulator) -> SimulatorHandle:
    handle = SimulatorHandle(docker_openai.address_here, KEYS[:1])
    handle.reset()
    handle.set_key(**_KEY, behavior="ok")
    return handle


@pytest.fixture
def fleet_environment(
    docker_postgres: DockerPostgres,
    docker_site: DockerSimulator,
    docker_openai: DockerSimulator,
    database: str,
    celery_worker_cluster_config: dict[str, Any],
) -> dict[str, str]:
    return {
        "OPENAI_API_KEYS": KEYS[0],
        "OPENAI_BASE_URL": f"{docker_openai.address_inside}/v1",
        "OPENAI_ALLOW_PLAIN_HTTP": "true",
        "JOB_LEASE_SECONDS": "3",
        "DATABASE_URL": docker_postgres.url(database, inside=True),
        "REDIS_URL": celery_worker_cluster_config["celery_broker_cluster_config"]["urls"][0],
        "FETCH_ALLOWED_PRIVATE_NETWORKS": f"{docker_site.ips.primary}/32",
    }


class FleetSetup(CeleryTestSetup):
    @classmethod
    def create_setup_app(cls, celery_setup_config: dict[str, Any], celery_setup_app_name: str) -> Celery:
        app = make_celery(Settings.of())
        app.conf.update(celery_setup_config)
        return app


@pytest.fixture
def celery_setup_cls() -> type[CeleryTestSetup]:
    return FleetSetup


@pytest.fixture
def celery_broker(docker_valkey: DockerValkey) -> Iterator[CeleryTestBroker]:
    broker = CeleryTestBroker(docker_valkey)
    yield broker
    broker.teardown()


@pytest.fixture
def celery_broker_cluster(celery_broker: CeleryTestBroker) -> CeleryBrokerCluster:
    return CeleryBrokerCluster(celery_broker)


@pytest.fixture
def celery_backend_cluster(celery_broker: CeleryTestBroker) -> CeleryBackendCluster:
    """Return a cluster with the broker's Valkey, which is also the result backend."""
    return CeleryBackendCluster(CeleryTestBackend(celery_broker.container))


@pytest.fixture
def celery_worker(
    docker_worker: DockerWorker, celery_setup_app: Celery, model: SimulatorHandle
) -> Iterator[CeleryTestWorker]:
    worker = CeleryTestWorker(docker_worker, celery_setup_app)
    yield worker
    worker.teardown()


@pytest.fixture
def celery_worker_cluster(celery_worker: CeleryTestWorker) -> CeleryWorkerCluster:
    return CeleryWorkerCluster(celery_worker)


@pytest.fixture
def stores(
    docker_postgres: DockerPostgres,
    database: str,
    celery_worker: CeleryTestWorker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stores]:
    monkeypatch.setenv("DATABASE_URL", docker_postgres.url(database, inside=False))
    monkeypatch.setenv("PROPINTEL_HOME", str(tmp_path / "home"))
    with open_stores(load_settings()) as opened:
        yield opened


@pytest.fixture
def wait_for_jobs(stores: Stores) -> Callable[..., list[str]]:
    def wait(ids: list[str], seconds: float = 40) -> list[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            states = [stores.jobs.get(one).state for one in ids]
            if all(state.is_final for state in states):
                return [str(state) for state in states]
            time.sleep(0.05)
        return [str(stores.jobs.get(one).as_json()) for one in ids]

    return wait
