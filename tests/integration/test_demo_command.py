"""The demo, run as a user runs it, makes no paid call and leaves no file or process behind."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cli.demo_report import print_result
from docs.site import readme
from simulators.serving import BackgroundServer
from tests.plugins.waiting import wait_until
from tests.plugins.warm_start import WarmParent

pytestmark = pytest.mark.worker
_BLOCK = readme.block()


@dataclass(frozen=True)
class Run:
    """A finished run: its JSON `result`, the `calls` to the user's API (must be none), and the files `left` behind."""

    result: dict[str, Any]
    stderr: str
    calls: list[str]
    left: list[Path]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the demo once. The test sets a key, a base URL, a proxy, and an .env file, which the demo must ignore."""
    folder, calls = tmp_path_factory.mktemp("demo"), []

    def note(request: Request) -> Response:
        calls.append(request.url.path)
        return Response(status_code=500)

    app = Starlette(routes=[Route("/{rest:path}", note, methods=["GET", "POST"])])
    with BackgroundServer(app) as server:
        address = server.address
        (folder / ".env").write_text(f"OPENAI_API_KEYS=sk-real-0123456789abcdefghijkl\nOPENAI_BASE_URL={address}/v1\n")
        shell = {"OPENAI_API_KEY": "sk-real-abcdefghijkl0123456789", "OPENAI_BASE_URL": f"{address}/v1"}
        shell |= {"HTTP_PROXY": address, "http_proxy": address, "REDIS_URL": "redis://127.0.0.1:1/0"}
        demo = _demo(folder, "--format", "json", **shell)
        stdout, stderr = demo.communicate(timeout=550)
    assert demo.returncode == 0, stderr
    return Run(json.loads(stdout), stderr, calls, list(folder.glob("propintel-demo-*")))


def _demo(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PROPINTEL_ENV_FILE"}
    # the processes get ten minutes to start, because other tests run at the same time
    slow = "cli.demo_setup._START_SECONDS = cli.services.START_SECONDS = 600"
    code = f"import sys, cli.demo_setup, cli.services; {slow}; from cli.main import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, "demo", *arguments],
        env={**inherited, "TMPDIR": str(tmp_path), **environment},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_job_succeeds_with_the_documented_json_and_without_the_users_environment(ran: Run) -> None:
    """Without --real, the demo ignores the user's keys in the environment and in .env."""
    assert set(ran.result) == {"jobs", "properties", "keys", "seconds"}
    assert ran.result["jobs"] == {"total": 24, "succeeded": 24, "failed": 0}
    assert all(one["record"] and set(one["record"]) == set(one["evidence"]) for one in ran.result["properties"])
    assert "Traceback" not in ran.stderr
    assert (ran.calls, ran.left) == ([], [])


def test_requests_rotate_over_the_working_keys_and_a_dead_key_gets_one(ran: Run) -> None:
    """The two keys with ample limits get about the same number of requests.

    The end of the run may cut off a few requests.
    """
    first, dead, limited, last = ran.result["keys"]["keys"].values()
    assert abs(first["requests"] - last["requests"]) <= 3
    assert (dead["requests"], dead["successes"], dead["state"]) == (1, 0, "dead")
    assert limited["requests"] >= 4
    assert [key["failures"] for key in (first, last)] == [0, 0]


def test_a_key_reaches_its_limit_and_recovers(ran: Run) -> None:
    """The key's limit is used up after two requests. A third success shows that the key was used after the pause."""
    limited = list(ran.result["keys"]["keys"].values())[2]
    assert limited["rate_limits"] == limited["failures"] >= 1
    assert limited["successes"] > 2
    assert (limited["state"], limited["rate_limited"]) == ("closed", False)


def test_the_readme_shows_the_output_of_a_run(
    ran: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this fails because the demo changed, run `make readme` and commit the result."""
    monkeypatch.setenv("COLUMNS", readme.COLUMNS)
    print_result(ran.result)
    shown = capsys.readouterr().out
    assert readme.difference(shown) == []
    assert max(map(len, shown.splitlines())) <= 80
    assert "tutorial" in shown.splitlines()[-1]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("beds", "be…"),
        ("in rotation", "resting"),
        ("24 of 24", "23 of 24"),
        ("  0         1            0  dead", "  1         1            0  dead"),
        ("612,500", "612,501"),
        ("docs/tutorial.md", "docs/README.md"),
    ],
)
def test_a_visible_change_of_the_demo_is_found(before: str, after: str) -> None:
    assert before in _BLOCK
    assert readme.difference(_BLOCK.replace(before, after)) != []


def test_ctrl_c_leaves_no_process_and_no_traceback(tmp_path: Path) -> None:
    """The demo's temporary home is removed too."""
    demo = _demo(tmp_path, "--jobs", "300")
    family = psutil.Process(demo.pid)
    _wait_for_processes(family, 8)
    children = family.children(recursive=True)
    demo.send_signal(signal.SIGINT)
    stdout, stderr = demo.communicate(timeout=300)
    assert demo.returncode == 130, stderr
    assert "Traceback" not in stdout + stderr
    _, alive = psutil.wait_procs(children, timeout=300)
    assert alive == []
    assert list(tmp_path.glob("propintel-demo-*")) == []


def test_a_killed_demo_ends_its_processes(tmp_path: Path) -> None:
    """A killed demo cannot stop its child processes. On Linux, the kernel stops them."""
    if sys.platform != "linux":
        pytest.skip("only Linux ends a process with its parent")
    demo = _demo(tmp_path, "--jobs", "300")
    family = psutil.Process(demo.pid)
    _wait_for_processes(family, 8)
    children = family.children(recursive=True)
    demo.kill()
    demo.communicate(timeout=300)
    _, alive = psutil.wait_procs(children, timeout=300)
    assert alive == []


def test_a_real_demo_without_a_key_ends_with_a_remedy(tmp_path: Path, warm_parent: WarmParent) -> None:
    demo = warm_parent.run_propintel("demo", "--real", env={**os.environ, "TMPDIR": str(tmp_path)}, cwd=tmp_path)
    assert (demo.returncode, "OPENAI_API_KEYS" in demo.stderr, "Traceback" in demo.stderr) == (2, True, False)


def _wait_for_processes(family: psutil.Process, count: int) -> None:
    wait_until(lambda: not family.is_running() or len(family.children(recursive=True)) >= count, 30)
