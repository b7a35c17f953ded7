"""Child processes that end with this one: started in order, stopped in reverse order, none left behind.

Every child leads its own session, so that Ctrl-C in a terminal reaches only this process, which then stops them in
order. A worker whose broker stops first would end in a traceback. If this process is killed, Linux ends the children
(`ending_with_parent`). Start children from the main thread.
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
#: The longest wait for the last lines of a child that has ended.
_LAST_LINES_SECONDS = 2.0


class StopRequestedError(Exception):
    """SIGINT, SIGTERM or SIGHUP arrived."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum

    @property
    def exit_code(self) -> int:
        """The exit code that a shell reports after the signal, such as 130 after Ctrl-C and 143 after SIGTERM."""
        return 128 + self.signum


class StopSignals:
    """Records the first signal instead of interrupting: a start or stop in progress is never left half done.

    A context manager. A second Ctrl-C changes nothing, since every stop is bounded in time. With `sighup_reloads`,
    SIGHUP asks for a reload unless the terminal was closed; else it stops like the others.
    """

    def __init__(self, *, sighup_reloads: bool = False) -> None:
        self._signum: int | None = None
        self._reload_asked = False
        self._sighup_reloads = sighup_reloads
        self._terminal = Terminal()
        self._before: dict[int, Any] = {}

    def check(self) -> None:
        """Raise `StopRequestedError` if a signal came."""
        if self._signum is not None:
            raise StopRequestedError(self._signum)

    def wait(self, seconds: float) -> None:
        """Pause for `seconds`, or until a signal."""
        until = time.monotonic() + seconds
        while self._signum is None and not self._reload_asked and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)

    def take_reload(self) -> bool:
        """Return True once after a SIGHUP that asked for a reload."""
        asked, self._reload_asked = self._reload_asked, False
        return asked

    def _note(self, signum: int, _: FrameType | None) -> None:
        if signum == signal.SIGHUP and self._sighup_reloads and not self._terminal.gone:
            self._reload_asked = True
        else:
            self._signum = self._signum or signum

    def __enter__(self) -> StopSignals:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


class ChildDiedError(Exception):
    """A child ended although nobody stopped it. `words` are the last lines that it wrote."""

    def __init__(self, name: str, code: int, words: str) -> None:
        super().__init__(name, code, words)
        self.name = name
        self.words = words
        self.code = code

    def __str__(self) -> str:
        return f"{self.name} ended unexpectedly (exit code {self.code}):\n{self.words or '(it wrote nothing)'}"


@dataclass
class Child:
    """One process: its name in messages, where its output goes, and when it was started (`time.monotonic`)."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None
    grace_seconds: float
    #: The thread that prints the child's output, and ends with it.
    reader: threading.Thread | None = None
    started_at: float = field(default_factory=time.monotonic)

    def words(self, lines: int = 12) -> str:
        """Return the last lines of the child's log, which usually show why it ended."""
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
    """Starts children in order and stops them in reverse. A context manager, whose end stops them all.

    `output` prints what children without a log write; without it, they write to this process's stderr.
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
        """Start a child, with its output in `log` if given. It has `grace_seconds` from SIGTERM to SIGKILL."""
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
        """Wait until `ready()` is true. Raises what `check` raises, and `TimeoutError`, which names `what`."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come up within {seconds:.0f} s")
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Raise `StopRequestedError` after a signal, `ChildDiedError` for the first child that has ended."""
        self._signals.check()
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                raise ChildDiedError(child.name, code, child.words())

    def stop(self) -> None:
        """Stop all children and their sessions, the last started first; return when none is left."""
        while self._children:
            _end(self._children.pop())

    def stop_child(self, child: Child) -> None:
        """Stop one child, and no longer check it."""
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
    # the child's own children are in the child's session: end them too
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()
