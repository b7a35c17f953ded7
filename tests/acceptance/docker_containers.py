"""pytest-celery's containers in Docker: this checkout's image for the worker, Valkey and PostgreSQL from public ones.

Published ports are on loopback only. A container that is killed has ended when `kill` returns, and is ready again when
its present run is: what it logged before does not count.
"""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import docker
import psycopg
import pytest
from docker.errors import APIError, DockerException, ImageNotFound
from pytest_celery import CeleryTestContainer, CeleryWorkerContainer, RedisContainer

from app.services.embedded_valkey import answers

ROOT = Path(__file__).parents[2]
PYTHON_IMAGE, VALKEY_IMAGE, POSTGRES_IMAGE = "python:3.13-slim", "valkey/valkey:8", "postgres:17"
LOOPBACK = "127.0.0.1"


def connect_to_engine() -> docker.DockerClient:
    """A client of the engine that answers; the test skips where there is none, or no image to start from."""
    if shutil.which("docker") is None:
        pytest.skip("no Docker: its command is not on PATH")
    try:
        client = docker.from_env()
    except DockerException as exc:
        pytest.skip(f"no Docker engine answers: {exc}")
    for name in (PYTHON_IMAGE, VALKEY_IMAGE, POSTGRES_IMAGE):
        _obtain(client, name)
    return client


def _obtain(client: docker.DockerClient, name: str) -> None:
    try:
        client.images.get(name)
    except ImageNotFound:
        try:
            client.images.pull(*name.split(":"))
        except APIError as exc:
            pytest.skip(f"the image {name} is not here and cannot be pulled: {exc.explanation}")


def build_image() -> str:
    """The id of the image of this checkout. What has not changed comes from Docker's cache.

    The engine does work that two processes ask for at once only once.
    """
    command = ["docker", "build", "--quiet", "--tag", "property-intelligence:acceptance", str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert built.returncode == 0, f"the image could not be built:\n{built.stderr}"
    return built.stdout.strip()


class _Ending:
    """`kill` returns when the container has ended."""

    def kill(self, signal: str | int | None = None) -> None:
        self._container.kill(signal)
        self._container.wait(timeout=120)


class DockerValkey(_Ending, RedisContainer):
    """Reached by its name inside the network, on a port of loopback from here; both stay over a restart."""

    @property
    def port(self) -> int:
        return int(self.attrs["HostConfig"]["PortBindings"]["6379/tcp"][0]["HostPort"])

    @property
    def host_url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/{self.vhost}"

    def ready(self) -> bool:
        return super(CeleryTestContainer, self).ready() and answers(self.host_url)


class DockerPostgres(CeleryTestContainer):
    """A server for the whole run; each test has a database of its own there."""

    def url(self, database: str, *, inside: bool) -> str:
        """For processes in the network if `inside`, else for this one."""
        host, port = (self.ips.primary, 5432) if inside else (LOOPBACK, self.ports["5432/tcp"][0])
        return f"postgresql://postgres:{self.env['POSTGRES_PASSWORD']}@{host}:{port}/{database}"

    def ready(self) -> bool:
        if not super(CeleryTestContainer, self).ready():
            return False
        try:
            psycopg.connect(self.url("postgres", inside=False), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


class DockerStandin(CeleryTestContainer):
    """The stand-in site or OpenAI, which says when it listens."""

    @property
    def ready_prompt(self) -> str:
        return "listening on "

    @property
    def address_inside(self) -> str:
        return f"http://{self.ips.primary}:8080"

    @property
    def address_here(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['8080/tcp'][0]}"


class DockerWorker(_Ending, CeleryWorkerContainer):
    """The image as it is, on two children."""

    def ready(self) -> bool:
        return super(CeleryTestContainer, self).ready() and self.ready_prompt in self._said_in_this_run()

    def _said_in_this_run(self) -> str:
        started = datetime.fromisoformat(self.attrs["State"]["StartedAt"])
        return self._container.logs(since=started.timestamp()).decode()

    @classmethod
    def worker_name(cls) -> str:
        return "celery"

    @classmethod
    def worker_queue(cls) -> str:
        return "scrape"
