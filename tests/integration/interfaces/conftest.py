"""Fixtures for the interfaces on loopback: `propintel`, the web server, workers, and the services they need."""

import contextlib
import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.access.page_sessions import PageSessions
from app.access.tokens import Caller, Role
from app.clock import SystemClock
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.runtime.stores import Stores, open_stores
from app.settings import VARIABLE_PREFIXES, Settings, load_settings
from cli.main import main
from cli.processes import StopSignals, Supervisor
from cli.services import Services
from simulators.serving import BackgroundServer
from tests.plugins.waiting import wait_until
from tests.plugins.warm_start import WarmParent, WarmProcess
from web import create_app

SECRET = "0123456789abcdef0123456789abcdef"
WEB = ("uvicorn", "web:app", "--host", "127.0.0.1", "--port", "0", "--no-proxy-headers")
_ADDRESS = re.compile(r"https?://127\.0\.0\.1:\d+")

Environment = dict[str, str]
Propintel = Callable[..., subprocess.CompletedProcess[str]]
Bash = Callable[[str], str]
Token = Callable[[str], str]


@dataclass(frozen=True)
class Server:
    """A running server: the first URL that it printed, its process, and its log."""

    url: str
    process: WarmProcess
    log: Path


Serving = Callable[..., contextlib.AbstractContextManager[Server]]


@pytest.fixture
def serving(home: Path, warm_parent: WarmParent, tmp_path_factory: pytest.TempPathFactory) -> Serving:
    """Return `serve("uvicorn", ..., environment=...)`, a context manager that runs `python -m uvicorn ...`."""

    def serve(*argv: str, environment: Environment) -> contextlib.AbstractContextManager[Server]:
        return running(warm_parent, argv, environment, home, tmp_path_factory.mktemp("server") / "log")

    return serve


@contextlib.contextmanager
def running(
    parent: WarmParent, argv: tuple[str, ...], environment: Environment, home: Path, log: Path
) -> Iterator[Server]:
    """Run `python -m ARGV` in the folder `home`. Yield the server once it listens, and stop it at the end."""
    with log.open("wb") as output:
        process = parent.start(["-m", *argv], env=environment, cwd=home, stdout=output, stderr=output)
    try:
        until_true(lambda: _ADDRESS.search(log.read_text()) or process.poll() is not None, f"{argv}")
        found = _ADDRESS.search(log.read_text())
        assert found, f"{argv} did not start:\n{log.read_text()}"
        yield Server(found[0], process, log)
    finally:
        process.terminate()
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def until_true(condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition is true, for at most 30 s."""
    wait_until(condition, 30, lambda: f"waited too long for {what}")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def environment(home: Path, _clean_environment: None) -> Environment:
    """Return the environment variables of all processes. A test may change the variables before it starts a process."""
    return environment_of(home)


def environment_of(home: Path) -> Environment:
    """Return environment variables without the developer's settings, and with PROPINTEL_HOME in `home`."""
    return {
        **{name: value for name, value in os.environ.items() if not name.upper().startswith(VARIABLE_PREFIXES)},
        "PROPINTEL_ENV_FILE": "", "PROPINTEL_HOME": str(home / "state"), "JWT_SECRET": SECRET,
        "FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8", "FETCH_MIN_DELAY_SECONDS": "0", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


@pytest.fixture
def programs(environment: Environment, warm_parent: WarmParent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a folder for PATH that contains a `propintel` which starts quickly."""
    folder = tmp_path_factory.mktemp("programs")
    warm_parent.write_program(folder / "propintel", environment)
    return folder


@pytest.fixture
def bash(home: Path, environment: Environment, programs: Path) -> Bash:
    def run(script: str) -> str:
        path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), environment["PATH"]])
        ran = subprocess.run(
            ["bash", "-euc", script],
            env={**environment, "PATH": path}, cwd=home, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


@pytest.fixture
def propintel(home: Path, environment: Environment, warm_parent: WarmParent) -> Propintel:
    """Return a function that runs `propintel` in its own process and captures stdout and stderr separately."""

    def run(*arguments: str, stdin: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
        return warm_parent.run_propintel(*arguments, env={**environment, **changes}, cwd=home, stdin=stdin)

    return run


@pytest.fixture
def called(
    home: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Propintel]:
    """Return a function that runs `propintel` in this process, which saves about a second per run."""
    root = logging.getLogger()
    previous = root.handlers[:], root.level

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
    root.handlers[:], root.level = previous


@pytest.fixture
def token(called: Propintel) -> Callable[[str], str]:
    return lambda role: called("token", "--role", role, "--subject", "tester").stdout.strip()


@pytest.fixture
def stores(home: Path) -> Iterator[Stores]:
    """Open the stores that the test's processes use. A changed value is published without a confirming fetch."""
    with open_stores(Settings.of(propintel_home=home / "state", changes_confirming_looks=0)) as opened:
        yield opened


@pytest.fixture
def broker(home: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(home / "state") as valkey:
        yield valkey


@pytest.fixture
def site(environment: Environment, serving: Serving) -> Iterator[str]:
    with serving("simulators.site", environment=environment) as server:
        yield server.url


@pytest.fixture
def start_openai(environment: Environment, home: Path, serving: Serving) -> Iterator[Callable[[dict[str, Any]], str]]:
    """Return a function that starts the OpenAI simulator with a configuration and returns its base URL."""
    with contextlib.ExitStack() as stack:

        def start(config: dict[str, Any]) -> str:
            path = home / "openai.json"
            path.write_text(json.dumps(config), encoding="utf-8")
            argv = ("simulators.openai", "--config", str(path))
            return f"{stack.enter_context(serving(*argv, environment=environment)).url}/v1"

        yield start


@pytest.fixture
def reader_client(home: Path, broker: EmbeddedValkey) -> Iterator[TestClient]:
    """Yield a client of the web pages, signed in as a reader. It follows no redirects."""
    settings = Settings.of(propintel_home=home / "state", jwt_secret=SECRET)
    app = create_app(lambda: settings)
    with contextlib.closing(PageSessions(settings, SystemClock())) as sessions:
        cookie, _ = sessions.open(Caller("issuer", "tester", Role.READER))
    with TestClient(app, "http://127.0.0.1:8000", cookies={"propintel": cookie}, follow_redirects=False) as opened:
        yield opened


@pytest.fixture
def web_process(environment: Environment, serving: Serving) -> Iterator[Server]:
    """Start `uvicorn web:app` in its own process, as in a deployment."""
    with serving(*WEB, environment=environment) as server:
        yield server


def answers(answer: Callable[[str], tuple[int, bytes]]) -> BackgroundServer:
    """Return an HTTP server on loopback that answers each GET with the status and body that `answer(path)` returns."""

    def respond(request: Request) -> Response:
        status, body = answer(request.url.path)
        return Response(body, status)

    return BackgroundServer(Starlette(routes=[Route("/{path:path}", respond)]))


@contextlib.contextmanager
def served(settings: Settings) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(create_app(lambda: settings), port=0, log_config=None, proxy_headers=False))
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive(), 20)
    assert server.started
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def web(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the application with the test's environment variables, and yield its URL."""
    with monkeypatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        settings = load_settings()
    with served(settings) as url:
        yield url


@pytest.fixture
def worker(environment: Environment, home: Path, broker: EmbeddedValkey, warm_parent: WarmParent) -> Iterator[None]:
    services = Services(home / "state", environment, cwd=home, logs=home)
    with Supervisor(StopSignals(), popen=warm_parent.start) as supervisor:
        services.wait_for_worker(supervisor, services.worker(supervisor, concurrency=2))
        yield
