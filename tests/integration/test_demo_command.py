"""The demo as a user runs it: a process of its own, real workers, nothing spent and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from standin.serving import BackgroundServer
from tests.plugins.waiting import wait_until

pytestmark = pytest.mark.worker


@pytest.fixture
def trap() -> Iterator[tuple[str, list[str]]]:
    """An API that must not be called: its address, and the calls it got."""
    calls: list[str] = []

    def note(request: Request) -> Response:
        calls.append(request.url.path)
        return Response(status_code=500)

    app = Starlette(routes=[Route("/{rest:path}", note, methods=["GET", "POST"])])
    with BackgroundServer(app) as server:
        yield server.address, calls


def _demo(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PROPINTEL_ENV_FILE"}
    code = "import sys; from cli.main import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, "demo", *arguments],
        env={**inherited, "TMPDIR": str(tmp_path), **environment},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_all_jobs_succeed_the_dead_key_is_out_and_the_shells_key_is_not_spent(
    tmp_path: Path, trap: tuple[str, list[str]]
) -> None:
    """OPENAI_API_KEY, OPENAI_BASE_URL, a proxy and a .env of the user are all ignored without --real."""
    address, calls = trap
    (tmp_path / ".env").write_text(f"OPENAI_API_KEYS=sk-real-0123456789abcdefghijkl\nOPENAI_BASE_URL={address}/v1\n")
    shell = {"OPENAI_API_KEY": "sk-real-abcdefghijkl0123456789", "OPENAI_BASE_URL": f"{address}/v1"}
    shell |= {"HTTP_PROXY": address, "http_proxy": address, "REDIS_URL": "redis://127.0.0.1:1/0"}
    demo = _demo(tmp_path, "--jobs", "24", "--keys", "3", "--format", "json", **shell)
    stdout, stderr = demo.communicate(timeout=120)
    assert demo.returncode == 0, stderr
    result = json.loads(stdout)
    assert result["jobs"] == {"total": 24, "succeeded": 24, "failed": 0}
    assert set(result) == {"jobs", "properties", "keys", "seconds"}
    assert result["seconds"] < 90
    assert all(one["record"] and set(one["record"]) == set(one["evidence"]) for one in result["properties"])
    out = [key for key in result["keys"]["keys"].values() if key["circuit_open"]]
    assert [key["successes"] for key in out] == [0]
    assert sum(key["successes"] for key in result["keys"]["keys"].values()) > 0
    assert calls == []
    assert "Traceback" not in stderr
    assert list(tmp_path.glob("propintel-demo-*")) == []


@pytest.mark.parametrize(
    ("number", "code", "moment"), [(signal.SIGINT, 130, "in the middle"), (signal.SIGTERM, 143, "while it starts")]
)
def test_a_signal_leaves_no_process_and_no_traceback(
    number: signal.Signals, code: int, moment: str, tmp_path: Path
) -> None:
    """Ctrl-C while it starts or in the middle of the jobs; the temporary home is gone too."""
    demo = _demo(tmp_path, "--jobs", "300")
    family = psutil.Process(demo.pid)
    _wait_for_processes(family, 2 if moment == "while it starts" else 8)
    if moment == "in the middle":
        time.sleep(1.5)
    children = family.children(recursive=True)
    demo.send_signal(number)
    stdout, stderr = demo.communicate(timeout=120)
    assert demo.returncode == code, stderr
    assert "Traceback" not in stdout + stderr
    _, alive = psutil.wait_procs(children, timeout=120)
    assert alive == []
    assert list(tmp_path.glob("propintel-demo-*")) == []


def test_a_killed_demo_takes_its_processes_with_it(tmp_path: Path) -> None:
    """SIGKILL can be handled by nobody: the kernel ends the children (Linux)."""
    if sys.platform != "linux":
        pytest.skip("only Linux ends a process with its parent")
    demo = _demo(tmp_path, "--jobs", "300")
    family = psutil.Process(demo.pid)
    _wait_for_processes(family, 8)
    children = family.children(recursive=True)
    demo.kill()
    demo.communicate(timeout=120)
    _, alive = psutil.wait_procs(children, timeout=120)
    assert alive == []


def test_a_process_that_cannot_start_is_named_with_its_reason(tmp_path: Path) -> None:
    """`--real` without any key: exit 2, the remedy, and no process."""
    demo = _demo(tmp_path, "--real")
    _, stderr = demo.communicate(timeout=120)
    assert demo.returncode == 2
    assert "OPENAI_API_KEYS" in stderr
    assert "Traceback" not in stderr


def _wait_for_processes(family: psutil.Process, count: int) -> None:
    """Until so many are below the demo, or it has ended by itself."""
    wait_until(lambda: not family.is_running() or len(family.children(recursive=True)) >= count, 30)
