"""`propintel up` runs workers, beat, and the web server on the embedded Valkey until one Ctrl-C."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from app.property.storage.jobs.models import JobState
from app.services.runtime.stores import open_stores
from app.settings import Settings, load_settings
from cli.up import summary
from tasks import make_celery
from tasks._celery.publish import send_jobs
from tests.plugins.ports import free_port
from tests.plugins.simulator_fixtures import KEYS
from tests.plugins.waiting import wait_until
from tests.plugins.warm_start import WarmParent

pytestmark = pytest.mark.worker
#: The processes get ten minutes to start, because other tests run at the same time.
_MAIN = "import sys; import cli.up; cli.up.START_SECONDS = 600; from cli.main import main; sys.exit(main())"
_PROGRAM = [sys.executable, "-c", _MAIN]


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Yield `start_up(option, ..., VARIABLE=value)`, which starts `propintel up`. Kill its processes at the end."""
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


def test_one_command_starts_everything_restarts_what_ends_and_stops_at_ctrl_c(  # noqa: PLR0917
    start_up: Callable[..., subprocess.Popen[str]],
    run: Callable[..., subprocess.CompletedProcess[str]],
    jobs_of: Callable[[str], Callable[[], JobState]],
    openai_simulator: Callable[..., Any],
    property_site: str,
    tmp_path: Path,
) -> None:
    """All steps share one start, because starting takes most of the time."""
    simulator = openai_simulator([{"key": key} for key in KEYS[:2]])
    dotenv, port, flower = tmp_path / "env", str(free_port()), str(free_port())
    dotenv.write_text(f"OPENAI_API_KEYS={KEYS[0]}\n")
    more = {"FLOWER_PORT": flower, "FLOWER_URL_PREFIX": "tools", "PROPINTEL_ENV_FILE": str(dotenv)}
    more |= {"OPENAI_BASE_URL": simulator.base_url, "JOB_LEASE_SECONDS": "3", "WORKER_CONCURRENCY": "2"}
    up = start_up("--flower", "--web", PORT=port, FETCH_ALLOWED_PRIVATE_NETWORKS="127.0.0.0/8", **more)
    _wait_for(tmp_path, "Ctrl-C")
    assert len(_child(up, "worker", "--pool=prefork").children()) == 2
    _check_the_interfaces(tmp_path, run, up, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{flower}/tools")
    children = {child.pid for child in psutil.Process(up.pid).children(recursive=True)}
    dotenv.write_text(f"OPENAI_API_KEYS={KEYS[0]},{KEYS[1]}\n")
    up.send_signal(signal.SIGHUP)
    _wait_for(tmp_path, "2 OpenAI keys read again")
    added = "OpenAI keys reloaded: 1 added (sk-sim...0002), 0 draining, 1 unchanged"
    # both children and the maintenance worker report the added key
    wait_until(lambda: _output(tmp_path).count(added) == 3, 30, lambda: _output(tmp_path))
    assert {child.pid for child in psutil.Process(up.pid).children(recursive=True)} == children
    _check_the_log(tmp_path)
    _check_that_what_ends_is_restarted(tmp_path, up, jobs_of, simulator, property_site)

    left = psutil.Process(up.pid).children(recursive=True)
    up.send_signal(signal.SIGINT)
    assert up.wait(120) == 0
    _, alive = psutil.wait_procs(left, timeout=300)
    assert alive == []
    assert _output(tmp_path).endswith("propintel: stopped\n")


def _check_the_interfaces(
    tmp_path: Path,
    run: Callable[..., subprocess.CompletedProcess[str]],
    up: subprocess.Popen[str],
    web: str,
    flower: str,
) -> None:
    link = re.search(rf"{web}/sign-in/link\?code=\S+", _output(tmp_path))[0]
    with httpx2.Client(trust_env=False, timeout=300, follow_redirects=True) as browser:
        shown = browser.get(link)
        assert (shown.url.path, shown.status_code, "Sign out" in shown.text) == ("/", 200, True)
        assert browser.get(f"{web}/keys").status_code == 200
        assert "Flower" in browser.get(f"{flower}/").text
    again = httpx2.get(link, trust_env=False, timeout=300)
    assert (again.status_code, "was used or has expired" in again.text) == (403, True)
    hidden = "/sign-in/link?code=[redacted]"
    # the access log has both uses of the link
    wait_until(lambda: _output(tmp_path).count(hidden) == 2, 30, lambda: _output(tmp_path))
    output = _output(tmp_path)
    assert output.count(link.partition("code=")[2]) == 1, "the code must appear only in the link that `up` prints"
    assert flower in output

    token = run("token", "--role", "manager", "--subject", "tester").stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx2.get(f"{web}/api/v1/admin/openai/stats", headers=headers, trust_env=False, timeout=300).is_success
    assert (tmp_path / ".propintel" / "jwt_secret").stat().st_mode & 0o777 == 0o600
    second = run("up", PORT=str(free_port()))
    assert second.returncode == 2
    assert f"process {up.pid}" in second.stderr.splitlines()[-1]
    assert str(tmp_path / ".propintel") in second.stderr.splitlines()[-1]


def _check_the_log(tmp_path: Path) -> None:
    _wait_for(tmp_path, "OpenAI keys: ")
    output = _output(tmp_path)
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert {line["process"] for line in lines} >= {"worker", "maintenance", "beat", "web"}
    assert [line for line in lines if re.search("Sending due task|received|succeeded in", line["event"])] == []
    banners = r"\[queues\]|is starting|Started server process|Uvicorn running|Registered tasks|Visit me|Inspect method"
    assert not re.search(f"{banners}|Traceback", output)


def _check_that_what_ends_is_restarted(
    tmp_path: Path,
    up: subprocess.Popen[str],
    jobs_of: Callable[[str], Callable[[], JobState]],
    simulator: Any,
    property_site: str,
) -> None:
    children = {child.pid for child in psutil.Process(up.pid).children(recursive=True)}
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
    _wait_for(tmp_path, "worker is started again")
    assert "worker ended unexpectedly (exit code -9)" in _output(tmp_path)
    second = jobs_of(f"{property_site}/homes/3")
    wait_until(lambda: (first(), second()) == (JobState.DONE, JobState.DONE), 30, lambda: _output(tmp_path))
    assert _child(up, "worker", "--pool=prefork").pid != worker.pid
    _, alive = psutil.wait_procs(forked, timeout=300)
    assert alive == []


def test_with_an_identity_provider_no_sign_in_link_is_printed() -> None:
    shown = summary(Settings.of(jwt_jwks_url="https://id.example/keys"), broker="x", flower=False, web=True)
    assert ("sign in" in shown, "http://127.0.0.1:8000/" in shown) == (False, True)


@pytest.mark.parametrize(("setting", "option"), [("PORT", "--web"), ("FLOWER_PORT", "--flower")])
def test_a_port_in_use_is_reported_before_anything_is_started(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, setting: str, option: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        up = run("up", option, **{setting: port})
    assert up.returncode == 2
    last = up.stderr.splitlines()[-1]
    assert last.startswith(f"propintel: {setting}: port {port} of 127.0.0.1 is in use")
    assert f"set {setting} to a free port" in last
    assert [file.name for file in (tmp_path / ".propintel").iterdir()] == ["up.lock"]


def test_an_unreachable_broker_is_reported_without_its_password(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """`--web` creates the session secret before the broker is checked, even with an external identity provider."""
    broker, provider = f"redis://:hunter2@127.0.0.1:{free_port()}/0", "https://id.example/keys"
    up = run("up", "--web", PORT=str(free_port()), REDIS_URL=broker, JWT_JWKS_URL=provider)
    assert (tmp_path / ".propintel" / "jwt_secret").exists()
    assert up.returncode == 2
    assert "No broker answers at redis://127.0.0.1" in up.stderr.splitlines()[-1]
    assert "hunter2" not in up.stderr
    assert "are up" not in up.stderr


def test_the_processes_of_a_killed_up_end(start_up: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """After SIGKILL, `up` itself cannot stop Valkey, the web server, the workers, and beat."""
    up = start_up("--web", PORT=str(free_port()))
    _wait_for(tmp_path, "Ctrl-C")
    assert _output(tmp_path).count("No OpenAI key is configured") == 1
    children = psutil.Process(up.pid).children(recursive=True)
    assert len(children) >= 5
    up.kill()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []


def test_a_crash_at_startup_stops_up_and_shows_the_childs_last_lines(
    start_up: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    up = start_up(OPENAI_KEY_ROTATION_STRATEGY="no-such")
    family = psutil.Process(up.pid)
    wait_until(lambda: up.poll() is not None or len(family.children()) >= 2, 30, lambda: _output(tmp_path))
    children = family.children(recursive=True)
    assert up.wait(120) == 1
    before, _, after = _output(tmp_path).partition("ended unexpectedly (exit code 2)")
    assert re.search(r"^(worker     |maintenance) \| OPENAI_KEY_ROTATION_STRATEGY: ", before, re.MULTILINE)
    assert "its last lines are above" in after
    _, alive = psutil.wait_procs(children, timeout=300)
    assert alive == []


def _child(up: subprocess.Popen[str], *words: str) -> psutil.Process:
    (found,) = [c for c in psutil.Process(up.pid).children() if set(words) <= set(c.cmdline())]
    return found
