"""How a reload is asked for: SIGHUP to one process, and a mark that reaches all processes of one home.

The kernel sends SIGHUP also when a terminal goes away. A process that was started in one then ends, as it always did;
everybody else, a service, a container, a program under nohup, goes on. What a reload does is `reload`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from app.errors import ConfigurationError

_STREAMS = (1, 2)


class ReloadMark:
    """`PROPINTEL_HOME/keys.reload`, a file whose time says when all processes of this home were last asked to reload.

    It reaches the children of a forking worker however they were started, those that start later included, without
    process ids and without a moment in which a signal would end a child that has no handler yet.
    """

    def __init__(self, home: Path) -> None:
        self._file = home.expanduser() / "keys.reload"

    def stamp(self) -> int:
        """Nanoseconds since the epoch, 0 if nobody ever asked."""
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return 0

    def set(self) -> int:
        """Ask; -> the new stamp. Raises `ConfigurationError` if the file cannot be written."""
        now = time.time_ns()
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.touch(mode=0o600)
            os.utime(self._file, ns=(now, now))
        except OSError as exc:
            problem = f"{self._file} cannot be written ({exc.strerror})"
            remedy = "Make PROPINTEL_HOME writable, then send SIGHUP again"
            raise ConfigurationError("PROPINTEL_HOME", problem, remedy) from exc
        return self.stamp()


class Terminal:
    """The terminal in which this process was started, if it shows its output there."""

    def __init__(self) -> None:
        self._attached = any(os.isatty(stream) for stream in _STREAMS) and _reachable()

    @property
    def gone(self) -> bool:
        """True if there was one and it was closed. Safe to ask in a signal handler."""
        return self._attached and not _reachable()


def on_sighup(act: Callable[[], None]) -> Callable[[], None]:
    """Call `act` at every SIGHUP; -> what puts things back as they were. Does nothing outside the main thread.

    `act` runs inside the signal handler, between any two steps of the main thread: it must not take a lock or log.
    A SIGHUP because the terminal was closed has its default effect instead, or none under nohup.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    terminal = Terminal()

    def handle(signum: int, _: FrameType | None) -> None:
        if not terminal.gone:
            act()
        elif before != signal.SIG_IGN:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)

    before = signal.signal(signal.SIGHUP, handle)

    def restore() -> None:
        signal.signal(signal.SIGHUP, before or signal.SIG_DFL)

    return restore


def _reachable() -> bool:
    """True if this process has a controlling terminal (tty(4)); a hang-up takes it away before the signal arrives."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
