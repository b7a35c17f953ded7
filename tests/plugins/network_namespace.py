"""A Python module run in a network of its own, where any address of the internet can be this machine's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_ISOLATE = ["unshare", "--net", "--mount", "--map-root-user"]


def require_namespaces() -> None:
    """Skip where no network namespace may be made."""
    if any(shutil.which(name) is None for name in ("unshare", "ip")):
        pytest.skip("no network namespaces: install the packages util-linux and iproute2")
    if subprocess.run([*_ISOLATE, "ip", "link"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace may be made here: run as root, or allow user namespaces")


def run_isolated(module: str, *arguments: str, timeout_seconds: float) -> None:
    """Run `python -m module arguments` with no network but its own loopback; skip where no namespace may be made."""
    require_namespaces()
    command = [*_ISOLATE, sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
