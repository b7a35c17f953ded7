"""Tests of the image that the Dockerfile builds from a checkout that contains secret files."""

import subprocess
from pathlib import Path

import docker
import pytest

from tests.acceptance.compose_project import copy_checkout
from tests.acceptance.docker_containers import BUILD

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

_PLANTED = b"planted-7c0ffee-secret"
#: Files of a checkout in which users keep keys and passwords, also in folders that the image copies.
_PLACES = [".env", ".env.production", ".propintel/state", ".git/config", "keys.txt", "app/.env", "web/server.key",
           "cli/.env.local", "simulators/tls.pem", "deploy/docker/.env", "secrets/jwt_secret"]  # fmt: skip
_OVERLAP = len(_PLANTED) - 1


def _is_in_the_image(image: str, planted: bytes) -> bool:
    """Search the image's layers, history, and configuration, which `docker save` does not compress."""
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None
        rest = b""
        found = False
        while chunk := saving.stdout.read(1 << 22):
            found = found or planted in rest + chunk
            rest = chunk[-_OVERLAP:]
    assert saving.returncode == 0
    return found


def test_no_layer_contains_a_secret_of_the_checkout(docker_client: docker.DockerClient, tmp_path: Path) -> None:
    """The image's user owns only its home and the folder for secrets."""
    folder = copy_checkout(tmp_path)
    for place in _PLACES:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(_PLANTED)
    tag = "property-intelligence:planted"
    subprocess.run([*BUILD, "--tag", tag, str(folder)], capture_output=True, check=True)
    try:
        assert _is_in_the_image(tag, b"propintel db upgrade"), "the search misses a text of the image"
        assert not _is_in_the_image(tag, _PLANTED)
        image = docker_client.images.get(tag)
        assert image.attrs["Config"]["User"] == "propintel"
        finding = "find / -xdev \\( -user propintel -o -perm -o+w \\) ! -type l ! -path '/proc/*' ! -path '/tmp*'"
        listed = docker_client.containers.run(tag, ["sh", "-c", finding], user="root", remove=True).decode().split()
        own = {"/var/lib/propintel", "/run/propintel"}
        assert {*listed} - {"/var/tmp", "/run/lock"} == own
    finally:
        docker_client.images.remove(tag, force=True)
