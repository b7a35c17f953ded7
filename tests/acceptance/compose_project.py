"""Run docker-compose.yml from a clean copy of this checkout, as after `git clone`."""

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

#: Environment variables that Docker's command line needs. None of them is a setting of the project.
_DOCKERS = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_PASSED_ON = (*_DOCKERS, *IMAGES)
_PROMETHEUS_STAND_IN = f'FROM {PYTHON_IMAGE}\nCOPY prometheus promtool /bin/\nENTRYPOINT ["prometheus"]\n'


def copy_checkout(folder: Path) -> Path:
    """Copy the files of this checkout that git tracks or would add, but not .git and .env."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def prometheus_image(folder: Path) -> str:
    """Return the official Prometheus image, or if it cannot be pulled, one built from Debian's package."""
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
    """Kill containers with SIGKILL. Docker does not restart a container that was killed through its API."""
    subprocess.run(["docker", "kill", *containers], capture_output=True, check=True)


def start(*containers: str) -> None:
    subprocess.run(["docker", "start", *containers], capture_output=True, check=True)


_NETWORKS = itertools.count()


def _own_network() -> str:
    """Return the first three numbers of a network. Each pytest-xdist process has eight networks, used in turn."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return f"10.216.{8 * worker + next(_NETWORKS) % 8}"


@dataclass
class ComposeProject:
    """The services of docker-compose.yml, with their own project name, ports, and network."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"propintel-{secrets.token_hex(4)}")
    web_port: int = field(default_factory=free_port)
    flower_port: int = field(default_factory=free_port)
    prometheus_port: int = field(default_factory=free_port)
    demo_network: str = field(default_factory=_own_network)

    def run(self, *arguments: str, check: bool = True, stdin: str = "") -> str:
        """Run `docker compose ARGUMENTS` and return its stdout."""
        done = self._run(*arguments, stdin=stdin)
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def complaint(self, *arguments: str) -> str:
        done = self._run(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def succeeds(self, *arguments: str) -> bool:
        return self._run(*arguments).returncode == 0

    def bash(self, script: str) -> None:
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
        """Start all services, with `scale` workers. Wait until they are healthy, or fail with their logs."""
        try:
            self.run(*options, "up", "--wait", "--quiet-pull", "--scale", f"worker={scale}")
        except AssertionError as exc:
            logs = self.run("logs", "--tail", "30", check=False)
            raise AssertionError(f"{exc}\n{logs}") from exc

    def propintel(self, *arguments: str, stdin: str = "") -> Any:
        return json.loads(self.run("exec", "-T", "web", "propintel", *arguments, "--format", "json", stdin=stdin))

    def containers(self) -> dict[str, list[dict[str, Any]]]:
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
        """Return the output of the documented command that prints the passwords."""
        return self.run("run", "--rm", "--no-deps", "-T", "init", "show")

    def remove(self) -> None:
        self.run("--profile", "*", "down", "--volumes", "--timeout", "0", check=False)
