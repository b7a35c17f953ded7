"""Fixtures that start the simulators: in a thread for most tests, as programs of their own where that is the point."""

from __future__ import annotations

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

#: keys of the shape that OpenAI issues; nothing answers to them but the simulator
KEYS = tuple(f"sk-simulator-{word * 8}{n:04d}" for n, word in enumerate(("abcd", "efgh", "ijkl", "mnop"), start=1))


def _post(url: str, body: Any) -> Any:
    with httpx2.Client(timeout=10, trust_env=False) as client:
        return client.post(url, json=body).raise_for_status().json()


@dataclass(frozen=True)
class SimulatorHandle:
    """A running simulator: where its API is, and the hand on its controls."""

    address: str
    keys: tuple[str, ...]

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return f"{self.address}/v1"

    def client(self, key: str | None = None, **options: Any) -> openai.OpenAI:
        """A plain client of the SDK that tries once; the first key unless told otherwise."""
        options = {"max_retries": 0, "timeout": 10, **options}
        return openai.OpenAI(api_key=key or self.keys[0], base_url=self.base_url, **options)

    def stats(self) -> Any:
        """`{"keys": [...], "unknown_keys": {...}, "totals": {...}}`"""
        with httpx2.Client(timeout=10, trust_env=False) as client:
            return client.get(f"{self.address}/control/stats").raise_for_status().json()

    def stats_of(self, key: str) -> Any:
        """The counters of one key."""
        return self.stats()["keys"][self.keys.index(key)]

    def prompts(self) -> dict[str, int]:
        """How often each question was paid for, by `prompt_sha256` of its messages."""
        with httpx2.Client(timeout=10, trust_env=False) as client:
            return dict(client.get(f"{self.address}/control/prompts").raise_for_status().json())

    def batches(self) -> Any:
        """`{"batches": [...], "files": [...]}` of all projects; of files those that nobody has deleted."""
        with httpx2.Client(timeout=10, trust_env=False) as client:
            return client.get(f"{self.address}/control/batches").raise_for_status().json()

    def set_searches(self, *table: Mapping[str, Any]) -> None:
        """What web searches find from now on (`simulators/openai/web_search.py`)."""
        _post(f"{self.address}/control/searches", list(table))

    def searches(self) -> Any:
        """Each web search that was answered: `[{"text", "allowed_domains", "entry"}]`."""
        with httpx2.Client(timeout=10, trust_env=False) as client:
            return client.get(f"{self.address}/control/searches").raise_for_status().json()

    def set_key(self, key: str, **changes: Any) -> None:
        _post(f"{self.address}/control/keys", {"key": key, **changes})

    def set_server(self, **changes: Any) -> None:
        _post(f"{self.address}/control/server", changes)

    def reset(self) -> None:
        """Counters to zero; buckets stay."""
        _post(f"{self.address}/control/reset", {})


@pytest.fixture
def openai_simulator() -> Iterator[Callable[..., SimulatorHandle]]:
    """`openai_simulator(keys=[{...}], **server options)` starts a simulator; every one ends with the test.

    Without keys: the first two of `KEYS`, with room for anything.
    """
    with ExitStack() as running:

        def start(keys: Sequence[Mapping[str, Any]] | None = None, **server: Any) -> SimulatorHandle:
            given = keys if keys is not None else [{"key": k, "rpm": 60_000, "tpm": 100_000_000} for k in KEYS[:2]]
            simulator = OpenAISimulator(Config.from_json({"keys": list(given), "server": server}))
            background = running.enter_context(BackgroundServer(simulator.app, simulator.stopping))
            return SimulatorHandle(background.address, tuple(str(k["key"]) for k in given))

        yield start


@pytest.fixture(scope="session")
def property_site() -> Iterator[str]:
    """The address of the bundled site, without a slash at the end; one for the whole run, since it only reads."""
    with BackgroundServer(build_site()) as background:
        yield background.address


@dataclass
class Program:
    """A simulator as a process of its own."""

    process: subprocess.Popen[str]
    address: str

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send the signal; the exit code and what stood on stderr."""
        self.process.send_signal(number)
        code = self.process.wait(120)
        return code, _rest(self.process.stderr)


def _rest(stream: IO[str] | None) -> str:
    return stream.read() if stream is not None else ""


@pytest.fixture
def start_program() -> Iterator[Callable[..., Program]]:
    """`start_program("simulators.openai", "--config", path)` runs the module and waits until it listens."""
    started: list[subprocess.Popen[str]] = []

    def start(module: str, *arguments: str | Path) -> Program:
        command = [sys.executable, "-m", module, *map(str, arguments)]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        started.append(process)
        timer = threading.Timer(20, process.kill)
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
