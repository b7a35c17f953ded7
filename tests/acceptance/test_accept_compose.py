"""docker-compose.yml as it stands: what it starts does a job, and what it needs it asks for."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from pytest_docker_tools.wrappers.container import wait_for_callable

from tests.acceptance.docker_containers import ROOT

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

_PASSWORDS = ("POSTGRES_PASSWORD", "VALKEY_PASSWORD")
Compose = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project() -> str:
    return f"propintel-{secrets.token_hex(4)}"


@pytest.fixture
def compose(docker_client: docker.DockerClient, celery_base_worker_image: Any, project: str, tmp_path: Path) -> Compose:
    """`compose(*arguments, without=NAME)` on this checkout's file. The project's folder is empty: no .env is read."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no docker compose: its plugin is not installed")

    def run(*arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
        given = {"PROPINTEL_IMAGE": celery_base_worker_image.id, **dict.fromkeys(_PASSWORDS, "a-password")}
        files = [ROOT / "docker-compose.yml", ROOT / "tests/acceptance/site.compose.yml"]
        command = ["docker", "compose", "--project-name", project, "--project-directory", str(tmp_path)]
        command += [word for file in files for word in ("--file", str(file))]
        env = {name: value for name, value in {**os.environ, **given}.items() if name != without}
        return subprocess.run(
            [*command, *arguments], env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    return run


@pytest.fixture
def services(compose: Compose) -> Iterator[None]:
    """All services are up and healthy; nothing of them is left after the test."""
    try:
        up = compose("up", "--detach", "--wait", "--no-build", "--quiet-pull")
        assert up.returncode == 0, f"{up.stderr}\n{compose('logs', '--tail', '30').stdout}"
        yield
    finally:
        compose("down", "--volumes", "--timeout", "0")


@pytest.mark.usefixtures("services")
def test_what_compose_starts_does_a_job(compose: Compose, docker_client: docker.DockerClient, project: str) -> None:
    """Jobs go to `worker`, recovery to `health`; nothing of ours runs as root and no port is open to the outside."""
    done = compose("exec", "-T", "worker", "propintel", "enqueue", "http://site:8080/homes/1", "--wait")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["done"] == 1
    scraped, recovered = "Task tasks.scrape.scrape_property[", "Task tasks.recovery.recover_jobs["
    wait_for_callable("Recovery ran", lambda: recovered in compose("logs", "health").stdout)
    assert scraped not in compose("logs", "health").stdout
    assert scraped in compose("logs", "worker").stdout
    assert recovered not in compose("logs", "worker").stdout
    for running in docker_client.containers.list(filters={"label": f"com.docker.compose.project={project}"}):
        service = running.labels["com.docker.compose.service"]
        assert running.attrs["HostConfig"]["PortBindings"] in (None, {}), service
        assert running.attrs["Config"]["User"] == "propintel" or service in ("postgres", "valkey")


@pytest.mark.parametrize("name", _PASSWORDS)
def test_a_missing_password_is_named(compose: Compose, name: str) -> None:
    checked = compose("config", "--quiet", without=name)
    assert checked.returncode != 0
    assert f"{name} is missing a value: set it in .env" in checked.stderr
