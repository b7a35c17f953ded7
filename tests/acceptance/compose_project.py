"""A project of docker-compose.yml, from a copy of this checkout in which nothing else lies: as after `git clone`."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.acceptance.docker_containers import IMAGES, LOOPBACK, PYTHON_IMAGE, ROOT, obtained
from tests.plugins.ports import free_port

#: what Docker gets of the caller's environment: where engine and images are, and nothing of ours
_PASSED_ON = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "XDG_RUNTIME_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    *IMAGES,
)
_PROMETHEUS_STAND_IN = f'FROM {PYTHON_IMAGE}\nCOPY prometheus promtool /bin/\nENTRYPOINT ["prometheus"]\n'


def copy_checkout(folder: Path) -> Path:
    """What git tracks, or would, of this checkout; without .git, .env or anything that it ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():  # not if it was deleted and that is not committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def prometheus_image(folder: Path) -> str:
    """Prometheus' own image; where it cannot be pulled, Debian's Prometheus of this machine in an image of ours."""
    default = IMAGES["PROMETHEUS_IMAGE"]
    if obtained(default):
        return default
    folder.mkdir()
    for name in ("prometheus", "promtool"):
        program = shutil.which(name)
        assert program, f"{default} cannot be pulled, and Debian's package prometheus is not installed"
        shutil.copy(program, folder / name)
    (folder / "Dockerfile").write_text(_PROMETHEUS_STAND_IN)
    tag = "property-intelligence-prometheus:acceptance"
    subprocess.run(["docker", "build", "--quiet", "--tag", tag, str(folder)], capture_output=True, check=True)
    return tag


def kill(*containers: str) -> None:
    """With SIGKILL; Docker starts no container again that somebody killed."""
    subprocess.run(["docker", "kill", *containers], capture_output=True, check=True)


def start(*containers: str) -> None:
    """Start what was killed, as it was."""
    subprocess.run(["docker", "start", *containers], capture_output=True, check=True)


_NETWORKS = itertools.count()


def _own_network() -> str:
    """The first three numbers of addresses that no other project of this run has: up to eight for each worker."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return f"10.216.{8 * worker + next(_NETWORKS) % 8}"


@dataclass
class ComposeProject:
    """The services of one copy under a name, on ports and in a network of their own; `variables` are the caller's
    environment."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"propintel-{secrets.token_hex(4)}")
    web_port: int = field(default_factory=free_port)
    flower_port: int = field(default_factory=free_port)
    prometheus_port: int = field(default_factory=free_port)
    demo_network: str = field(default_factory=_own_network)

    def run(self, *arguments: str, check: bool = True, stdin: str = "") -> str:
        """`docker compose ARGUMENTS`; -> its stdout."""
        done = self._run(*arguments, stdin=stdin)
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def complaint(self, *arguments: str) -> str:
        """What `docker compose ARGUMENTS`, which must fail, says on stderr."""
        done = self._run(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def succeeds(self, *arguments: str) -> bool:
        """Whether `docker compose ARGUMENTS` ends with 0."""
        return self._run(*arguments).returncode == 0

    def bash(self, script: str) -> None:
        """What the documentation has an operator type, in the folder of the project."""
        done = self._do(["bash", "-euxo", "pipefail", "-c", script])
        assert done.returncode == 0, done.stderr

    def _run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self._do(["docker", "compose", *arguments], stdin)

    def _do(self, command: list[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self._environment(), input=stdin,
            capture_output=True, text=True, check=False, timeout=400,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        ports = {"WEB_PORT": self.web_port, "FLOWER_PORT": self.flower_port, "PROMETHEUS_PORT": self.prometheus_port}
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | self.variables
        own = {"COMPOSE_PROJECT_NAME": self.name, "DEMO_NETWORK": self.demo_network}
        return env | {name: str(port) for name, port in ports.items()} | own

    def up(self, *options: str, scale: int = 1) -> None:
        """All services are healthy, `scale` workers among them, or the test fails with what they said."""
        try:
            self.run(*options, "up", "--wait", "--quiet-pull", "--scale", f"worker={scale}")
        except AssertionError as exc:
            said = self.run("logs", "--tail", "30", check=False)
            raise AssertionError(f"{exc}\n{said}") from exc

    def propintel(self, *arguments: str, stdin: str = "") -> Any:
        """The JSON that a command prints in the container of the web door."""
        return json.loads(self.run("exec", "-T", "web", "propintel", *arguments, "--format", "json", stdin=stdin))

    def containers(self) -> dict[str, list[dict[str, Any]]]:
        """What Docker says of the project's containers, by service."""
        ids = self.run("ps", "--all", "--quiet").split()
        shown = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True)
        found: dict[str, list[dict[str, Any]]] = {}
        for one in json.loads(shown.stdout):
            found.setdefault(one["Config"]["Labels"]["com.docker.compose.service"], []).append(one)
        return found

    def client(self, port: int) -> httpx2.Client:
        return httpx2.Client(base_url=f"http://{LOOPBACK}:{port}", trust_env=False, timeout=300)

    def get(self, port: int, path: str, **options: Any) -> httpx2.Response:
        with self.client(port) as client:
            return client.get(path, **options)

    def secrets(self) -> str:
        """What the one command of the documentation tells."""
        return self.run("run", "--rm", "--no-deps", "-T", "init", "show")

    def remove(self) -> None:
        self.run("--profile", "*", "down", "--volumes", "--timeout", "0", check=False)
