"""SIGHUP reloads a service, and ends a program whose terminal was closed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.processes import StopRequestedError, StopSignals
from tests.plugins.waiting import wait_until

_LISTENS = """
import os, signal, sys, time
from app.services.keys.reload import on_sighup
if sys.argv[1] == "nohup":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
if sys.argv[2]:  # a session leader that opens a terminal is controlled by it
    terminal = os.open(sys.argv[2], os.O_RDWR)
    os.dup2(terminal, 1), os.dup2(terminal, 2)
out = open(sys.argv[3], "w", buffering=1)
on_sighup(lambda: out.write("reload\\n"))
out.write("ready\\n")
while True:
    time.sleep(0.05)  # a signal just before `signal.pause()` would not be handled until the next one
"""


class Listener:
    """A process that writes its events to a file, optionally with its own terminal."""

    def __init__(self, folder: Path, *, terminal: bool, mode: str = "plain") -> None:
        self._events = folder / "events"
        self.terminal, slave = os.openpty() if terminal else (None, None)
        name = os.ttyname(slave) if slave is not None else ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LISTENS, mode, name, str(self._events)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        if slave is not None:
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
        assert self.terminal is not None
        os.close(self.terminal)
        self.terminal = None


@pytest.fixture
def listeners() -> Iterator[list[Listener]]:
    started: list[Listener] = []
    yield started
    for listener in started:
        listener.process.kill()
        listener.process.wait()
        if listener.terminal is not None:
            os.close(listener.terminal)


def test_a_service_reloads_at_every_sighup(tmp_path: Path, listeners: list[Listener]) -> None:
    listeners.append(Listener(tmp_path, terminal=False))
    listeners[0].wait_for("ready")
    listeners[0].process.send_signal(signal.SIGHUP)
    listeners[0].wait_for("ready", "reload")
    listeners[0].process.send_signal(signal.SIGHUP)
    listeners[0].wait_for("ready", "reload", "reload")


def test_kill_hup_reloads_a_program_in_a_terminal_and_closing_the_terminal_ends_it(
    tmp_path: Path, listeners: list[Listener]
) -> None:
    """Both events send the same signal; the difference is whether the terminal still exists."""
    listeners.append(Listener(tmp_path, terminal=True))
    listeners[0].process.send_signal(signal.SIGHUP)
    listeners[0].wait_for("ready", "reload")
    listeners[0].close_terminal()
    assert listeners[0].process.wait(120) == -signal.SIGHUP
    assert listeners[0].events() == ["ready", "reload"]


def test_a_closed_terminal_does_not_end_a_program_under_nohup(tmp_path: Path, listeners: list[Listener]) -> None:
    listeners.append(Listener(tmp_path, terminal=True, mode="nohup"))
    listeners[0].process.send_signal(signal.SIGHUP)
    listeners[0].wait_for("ready", "reload")
    listeners[0].close_terminal()
    time.sleep(0.3)  # Wait for the hang-up, which leaves no trace.
    assert listeners[0].process.poll() is None


def test_sighup_reloads_up_and_stops_other_programs() -> None:
    """The reload is reported once, and the signal ends a wait."""
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
