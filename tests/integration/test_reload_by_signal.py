"""SIGHUP reloads a service, and ends a program whose terminal was closed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.processes import StopRequestedError, StopSignals
from tests.plugins.waiting import wait_until

_LISTENS = """
import os, signal, sys, time
from app.services.keys.reload import on_sighup
# not inherited, because these tests may run under nohup themselves
signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[1] == "nohup" else signal.SIG_DFL)
terminal = os.open(sys.argv[2], os.O_RDWR)  # a session leader that opens a terminal is controlled by it
os.dup2(terminal, 1), os.dup2(terminal, 2)
out = open(sys.argv[3], "w", buffering=1)
on_sighup(lambda: out.write("reload\\n"))
out.write("ready\\n")
while True:
    time.sleep(0.05)  # a signal just before `signal.pause()` would not be handled until the next one
"""


class Listener:
    """A process with its own terminal, which writes its events to a file."""

    def __init__(self, folder: Path, mode: str) -> None:
        self._events, self.mode = folder / "events", mode
        self._terminal, slave = os.openpty()
        command = [sys.executable, "-c", _LISTENS, mode, os.ttyname(slave), str(self._events)]
        null = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, stdin=null, stdout=null, stderr=null, cwd=Path(__file__).parents[2], start_new_session=True
        )
        self.wait_for("ready")
        os.close(slave)

    def wait_for(self, *lines: str) -> None:
        wait_until(
            lambda: self.events() == list(lines) or self.process.poll() is not None, 20, lambda: str(self.events())
        )
        assert self.process.poll() is None

    def events(self) -> list[str]:
        return self._events.read_text().splitlines() if self._events.exists() else []

    def close_terminal(self) -> None:
        os.close(self._terminal)


@pytest.fixture(params=["plain", "nohup"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    started = Listener(tmp_path, request.param)
    yield started
    started.process.kill()
    started.process.wait()


def test_kill_hup_reloads_and_closing_the_terminal_ends_a_program_unless_under_nohup(listener: Listener) -> None:
    """The same signal reports both events; the program tells them apart by whether the terminal still exists."""
    for times in (1, 2):
        listener.process.send_signal(signal.SIGHUP)
        listener.wait_for("ready", *["reload"] * times)
    listener.close_terminal()
    if listener.mode == "nohup":
        time.sleep(0.3)  # the program gives no sign that the signal has arrived
        assert listener.process.poll() is None
    else:
        assert listener.process.wait(120) == -signal.SIGHUP
        assert listener.events() == ["ready", "reload", "reload"]


@pytest.fixture
def set_sighup() -> Iterator[Callable[[Any], Any]]:
    """Return a function that sets what SIGHUP does in this process, instead of what the shell chose."""
    before = signal.getsignal(signal.SIGHUP)
    yield lambda handler: signal.signal(signal.SIGHUP, handler)
    signal.signal(signal.SIGHUP, before)


def test_under_nohup_sighup_reloads_up_and_does_not_stop_other_programs(
    set_sighup: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal of `up` was closed, and nohup promises that this ends no program."""
    set_sighup(signal.SIG_IGN)
    monkeypatch.setattr(os, "isatty", lambda _: True)
    monkeypatch.setattr("app.services.keys.reload._reachable", iter([True, False]).__next__)
    with StopSignals(sighup_reloads=True) as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        signals.check()
        assert signals.take_reload()
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        signals.check()
        assert not signals.take_reload()
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_sighup_reloads_up_and_stops_other_programs(set_sighup: Callable[[Any], Any]) -> None:
    """`wait` returns early at the signal, and `take_reload` reports the reload once."""
    set_sighup(signal.SIG_DFL)
    with StopSignals(sighup_reloads=True) as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        began = time.monotonic()
        signals.wait(300)
        assert time.monotonic() - began < 60
        signals.check()
        assert signals.take_reload()
        assert not signals.take_reload()
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(StopRequestedError):
            signals.check()
        assert not signals.take_reload()
