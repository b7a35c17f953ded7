"""The interfaces on loopback: `propintel`, the HTTP server, workers, and what they talk to."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.services.embedded_valkey import EmbeddedValkey
from app.settings import load_settings
from cli.main import main
from cli.processes import StopSignals, Supervisor
from cli.services import Services
from tests.plugins.waiting import wait_until
from tests.plugins.warm_start import WarmParent
from web import create_app

SECRET = "0123456789abcdef0123456789abcdef"
_PATIENCE_SECONDS = 120.0
_ADDRESS = re.compile(r"https?://127\.0\.0\.1:\d+")

Environment = dict[str, str]
Propintel = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def serving(argv: list[str], environment: Environment, home: Path, *, until: re.Pattern[str]) -> Iterator[str]:
    """Run a server until the block ends; yields what `until` found in its output."""
    process = subprocess.Popen(
        argv, env=environment, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: list[str] = []
    found: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if not found and (match := until.search(line)):
                found.append(match[0])
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        ready.wait(_PATIENCE_SECONDS)
        assert found, f"{argv} did not start:\n{''.join(lines)}"
        yield found[0]
    finally:
        process.terminate()
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()


def until_true(condition: Callable[[], bool], what: str) -> None:
    """Wait until it holds; the test fails if it takes minutes."""
    wait_until(condition, 30, lambda: f"waited in vain for {what}")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the processes run and keep their state."""
    return tmp_path


@pytest.fixture
def environment(home: Path, _clean_environment: None) -> Environment:
    """What all processes of a test see; a test may add to it before it starts one."""
    return {
        **os.environ,
        "PROPINTEL_HOME": str(home / "state"),
        "JWT_SECRET": SECRET,
        "FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        "FETCH_MIN_DELAY_SECONDS": "0",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def propintel(home: Path, environment: Environment, warm_parent: WarmParent) -> Propintel:
    """Run the command; its streams apart."""

    def run(*arguments: str, stdin: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
        return warm_parent.run_propintel(*arguments, env={**environment, **changes}, cwd=home, stdin=stdin)

    return run


@pytest.fixture
def called(
    home: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Propintel]:
    """The same in this process, where nothing depends on a process of its own: a second faster each time."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level

    def run(*arguments: str, stdin: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patched:
            for name, value in {**environment, **changes}.items():
                patched.setenv(name, value)
            patched.chdir(home)
            patched.setattr(sys, "argv", ["propintel", *arguments])
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            capsys.readouterr()
            try:
                code = main()
            except SystemExit as exc:
                code = int(exc.code or 0)
            shown = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, shown.out, shown.err)

    yield run
    root.handlers[:], root.level = kept


@pytest.fixture
def broker(home: Path) -> Iterator[EmbeddedValkey]:
    """The embedded Valkey of this home."""
    with EmbeddedValkey(home / "state") as valkey:
        yield valkey


@pytest.fixture
def site(environment: Environment, home: Path) -> Iterator[str]:
    """The URL of a site of property pages."""
    with serving([sys.executable, "-m", "standin.site"], environment, home, until=_ADDRESS) as url:
        yield url


@pytest.fixture
def start_openai(environment: Environment, home: Path) -> Iterator[Callable[[dict[str, Any]], str]]:
    """Start the OpenAI stand-in with a configuration; -> its base URL."""
    stack: list[Any] = []

    def start(config: dict[str, Any]) -> str:
        path = home / "openai.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        argv = [sys.executable, "-m", "standin.openai", "--config", str(path)]
        server = serving(argv, environment, home, until=_ADDRESS)
        stack.append(server)
        return f"{server.__enter__()}/v1"

    yield start
    for server in stack:
        server.__exit__(None, None, None)


@pytest.fixture
def web_process(environment: Environment, home: Path) -> Iterator[str]:
    """The URL of `uvicorn web:app` in a process of its own, as it is deployed. Its start takes seconds of CPU."""
    argv = [sys.executable, "-m", "uvicorn", "web:app", "--host", "127.0.0.1", "--port", "0"]
    with serving(argv, environment, home, until=_ADDRESS) as url:
        yield url


@pytest.fixture
def web(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the same application, served by uvicorn in a thread of this process."""
    with monkeypatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        settings = load_settings()
    server = uvicorn.Server(uvicorn.Config(create_app(lambda: settings), port=0, log_config=None))
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive(), 20)
    assert server.started
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def worker(environment: Environment, home: Path, broker: EmbeddedValkey, warm_parent: WarmParent) -> Iterator[None]:
    """A prefork worker on the broker."""
    services = Services(home / "state", environment, cwd=home, logs=home)
    with Supervisor(StopSignals(), popen=warm_parent.start) as supervisor:
        services.wait_for_worker(supervisor, services.worker(supervisor, concurrency=2))
        yield
