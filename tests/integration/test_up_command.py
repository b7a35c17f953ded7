"""`propintel up` runs workers, beat, and the web server on the embedded Valkey until one Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from app.property.storage.jobs.models import JobState
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from tasks import make_celery
from tasks._celery.publish import send_jobs
from tests.plugins.ports import free_port
from tests.plugins.simulator_fixtures import KEYS
from tests.plugins.waiting import wait_until
from tests.plugins.warm_start import WarmParent

pytestmark = pytest.mark.worker
_PROGRAM = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())"]


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Yield `start_up(option, ..., VARIABLE=value)`, which starts `propintel up`; kill what it started at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **environment: str) -> subprocess.Popen[str]:
        with (tmp_path / "up.log").open("w") as log:
            process = subprocess.Popen(
                [*_PROGRAM, "up", *options],
                env={**os.environ, "KEY_REPORT_INTERVAL_SECONDS": "1", **environment},
                cwd=tmp_path,
                stdout=log,
                stderr=log,
                text=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def _output(tmp_path: Path) -> str:
    return (tmp_path / "up.log").read_text()


def _wait_for(tmp_path: Path, text: str) -> None:
    wait_until(lambda: text in _output(tmp_path), 30, lambda: _output(tmp_path))


def _lines_of(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _output(tmp_path).splitlines() if line.startswith("{")]


@pytest.fixture
def run(tmp_path: Path, warm_parent: WarmParent) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return `run("token", VARIABLE=value)`, which runs a command as the same user with the same settings."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return warm_parent.run_propintel(*arguments, env={**os.environ, **environment}, cwd=tmp_path)

    return run


@pytest.fixture
def jobs_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Callable[[], JobState]]]:
    """Yield `jobs_of(target)`, which enqueues a job for the workers of `up` and returns a function for its state."""
    with contextlib.ExitStack() as closing:

        def send(target: str) -> Callable[[], JobState]:
            monkeypatch.setenv("PROPINTEL_HOME", str(tmp_path / ".propintel"))
            settings = load_settings()
            stores = closing.enter_context(open_stores(settings))
            app = closing.enter_context(contextlib.closing(make_celery(settings)))
            (job,) = stores.jobs.enqueue([target]).jobs
            send_jobs(app, stores.jobs, [job])
            return lambda: stores.jobs.get(job.id).state

        yield send


def test_one_command_starts_everything_and_one_ctrl_c_stops_everything(
    start_up: Callable[..., subprocess.Popen[str]], run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Without configuration, the link signs in once, `propintel token` works, and a second `up` is refused.
    The log is JSON with a process name in each line and without beat's ticks. Ctrl-C leaves no process."""
    port = str(free_port())
    up = start_up("--web", PORT=port, WORKER_CONCURRENCY="1")
    _wait_for(tmp_path, "Ctrl-C")
    assert len(_child(up, "worker", "--pool=prefork").children()) == 1
    link = re.search(rf"http://127\.0\.0\.1:{port}/sign-in/link\?code=\S+", _output(tmp_path))[0]
    with httpx2.Client(trust_env=False, timeout=300, follow_redirects=True) as browser:
        shown = browser.get(link)
        assert (shown.url.path, shown.status_code) == ("/", 200)
        assert "Sign out" in shown.text
        assert browser.get(f"http://127.0.0.1:{port}/keys").status_code == 200
    again = httpx2.get(link, trust_env=False, timeout=300)
    assert again.status_code == 403
    assert "was used or has expired" in again.text

    token = run("token", "--role", "manager", "--subject", "tester").stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    stats = f"http://127.0.0.1:{port}/api/v1/admin/openai/stats"
    assert httpx2.get(stats, headers=headers, trust_env=False, timeout=300).status_code == 200
    assert (tmp_path / ".propintel" / "jwt_secret").stat().st_mode & 0o777 == 0o600

    second = run("up", PORT=str(free_port()))
    assert second.returncode == 2
    assert f"process {up.pid}" in second.stderr.splitlines()[-1]
    assert str(tmp_path / ".propintel") in second.stderr.splitlines()[-1]

    wait_until(lambda: _output(tmp_path).count("OpenAI keys: 0 of 0 healthy") >= 3, 30, lambda: _output(tmp_path))
    children = psutil.Process(up.pid).children(recursive=True)
    up.send_signal(signal.SIGINT)
    assert up.wait(120) == 0
    _, alive = psutil.wait_procs(children, timeout=300)
    assert alive == []
    output = _output(tmp_path)
    assert output.endswith("propintel: stopped\n")
    assert "Traceback" not in output
    assert output.count(link.partition("code=")[2]) == 1, "the code must appear only in the link that `up` prints"
    assert output.count("/sign-in/link?code=[redacted]") == 2, "the access log must hide the code"
    lines = _lines_of(tmp_path)
    assert {line["process"] for line in lines} == {"worker", "maintenance", "beat", "web"}
    assert [line for line in lines if re.search("Sending due task|received|succeeded in", line["event"])] == []
    assert not re.search(r"\[queues\]|is starting|Started server process|Uvicorn running", output)


def test_up_survives_signals_and_crashes_of_its_processes(
    start_up: Callable[..., subprocess.Popen[str]],
    jobs_of: Callable[[str], Callable[[], JobState]],
    openai_simulator: Callable[..., Any],
    property_site: str,
    tmp_path: Path,
) -> None:
    """SIGHUP reloads the keys of `.env` without restarting a process. Text log lines start with a process name.

    A killed Valkey is restarted, and later jobs are done.

    If the worker's parent is killed during a job, its children are ended too, so that no child keeps the job's lease.
    This job and later jobs are done.

    If `up` is killed, its children end too.
    """
    simulator = openai_simulator([{"key": key} for key in KEYS[:2]])
    dotenv, port, flower = tmp_path / "env", str(free_port()), str(free_port())
    dotenv.write_text(f"OPENAI_API_KEYS={KEYS[0]}\n")
    more = {"FLOWER_PORT": flower, "FLOWER_URL_PREFIX": "tools", "PROPINTEL_ENV_FILE": str(dotenv)}
    more |= {"OPENAI_BASE_URL": simulator.base_url, "JOB_LEASE_SECONDS": "3"}
    more |= {"FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8", "JWT_JWKS_URL": "https://id.example/keys"}
    up = start_up("--flower", "--web", PORT=port, LOG_FORMAT="text", **more)
    _wait_for(tmp_path, "Ctrl-C")
    assert f"http://127.0.0.1:{port}/" in _output(tmp_path)
    assert f"http://127.0.0.1:{flower}/tools" in _output(tmp_path)
    assert "sign in" not in _output(tmp_path), "no sign-in link may be printed with an identity provider"
    assert (tmp_path / ".propintel" / "jwt_secret").exists(), "web sessions need a signing secret"
    children = {child.pid for child in psutil.Process(up.pid).children(recursive=True)}
    dotenv.write_text(f"OPENAI_API_KEYS={KEYS[0]},{KEYS[1]}\n")
    up.send_signal(signal.SIGHUP)
    _wait_for(tmp_path, "INFO: 2 OpenAI keys read again\n")
    added = "OpenAI keys reloaded: 1 added (sk-sim...0002), 0 draining, 1 unchanged"
    wait_until(lambda: _output(tmp_path).count(added) == (os.cpu_count() or 2) + 1, 30, lambda: _output(tmp_path))
    with urllib.request.urlopen(f"http://127.0.0.1:{flower}/tools/", timeout=300) as answer:
        assert b"Flower" in answer.read()
    assert {child.pid for child in psutil.Process(up.pid).children(recursive=True)} == children
    assert "Traceback" not in _output(tmp_path)
    assert not re.search("Registered tasks|Visit me|Inspect method", _output(tmp_path))
    form = re.compile(r"(worker     |maintenance|beat       |web        |flower     ) \| \S|propintel: |  ")
    assert [line for line in _output(tmp_path).splitlines() if not form.match(line)] == []

    (valkey,) = [child for child in psutil.Process(up.pid).children() if "valkey" in child.name()]
    valkey.kill()
    _wait_for(tmp_path, "the embedded Valkey is started again")
    state = jobs_of(f"{property_site}/homes/2")
    wait_until(lambda: state() == JobState.DONE, 30, lambda: _output(tmp_path))
    assert children - {valkey.pid} <= {child.pid for child in psutil.Process(up.pid).children(recursive=True)}

    for key in KEYS[:2]:
        simulator.set_key(key, behavior="hang")
    asked = simulator.stats()["totals"]["requests"]
    first = jobs_of(f"{property_site}/homes/1")
    wait_until(lambda: simulator.stats()["totals"]["requests"] == asked + 1, 30, lambda: _output(tmp_path))
    for key in KEYS[:2]:
        simulator.set_key(key, behavior="ok")
    worker = _child(up, "worker", "--pool=prefork")
    forked = worker.children()
    worker.kill()
    wait_until(lambda: "worker is started again" in _output(tmp_path), 30, lambda: _output(tmp_path))
    assert "worker ended unexpectedly (exit code -9)" in _output(tmp_path)
    second = jobs_of(f"{property_site}/homes/3")
    wait_until(lambda: (first(), second()) == (JobState.DONE, JobState.DONE), 30, lambda: _output(tmp_path))
    assert _child(up, "worker", "--pool=prefork").pid != worker.pid
    _, alive = psutil.wait_procs(forked, timeout=300)
    assert alive == []

    left = psutil.Process(up.pid).children(recursive=True)
    up.kill()
    _, alive = psutil.wait_procs(left, timeout=300)
    assert alive == []


@pytest.mark.parametrize(("setting", "option"), [("PORT", "--web"), ("FLOWER_PORT", "--flower")])
def test_a_port_in_use_is_reported_before_anything_is_started(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, setting: str, option: str
) -> None:
    """The exit code is 2, the last line names the port and the setting, and no database is created."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        up = run("up", option, **{setting: port})
    assert up.returncode == 2
    last = up.stderr.splitlines()[-1]
    assert last.startswith(f"propintel: {setting}: port {port} of 127.0.0.1 is in use")
    assert f"set {setting} to a free port" in last
    assert [file.name for file in (tmp_path / ".propintel").iterdir()] == ["up.lock"]


def test_a_crash_at_startup_stops_up_and_shows_the_childs_last_lines(
    start_up: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """The exit code is 1. The child's last lines come before the message that it ended, and no process is left."""
    up = start_up(OPENAI_KEY_ROTATION_STRATEGY="no-such")
    family = psutil.Process(up.pid)
    wait_until(lambda: len(family.children()) >= 2, 30, lambda: _output(tmp_path))
    children = family.children(recursive=True)
    assert up.wait(120) == 1
    before, _, after = _output(tmp_path).partition("ended unexpectedly (exit code 2)")
    assert re.search(r"^(worker     |maintenance) \| OPENAI_KEY_ROTATION_STRATEGY: ", before, re.MULTILINE)
    assert "its last lines are above" in after
    _, alive = psutil.wait_procs(children, timeout=300)
    assert alive == []


def test_an_unreachable_broker_is_reported_before_anything_starts(
    start_up: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """The exit code is 2, and the message does not show the URL's password."""
    up = start_up(REDIS_URL=f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    assert up.wait(120) == 2
    assert "No broker answers at redis://127.0.0.1" in _output(tmp_path)
    assert "hunter2" not in _output(tmp_path)


def _child(up: subprocess.Popen[str], *words: str) -> psutil.Process:
    """Return the child of `up` whose command line contains all `words`."""
    (found,) = [c for c in psutil.Process(up.pid).children() if set(words) <= set(c.cmdline())]
    return found
