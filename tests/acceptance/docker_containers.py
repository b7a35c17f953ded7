"""Containers for pytest-celery: the worker from this checkout's image, Valkey and PostgreSQL from public images.

Ports are published on loopback only.
"""

import runpy
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import docker
import psycopg
import pytest
from docker.errors import DockerException
from pytest_celery import CeleryTestContainer, CeleryWorkerContainer, RedisContainer

from app.redis.embedded_valkey import answers

ROOT = Path(__file__).parents[2]
#: The image for each variable: the variable's value if it is set, else the image that the project pins.
IMAGES: dict[str, str] = runpy.run_path(str(ROOT / ".ci" / "base_images.py"))["chosen"]()
PYTHON_IMAGE, VALKEY_IMAGE, POSTGRES_IMAGE = (IMAGES[f"{name}_IMAGE"] for name in ("PYTHON", "VALKEY", "POSTGRES"))
LOOPBACK = "127.0.0.1"
BUILD = ("docker", "build", "--quiet", "--build-arg", f"PYTHON_IMAGE={PYTHON_IMAGE}")


def connect_to_engine() -> docker.DockerClient:
    """Return a Docker client. Skip the test if Docker is not running or has no base image."""
    if shutil.which("docker") is None:
        pytest.skip("no Docker: its command is not on PATH")
    try:
        client = docker.from_env()
    except DockerException as exc:
        pytest.skip(f"no Docker engine answers: {exc}")
    for variable in ("PYTHON_IMAGE", "VALKEY_IMAGE", "POSTGRES_IMAGE"):
        if not obtained(IMAGES[variable]):
            pytest.skip(f"{IMAGES[variable]} is not here and cannot be pulled; set {variable} to one that is")
    return client


def obtained(image: str) -> bool:
    asked = (["docker", *ask, image] for ask in (["image", "inspect"], ["pull", "--quiet"]))
    return any(subprocess.run(command, capture_output=True, check=False).returncode == 0 for command in asked)


def build_image() -> str:
    """Build this checkout's image and return its id. Only changed layers are built."""
    command = [*BUILD, "--tag", "property-intelligence:acceptance", str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert built.returncode == 0, f"the image could not be built:\n{built.stderr}"
    return built.stdout.strip()


class _Ending:
    def kill(self, signal: str | int | None = None) -> None:
        self._container.kill(signal)
        self._container.wait(timeout=300)


class DockerValkey(_Ending, RedisContainer):
    """A Valkey server whose name and port stay the same after a restart."""

    @property
    def port(self) -> int:
        return int(self.attrs["HostConfig"]["PortBindings"]["6379/tcp"][0]["HostPort"])

    @property
    def host_url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/{self.vhost}"

    def ready(self) -> bool:
        return super(CeleryTestContainer, self).ready() and answers(self.host_url)


class DockerPostgres(CeleryTestContainer):
    def url(self, database: str, *, inside: bool) -> str:
        """Return the database URL, as seen from the Docker network if `inside`, else from this process."""
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


class DockerSimulator(CeleryTestContainer):
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
    def ready(self) -> bool:
        return super(CeleryTestContainer, self).ready() and self.ready_prompt in self._logged_in_this_run()

    def _logged_in_this_run(self) -> str:
        started = datetime.fromisoformat(self.attrs["State"]["StartedAt"])
        return self._container.logs(since=started.timestamp()).decode()

    @classmethod
    def worker_name(cls) -> str:
        return "celery"

    @classmethod
    def worker_queue(cls) -> str:
        return "scrape"
