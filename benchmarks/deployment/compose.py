"""Run this checkout's docker-compose.yml with the demo's settings, under a separate project name and separate ports."""

import json
import os
import re
import runpy
import secrets
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.results import BenchmarkError

ROOT = Path(__file__).parents[2]
#: The image for each build variable: the one set in the environment, else the pinned one.
IMAGES: dict[str, str] = runpy.run_path(str(ROOT / ".ci" / "base_images.py"))["chosen"]()
_MIB = {"B": 1 / 2**20, "KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}


def docker(*arguments: str, stdin: str = "", **variables: str) -> str:
    """Run `docker ARGUMENTS` and return its stdout. Raises `BenchmarkError` with Docker's message on failure."""
    env = _environment() | variables
    done = subprocess.run(
        ["docker", *arguments], cwd=ROOT, env=env, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchmarkError(f"docker {' '.join(arguments)}: {done.stderr or done.stdout}")
    return done.stdout


def seconds_of(*arguments: str, **variables: str) -> float:
    start = time.monotonic()
    docker(*arguments, **variables)
    return time.monotonic() - start


def _environment() -> dict[str, str]:
    """Return `PATH`, `HOME`, Docker's variables, and the variables that name the images.

    Other variables are left out, so that only the demo's settings apply.
    """
    engine = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME") or name.startswith("DOCKER_")
    }
    return engine | IMAGES


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


class Compose:
    """A context manager for all services of the demo. On exit, it removes them and their volumes."""

    def __init__(self) -> None:
        self._name = f"bench-{secrets.token_hex(4)}"
        self._ports = {"WEB_PORT": _free_port(), "FLOWER_PORT": _free_port()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run("down", "--volumes", "--timeout", "0")

    def arguments(self, *arguments: str) -> tuple[str, ...]:
        return ("compose", "--project-name", self._name, "--env-file", "deploy/demo.env", *arguments)

    def run(self, *arguments: str, stdin: str = "") -> str:
        return docker(*self.arguments(*arguments), stdin=stdin, **self._ports)

    def seconds_of(self, *arguments: str) -> float:
        return seconds_of(*self.arguments(*arguments), **self._ports)

    def memory_mib(self) -> dict[str, float]:
        """Return the memory of each service as Docker counts it, without the file cache."""
        lines = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}").splitlines()
        found = {}
        for line in lines:
            match = re.match(rf"{self._name}-(\w+)-\d+ ([\d.]+)(\w+) /", line)
            if match:
                found[match[1]] = float(match[2]) * _MIB[match[3]]
        return found

    def counts(self, batch: str) -> dict[str, int]:
        shown = self._json("batches", "show", batch)
        return {str(state): int(n) for state, n in shown["counts"].items() if n}

    def enqueue(self, jobs: int, first: int) -> str:
        targets = "".join(f"http://site:8080/homes/{n}\n" for n in range(first, first + jobs))
        return str(self._json("enqueue", "--file", "-", stdin=targets)["batch"])

    def _json(self, *arguments: str, stdin: str = "") -> Any:
        return json.loads(self.run("exec", "-T", "web", "propintel", *arguments, "--format", "json", stdin=stdin))
