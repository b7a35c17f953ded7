"""Fixtures that start the simulators in a thread of the test, or as separate programs."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx2
import openai
import pytest

from simulators.openai.config import Config
from simulators.openai.server import OpenAISimulator
from simulators.serving import BackgroundServer
from simulators.site.server import build_site

#: Keys in OpenAI's format that only the simulator accepts.
KEYS = tuple(f"sk-simulator-{word * 8}{n:04d}" for n, word in enumerate(("abcd", "efgh", "ijkl", "mnop"), start=1))


def _ask(url: str, **body: Any) -> Any:
    """Return the JSON answer to a GET, or to a POST of `json`. Reading certificates for each client would take 7 ms."""
    with httpx2.Client(timeout=300, trust_env=False, verify=False) as client:
        return client.request("POST" if body else "GET", url, **body).raise_for_status().json()


@dataclass(frozen=True)
class SimulatorHandle:
    """A running simulator, with its API's address and its keys."""

    address: str
    keys: tuple[str, ...]

    @property
    def base_url(self) -> str:
        return f"{self.address}/v1"

    def client(self, key: str | None = None, **options: Any) -> openai.OpenAI:
        """Return a plain SDK client without retries, with the first key by default."""
        options = {"max_retries": 0, "timeout": 10, **options}
        return openai.OpenAI(api_key=key or self.keys[0], base_url=self.base_url, **options)

    def stats(self) -> Any:
        """Return `{"keys": [...], "unknown_keys": {...}, "totals": {...}}`."""
        return _ask(f"{self.address}/control/stats")

    def stats_of(self, key: str) -> Any:
        return self.stats()["keys"][self.keys.index(key)]

    def prompts(self) -> dict[str, int]:
        """Return how often each prompt was billed, keyed by `prompt_sha256` of its messages."""
        return dict(_ask(f"{self.address}/control/prompts"))

    def batches(self) -> Any:
        """Return `{"batches": [...], "files": [...]}` of all projects, without deleted files."""
        return _ask(f"{self.address}/control/batches")

    def set_searches(self, *table: Mapping[str, Any]) -> None:
        """Set the results of later web searches (`simulators/openai/web_search.py`)."""
        _ask(f"{self.address}/control/searches", json=list(table))

    def searches(self) -> Any:
        """Return all answered web searches: `[{"text", "allowed_domains", "entry"}]`."""
        return _ask(f"{self.address}/control/searches")

    def set_key(self, key: str, **changes: Any) -> None:
        _ask(f"{self.address}/control/keys", json={"key": key, **changes})

    def set_server(self, **changes: Any) -> None:
        _ask(f"{self.address}/control/server", json=changes)

    def reset(self) -> None:
        """Reset the counters, but not the rate-limit buckets."""
        _ask(f"{self.address}/control/reset", json={})


@pytest.fixture
def openai_simulator() -> Iterator[Callable[..., SimulatorHandle]]:
    """Yield `openai_simulator(keys=[{...}], **server options)`, which starts a simulator, by default with two keys."""
    with ExitStack() as running:

        def start(keys: Sequence[Mapping[str, Any]] | None = None, **server: Any) -> SimulatorHandle:
            given = keys if keys is not None else [{"key": k, "rpm": 60_000, "tpm": 100_000_000} for k in KEYS[:2]]
            simulator = OpenAISimulator(Config.from_json({"keys": list(given), "server": server}))
            background = running.enter_context(BackgroundServer(simulator.app, simulator.stopping))
            return SimulatorHandle(background.address, tuple(str(k["key"]) for k in given))

        yield start


@pytest.fixture(scope="session")
def property_site() -> Iterator[str]:
    """Start the bundled site for the whole test run; yield its address without a final slash."""
    with BackgroundServer(build_site()) as background:
        yield background.address


@dataclass
class Program:
    process: subprocess.Popen[str]
    address: str

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        code = self.process.wait(120)
        return code, _rest(self.process.stderr)


def _rest(stream: IO[str] | None) -> str:
    return stream.read() if stream is not None else ""


@pytest.fixture
def start_program() -> Iterator[Callable[..., Program]]:
    """Yield a function that starts a simulator and waits until it listens: `start_program(module, *arguments)`."""
    started: list[subprocess.Popen[str]] = []

    def start(module: str, *arguments: str | Path) -> Program:
        command = [sys.executable, "-m", module, *map(str, arguments)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        started.append(process)
        timer = threading.Timer(300, process.kill)
        timer.start()
        line = process.stdout.readline() if process.stdout else ""
        timer.cancel()
        assert line.startswith("listening on "), f"{line!r} {_rest(process.stderr)}"
        return Program(process, line.split()[-1])

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=300)
