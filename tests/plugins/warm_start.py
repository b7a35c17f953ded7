"""Start the project's processes without the cost of imports, by forking a parent that has imported everything.

A worker's imports take two seconds of CPU, and the tests start hundreds of processes. A started process has its own
session, environment, folder, streams, and exit code, as with `python -m MODULE` or `propintel`. The process ends when
its parent ends. Tests of how a process starts use `subprocess` instead.

All processes of one test run use the same parents, which end when the run does.
"""

import contextlib
import ctypes
import fcntl
import gc
import hashlib
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

import cli.main
from app.property.reading.model.tokens import count_tokens
from tasks._celery.config import TASK_MODULES
from tests.plugins.warm_client import MESSAGE_BYTES, ask

#: The modules that `celery -A worker worker|beat|flower` and `uvicorn web:app` import, at the start and later.
_IMPORTED = (
    "celery.bin.celery",
    "celery.apps.worker",
    "celery.apps.beat",
    "celery.concurrency.prefork",
    "celery.concurrency.solo",
    "celery.concurrency.thread",
    "celery.fixups.django",
    "kombu.transport.redis",
    "celery.backends.redis",
    "sqlalchemy.dialects.sqlite",
    "openai.resources.chat",
    "flower.command",
    "uvicorn",
    "web",
    "worker",
)
#: Environment variables that libraries read when they are imported.
_READ_ON_IMPORT = ("REMAP_SIGTERM", "NO_COLOR", "FORCE_COLOR")
_COMMAND = "propintel"
#: A script that does not search the environment's packages, because that is slow.
_PROGRAM = """\
#!{python} -ISE
import sys
sys.path.append({folder!r})
import warm_client
sys.exit(warm_client.main({socket!r}, {program!r}))
"""
_PR_SET_PDEATHSIG = 1


class HasFileno(Protocol):
    def fileno(self) -> int: ...


@dataclass(frozen=True)
class _Order:
    """An order to start a process. `argv` contains the arguments of `python -m`, or begins with `propintel`."""

    argv: list[str]
    env: dict[str, str]
    cwd: str


class WarmProcess:
    """The subset of `subprocess.Popen` that the supervisor and the tests use."""

    def __init__(self, connection: socket.socket, pid: int, argv: list[str]) -> None:
        self._connection = connection
        self.pid = pid
        self.args = argv
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                reply = self._connection.recv(MESSAGE_BYTES)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._connection.close()
            # no reply: the parent has died, and its children with it
            self.returncode = int(reply) if reply else -signal.SIGKILL
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class WarmParent:
    """Starts processes through a parent that has imported everything, with the arguments of `subprocess.Popen`.

    There is one parent for each combination of the variables in `_READ_ON_IMPORT`. Each parent ends with the process
    `run_pid`. All objects with the same `folder` share parents.
    """

    def __init__(self, folder: Path, run_pid: int) -> None:
        self._folder = folder
        self._run_pid = run_pid
        self._sockets: dict[tuple[str | None, ...], Path] = {}

    def start(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, stdout: Any, stderr: Any, **_: Any
    ) -> WarmProcess:
        """Start `[..., python, "-m", MODULE, ...]`. Words before the Python executable are ignored."""
        words = list(argv)
        with Path(os.devnull).open("rb") as nothing:
            return self._ask(words[words.index("-m") + 1 :], env, cwd or Path.cwd(), (nothing, stdout, stderr))

    def run_propintel(
        self, *arguments: str, env: Mapping[str, str], cwd: Path, stdin: str | int = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the `propintel` command to its end with separate output streams. `stdin` is a text or an open file."""
        return self.run([_COMMAND, *arguments], env=env, cwd=cwd, stdin=stdin)

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str | int = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m argv` to its end."""
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            if isinstance(stdin, str):
                given.write(stdin.encode())
                given.seek(0)
            process = self._ask(list(argv), env, cwd, (given if isinstance(stdin, str) else stdin, out, err))
            try:
                code = process.wait(120)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(argv, code, out.read().decode(), err.read().decode())

    def write_program(self, path: Path, env: Mapping[str, str]) -> None:
        """Write an executable script that runs `propintel` with the environment `env`."""
        text = _PROGRAM.format(
            python=sys.executable, folder=str(Path(__file__).parent), socket=self._socket_of(env), program=_COMMAND
        )
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def _ask(
        self, argv: list[str], env: Mapping[str, str], cwd: Path, streams: Sequence[int | HasFileno]
    ) -> WarmProcess:
        given = [one if isinstance(one, int) else one.fileno() for one in streams]
        connection, pid = ask(self._socket_of(env), argv, env, str(cwd), given)
        return WarmProcess(connection, pid, argv)

    def _socket_of(self, env: Mapping[str, str]) -> str:
        chosen = tuple(env.get(name) for name in _READ_ON_IMPORT)
        if chosen not in self._sockets:
            name = hashlib.sha256(repr(chosen).encode()).hexdigest()[:8]
            self._sockets[chosen] = self._folder / name
            with (self._folder / f"{name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # one process starts the parent, and the others wait until it listens
                if not self._sockets[chosen].exists():
                    self._start_parent(chosen, self._sockets[chosen])
        return str(self._sockets[chosen])

    def _start_parent(self, chosen: tuple[str | None, ...], path: Path) -> None:
        others = {name: value for name, value in os.environ.items() if name not in _READ_ON_IMPORT}
        given = {name: value for name, value in zip(_READ_ON_IMPORT, chosen, strict=True) if value is not None}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.plugins.warm_start", str(path), str(self._run_pid)],
            env={**others, **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        process.returncode = 0  # the test run does not wait for the parent, which ends after the run
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdout.close()


@pytest.fixture(scope="session")
def warm_parent(tmp_path_factory: pytest.TempPathFactory) -> WarmParent:
    """A warm parent starts when a test first needs it."""
    in_xdist = "PYTEST_XDIST_WORKER" in os.environ
    run_pid = os.getppid() if in_xdist else os.getpid()
    folder = Path(tempfile.gettempdir()) / f"warm-{run_pid}-{os.environ.get('PYTEST_XDIST_TESTRUNUID', '')[:8]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return WarmParent(folder, run_pid)


class _Parent:
    """Forks a process for each order. The parent has a single thread, so that no lock is held during a fork."""

    def __init__(self, path: str, run_pid: int) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(path)
        self._listener.listen()
        self._run = os.pidfd_open(run_pid)
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._listener, selectors.EVENT_READ)
        self._waiting.register(self._run, selectors.EVENT_READ)
        self._children: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> _Order | None:
        """Fork for each order, and return it in the child. In the parent, return None when the test run ends."""
        while True:
            for found, _ in self._waiting.select():
                if found.fileobj is self._listener:
                    order = self._take()
                    if order is not None:
                        return order
                elif found.fd == self._run:
                    return None
                else:
                    self._report(int(found.fd))

    def _take(self) -> _Order | None:
        connection, _ = self._listener.accept()
        text, streams, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, 3)
        pid = os.fork()
        if pid == 0:
            self._become_child(connection, streams)
            return _Order(**json.loads(text))
        for stream in streams:
            os.close(stream)
        ended = os.pidfd_open(pid)
        self._children[ended] = (pid, connection)
        self._waiting.register(ended, selectors.EVENT_READ)
        connection.send(str(pid).encode())
        return None

    def _report(self, ended: int) -> None:
        pid, connection = self._children.pop(ended)
        self._waiting.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(OSError), connection:
            connection.send(str(os.waitstatus_to_exitcode(status)).encode())

    def _become_child(self, connection: socket.socket, streams: Sequence[int]) -> None:
        self._waiting.close()
        self._listener.close()
        os.close(self._run)
        connection.close()
        for ended, (_, other) in self._children.items():
            os.close(ended)
            other.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        # Python's stream objects still use the parent's streams
        sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
        sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115


def _run(order: _Order) -> None:
    """Act as `python -m` in the forked process."""
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.environ.clear()
    os.environ.update(order.env)
    time.tzset()
    os.chdir(order.cwd)
    paths = [path for path in order.env.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:0] = [order.cwd, *paths]
    sys.argv[:] = order.argv
    if order.argv[0] == _COMMAND:
        sys.exit(cli.main.main())
    runpy.run_module(order.argv[0], run_name="__main__", alter_sys=True)


def main() -> None:
    commands = [f"cli.{path.stem}" for path in Path(cli.__file__).parent.glob("*.py")]
    for name in (*_IMPORTED, *TASK_MODULES, *commands):
        importlib.import_module(name)
    count_tokens("")  # load the tables that a worker loads when it starts
    gc.collect()
    gc.freeze()
    path = Path(sys.argv[1])
    parent = _Parent(str(path), int(sys.argv[2]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    order = parent.serve()
    if order is not None:
        _run(order)
    shutil.rmtree(path.parent, ignore_errors=True)


if __name__ == "__main__":
    main()
