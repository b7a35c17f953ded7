"""A Python module run in a network of its own, where any address of the internet can be this machine's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import network_namespace

ROOT = Path(__file__).parents[2]


def require_namespaces() -> None:
    """Skip where no network namespace may be made."""
    if (reason := network_namespace.problem()) is not None:
        pytest.skip(reason)


def run_isolated(module: str, *arguments: str, timeout_seconds: float) -> None:
    """Run `python -m module arguments` with no network but its own loopback; skip where no namespace may be made."""
    require_namespaces()
    command = [*network_namespace.ISOLATE, sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
