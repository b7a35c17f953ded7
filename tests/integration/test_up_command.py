"""`propintel up`: workers, beat and web on the embedded Valkey, from one command to one Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.property.store import JobState
from app.services.stores import open_stores
from app.settings import load_settings
from tasks import make_celery
from tasks.sending import send_jobs
from tests.plugins.ports import free_port
from tests.plugins.standin_fixtures import KEYS
from tests.plugins.waiting import wait_until

pytestmark = pytest.mark.worker


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`start_up(option, ..., VARIABLE=value)`; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **environment: str) -> subprocess.Popen[str]:
        code = "import sys; from cli.main import main; sys.exit(main())"
        with (tmp_path / "up.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", code, "up", *options],
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


def _said(tmp_path: Path) -> str:
    return (tmp_path / "up.log").read_text()


def test_one_command_starts_all_and_one_ctrl_c_stops_all(
    start_up: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """The web door answers, beat's report arrives; after Ctrl-C nothing is left and nothing was a traceback."""
    port = free_port()
    up = start_up("--web", PORT=str(port))
    wait_until(lambda: f"web: http://127.0.0.1:{port}" in _said(tmp_path), 30, lambda: _said(tmp_path))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=120) as answer:
        assert answer.status == 200
    wait_until(lambda: "OpenAI keys: 0 of 0 healthy" in _said(tmp_path), 30, lambda: _said(tmp_path))
    children = psutil.Process(up.pid).children(recursive=True)
    up.send_signal(signal.SIGINT)
    assert up.wait(120) == 0
    _, alive = psutil.wait_procs(children, timeout=120)
    assert alive == []
    assert "Traceback" not in _said(tmp_path)


def test_sighup_reaches_worker_and_web_door_and_ends_neither_beat_nor_flower(
    start_up: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Beat and Flower would end at the signal itself; the same processes go on, with the keys that `.env` has now.

    Those that do tasks are one per processor and the health worker.
    """
    one, two = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222"
    dotenv, port = tmp_path / "env", str(free_port())
    dotenv.write_text(f"OPENAI_API_KEYS={one}\n")
    flower = str(free_port())
    more = {"FLOWER_PORT": flower, "FLOWER_URL_PREFIX": "tools", "PROPINTEL_ENV_FILE": str(dotenv)}
    up = start_up("--flower", "--web", PORT=port, **more)
    wait_until(lambda: f"web: http://127.0.0.1:{port}" in _said(tmp_path), 30, lambda: _said(tmp_path))
    assert f"Flower: http://127.0.0.1:{flower}/tools" in _said(tmp_path)
    children = {child.pid for child in psutil.Process(up.pid).children(recursive=True)}
    dotenv.write_text(f"OPENAI_API_KEYS={one},{two}\n")
    up.send_signal(signal.SIGHUP)
    wait_until(lambda: '"2 OpenAI keys read again"' in _said(tmp_path), 30, lambda: _said(tmp_path))
    added = "OpenAI keys reloaded: 1 added (sk-proj-bbb...2222), 0 draining, 1 unchanged"
    wait_until(lambda: _said(tmp_path).count(added) == (os.cpu_count() or 2) + 1, 30, lambda: _said(tmp_path))
    with urllib.request.urlopen(f"http://127.0.0.1:{flower}/tools/", timeout=120) as answer:
        assert b"Flower" in answer.read()
    assert {child.pid for child in psutil.Process(up.pid).children(recursive=True)} == children
    up.send_signal(signal.SIGINT)
    assert up.wait(120) == 0
    assert "Traceback" not in _said(tmp_path)


def test_a_child_that_ends_before_it_was_up_ends_all_with_its_reason(
    start_up: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """The port of the web door is taken: exit 1, the reason stands in the output, no process is left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        up = start_up("--web", PORT=str(taken.getsockname()[1]))
        family = psutil.Process(up.pid)
        wait_until(lambda: len(family.children()) >= 2, 30, lambda: _said(tmp_path))
        children = family.children(recursive=True)
        assert up.wait(120) == 1
    assert "address already in use" in _said(tmp_path)
    assert "web ended by itself" in _said(tmp_path)
    _, alive = psutil.wait_procs(children, timeout=120)
    assert alive == []


def test_a_flower_that_would_be_open_ends_all_with_what_to_set(
    start_up: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    up = start_up("--flower", FLOWER_ADDRESS="0.0.0.0", FLOWER_PORT=str(free_port()))
    assert up.wait(120) == 1
    assert "FLOWER_BASIC_AUTH: is not set" in _said(tmp_path)
    assert "flower ended by itself" in _said(tmp_path)


def test_a_broker_that_does_not_answer_is_said_before_anything_starts(
    start_up: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Exit 2 and what to do; the password of the URL is not shown."""
    up = start_up(REDIS_URL=f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    assert up.wait(120) == 2
    assert "No broker answers at redis://127.0.0.1" in _said(tmp_path)
    assert "hunter2" not in _said(tmp_path)


@pytest.fixture
def jobs_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Callable[[], JobState]]]:
    """`jobs_of(target)` gives a job to the processes of `up` in this folder; -> what tells the job's state."""
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


def _child(up: subprocess.Popen[str], *words: str) -> psutil.Process:
    """The child of `up` whose command line has all `words`."""
    (found,) = [c for c in psutil.Process(up.pid).children() if set(words) <= set(c.cmdline())]
    return found


def test_a_worker_that_is_killed_is_started_again(
    start_up: Callable[..., subprocess.Popen[str]],
    jobs_of: Callable[[str], Callable[[], JobState]],
    openai_standin: Callable[..., Any],
    property_site: str,
    tmp_path: Path,
) -> None:
    """SIGKILL to its parent while a job hangs: said; what it had forked is ended too, so that nobody keeps the job's
    lease, and both that job and one that comes after are done."""
    standin = openai_standin([{"key": KEYS[0], "behaviour": "hang"}])
    up = start_up(
        FETCH_ALLOWED_PRIVATE_NETWORKS="127.0.0.0/8",
        OPENAI_API_KEYS=KEYS[0],
        OPENAI_BASE_URL=standin.base_url,
        JOB_LEASE_SECONDS="3",
    )
    wait_until(lambda: "are up" in _said(tmp_path), 30, lambda: _said(tmp_path))
    first = jobs_of(f"{property_site}/homes/1")
    wait_until(lambda: standin.stats()["totals"]["requests"] == 1, 30, lambda: _said(tmp_path))
    standin.set_key(KEYS[0], behaviour="ok")
    worker = _child(up, "worker", "--pool=prefork")
    forked = worker.children()
    worker.kill()
    wait_until(lambda: "worker is started again" in _said(tmp_path), 30, lambda: _said(tmp_path))
    assert "worker ended by itself (exit code -9)" in _said(tmp_path)
    second = jobs_of(f"{property_site}/homes/2")
    wait_until(lambda: (first(), second()) == (JobState.DONE, JobState.DONE), 30, lambda: _said(tmp_path))
    assert _child(up, "worker", "--pool=prefork").pid != worker.pid
    _, alive = psutil.wait_procs(forked, timeout=120)
    assert alive == []
    up.send_signal(signal.SIGINT)
    assert up.wait(120) == 0


def test_an_embedded_valkey_that_is_killed_is_started_again(
    start_up: Callable[..., subprocess.Popen[str]],
    jobs_of: Callable[[str], Callable[[], JobState]],
    property_site: str,
    tmp_path: Path,
) -> None:
    """The same workers and beat go on with it."""
    up = start_up(FETCH_ALLOWED_PRIVATE_NETWORKS="127.0.0.0/8")
    wait_until(lambda: "are up" in _said(tmp_path), 30, lambda: _said(tmp_path))
    (valkey,) = [child for child in psutil.Process(up.pid).children() if "valkey" in child.name()]
    others = {child.pid for child in psutil.Process(up.pid).children()} - {valkey.pid}
    valkey.kill()
    wait_until(lambda: "the embedded Valkey is started again" in _said(tmp_path), 30, lambda: _said(tmp_path))
    state = jobs_of(f"{property_site}/homes/2")
    wait_until(lambda: state() == JobState.DONE, 30, lambda: _said(tmp_path))
    assert others < {child.pid for child in psutil.Process(up.pid).children()}
    up.send_signal(signal.SIGINT)
    assert up.wait(120) == 0
