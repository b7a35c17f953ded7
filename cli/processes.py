"""Start child processes in order, stop them in reverse order, and leave none behind.

Every child leads its own session, so Ctrl-C in a terminal reaches only this process. This process then stops the
children in reverse order, because a worker whose broker stops first ends with a traceback. `ending_with_parent` ends
the children if this process is killed. For this, the children must be started from the main thread.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from app.redis.embedded_valkey import ending_with_parent
from app.services.keys.reload import Terminal
from cli.child_output import ChildOutput

_POLL_SECONDS = 0.05
#: Maximum time to wait for the last output of a child that has ended.
_LAST_LINES_SECONDS = 2.0


class StopRequestedError(Exception):
    """A signal (SIGINT, SIGTERM, or SIGHUP) asked this process to stop."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum

    @property
    def exit_code(self) -> int:
        return 128 + self.signum


class StopSignals:
    """A context manager that records the first stop signal, so that a child's start or stop is not interrupted.

    A second Ctrl-C changes nothing, because every stop has a time limit. If `sighup_reloads` is true, SIGHUP requests a
    reload, unless it was sent because the terminal closed. Otherwise, SIGHUP is a stop signal, except under nohup,
    where it stays ignored.
    """

    def __init__(self, *, sighup_reloads: bool = False) -> None:
        self._signum: int | None = None
        self._reload_asked = False
        self._sighup_reloads = sighup_reloads
        self._terminal = Terminal()
        self._before: dict[int, Any] = {}

    def check(self) -> None:
        if self._signum is not None:
            raise StopRequestedError(self._signum)

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._signum is None and not self._reload_asked and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)

    def take_reload(self) -> bool:
        """Return whether a reload was requested since the last call."""
        asked, self._reload_asked = self._reload_asked, False
        return asked

    def _note(self, signum: int, _: FrameType | None) -> None:
        if signum == signal.SIGHUP and self._sighup_reloads and not self._terminal.gone:
            self._reload_asked = True
        else:
            self._signum = self._signum or signum

    def __enter__(self) -> StopSignals:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = signal.getsignal(number)
            if number != signal.SIGHUP or self._sighup_reloads or before != signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


class ChildDiedError(Exception):
    """A child process ended by itself. `words` are the last lines of its output."""

    def __init__(self, name: str, code: int, words: str) -> None:
        super().__init__(name, code, words)
        self.name = name
        self.words = words
        self.code = code

    def __str__(self) -> str:
        return f"{self.name} ended unexpectedly (exit code {self.code}):\n{self.words or '(it wrote nothing)'}"


@dataclass
class Child:
    """One child process. `name` is used in messages, and `log` is the file of its output, if any.

    `grace_seconds` is the time from SIGTERM to SIGKILL. `started_at` is in seconds of `time.monotonic()`.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None
    grace_seconds: float
    #: The thread that prints the child's output, if it has no log.
    reader: threading.Thread | None = None
    started_at: float = field(default_factory=time.monotonic)

    def words(self, lines: int = 12) -> str:
        """Return the last lines of the child's log, which usually show why the child ended."""
        if self.reader is not None:
            self.reader.join(_LAST_LINES_SECONDS)
        if self.log is None:
            return "(its last lines are above)"
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-lines:])


class Supervisor:
    """A context manager that starts child processes, and stops them in reverse order at its end.

    `output` prints the output of children that have no log. If it is None, they write to this process's stderr.
    """

    def __init__(
        self,
        signals: StopSignals,
        output: ChildOutput | None = None,
        popen: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
    ) -> None:
        self._signals = signals
        self._popen = popen
        self._output = output
        self._children: list[Child] = []

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        log: Path | None = None,
        grace_seconds: float = 10.0,
    ) -> Child:
        """Start a child. Its output is appended to `log`, if given."""
        output, reader = 2, None
        with contextlib.ExitStack() as stack:
            if log is not None:
                output = stack.enter_context(log.open("ab")).fileno()
            elif self._output is not None:
                output, reader = stack.enter_context(self._output.pipe(name))
            process = self._popen(
                ending_with_parent(list(argv)),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        child = Child(name, process, log, grace_seconds, reader)
        self._children.append(child)
        return child

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until `ready()` is true. Raises the errors of `check`, and `TimeoutError` with `what` in its message."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come up within {seconds:.0f} s")
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Raise `StopRequestedError` if a stop signal has arrived, or `ChildDiedError` if a child has ended."""
        self._signals.check()
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                raise ChildDiedError(child.name, code, child.words())

    def stop(self) -> None:
        """Stop all children and their own children, last started first. Return when all have ended."""
        while self._children:
            _end(self._children.pop())

    def stop_child(self, child: Child) -> None:
        """Stop one child. `check` then ignores it."""
        self._children.remove(child)
        _end(child)

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _end(child: Child) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.process.wait(child.grace_seconds)
    # end the child's own children, which are in the same process group
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()
