"""The fixtures of tests in Docker.

A run has one network, one database server, and one pair of simulators, started by the first test that needs them. Each
test has its own broker and worker. Only the image stays on the engine.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import psycopg
import pytest
from pytest_docker_tools import container, fxtr, network, volume

from app.property.storage.schema import upgrade
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
from tests.acceptance.surroundings import KEY, VARIABLES, Surroundings
from tests.plugins.ports import free_port
from tests.plugins.simulator_fixtures import KEYS, SimulatorHandle

#: replaces the image's volume, which would remain after its container
_HOME = {"/var/lib/propintel": "uid=10001,mode=0700"}


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    client = connect_to_engine()
    yield client
    client.close()


@pytest.fixture(scope="session")
def celery_base_worker_image(docker_client: docker.DockerClient) -> Any:
    """Return the project's image under the fixture name that pytest-celery uses."""
    return docker_client.images.get(build_image())


@pytest.fixture(scope="session")
def docker_postgres_variables() -> dict[str, str]:
    return {"POSTGRES_PASSWORD": secrets.token_hex(16)}


@pytest.fixture(scope="session")
def docker_openai_variables() -> dict[str, str]:
    return {"KEYS": json.dumps([KEY])}


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
    # Docker would choose another port whenever a container restarts
    return {"6379/tcp": (LOOPBACK, free_port())}


@pytest.fixture
def docker_worker_command(celery_base_worker_image: Any) -> list[str]:
    """Return the image's own command, with a fixed number of children."""
    return [*celery_base_worker_image.attrs["Config"]["Cmd"], "--concurrency", "2"]


@pytest.fixture
def docker_surroundings(
    home: Path, docker_postgres: DockerPostgres, docker_site: DockerSimulator, docker_openai: DockerSimulator
) -> Surroundings:
    """Return simulators in containers of the project's image, and a new database in PostgreSQL."""
    database = f"t{secrets.token_hex(8)}"
    with psycopg.connect(docker_postgres.url("postgres", inside=False), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {database}")
    here = docker_postgres.url(database, inside=False)
    upgrade(here)
    model = SimulatorHandle(docker_openai.address_here, KEYS[:1])
    model.reset()
    model.set_key(**KEY, behaviour="ok")
    return Surroundings(
        docker_site.address_inside,
        model,
        {
            **VARIABLES,
            "OPENAI_BASE_URL": f"{docker_openai.address_inside}/v1",
            "OPENAI_ALLOW_PLAIN_HTTP": "true",
            "DATABASE_URL": docker_postgres.url(database, inside=True),
            "FETCH_ALLOWED_PRIVATE_NETWORKS": f"{docker_site.ips.primary}/32",
        },
        {**VARIABLES, "DATABASE_URL": here, "PROPINTEL_HOME": str(home)},
    )
