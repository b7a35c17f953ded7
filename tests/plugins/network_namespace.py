"""Run a Python module in its own network namespace, in which this machine can have any internet address."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import network_namespace

ROOT = Path(__file__).parents[2]


def require_namespaces() -> None:
    if (reason := network_namespace.problem()) is not None:
        pytest.skip(reason)


def run_isolated(module: str, *arguments: str, timeout_seconds: float) -> None:
    """Run `python -m module arguments` in a namespace with only loopback; skip if none can be created."""
    require_namespaces()
    command = [*network_namespace.ISOLATE, sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
