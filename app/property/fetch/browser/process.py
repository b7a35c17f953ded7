"""Start a browser process, exchange messages with it, and end it and its descendants."""

from __future__ import annotations

import fcntl
import itertools
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from app.property.fetch.browser.chromium import wire
from app.property.fetch.browser.chromium.wire import Message
from app.settings import bare_environment

_START_SECONDS = 45.0
_END_SECONDS = 8.0
_PREFIX = "propintel-browser-"
_LOCK = "alive"


class BrowserGoneError(Exception):
    """The browser process has ended."""


class BrowserStartError(Exception):
    """The browser did not start."""


@dataclass(frozen=True, slots=True)
class Program:
    """How to run the browser. The browser ends if it uses more than `memory_bytes`, or has rendered no page for
    `idle_seconds`.
    """

    executable: Path
    sandbox: bool
    memory_bytes: int
    idle_seconds: float = 60.0
    more_switches: tuple[str, ...] = ()


class BrowserProcess:
    """A running browser process. Thread-safe."""

    def __init__(self, program: Program) -> None:
        """Start the browser process. Raises `BrowserStartError` if this fails."""
        _remove_stale_folders()
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._alive = (self._folder / _LOCK).open("wb")
        fcntl.flock(self._alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._log = (self._folder / "stderr").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "app.property.fetch.browser.chromium"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=self._environment(),
            cwd=self._folder,
            start_new_session=True,
            # the browser process also holds the lock on the folder, so the folder stays locked after the worker's death
            pass_fds=(self._alive.fileno(),),
        )
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue[Message | None]] = {}
        self._started: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._gone = False
        self.renders = 0
        #: How many pages use this process now. The renderer updates this number.
        self.users = 0
        threading.Thread(target=self._listen, daemon=True, name="browser-answers").start()
        try:
            self._start(program)
        except BaseException:
            self.end()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        return self._gone or self._process.poll() is not None

    @contextmanager
    def render(self, order: Message) -> Iterator[Conversation]:
        """Start rendering a page. Leaving the `with` block cancels the rendering. Raises `BrowserGoneError` if the
        process has ended.
        """
        number = next(self._numbers)
        answers: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        with self._lock:
            if self._gone:
                raise BrowserGoneError(self.stderr_tail())
            self._answers[number] = answers
            self.renders += 1
        try:
            self.send({"render": number, **order})
            yield Conversation(self, answers)
        finally:
            with self._lock:
                self._answers.pop(number, None)
            with suppress(BrowserGoneError):
                self.send({"cancel": number})

    def send(self, message: Message) -> None:
        data = wire.packed(message)
        stream = cast(BinaryIO, self._process.stdin)
        try:
            with self._lock:
                stream.write(data)
                stream.flush()
        except (OSError, ValueError) as exc:
            raise BrowserGoneError(self.stderr_tail()) from exc

    def end(self) -> None:
        """End the process and its descendants. Safe to call twice."""
        patience = 0.0
        # if the lock is not released, the process does not read its input, and is killed without waiting
        if self._lock.acquire(timeout=1.0):
            try:
                patience = _END_SECONDS
                with suppress(OSError, ValueError):
                    cast(BinaryIO, self._process.stdin).close()
            finally:
                self._lock.release()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # this closes Chromium's pipe, so Chromium ends too
            self._process.wait()
        self._log.close()
        self._alive.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def stderr_tail(self) -> str:
        with suppress(OSError, ValueError):
            text = (self._folder / "stderr").read_text("utf-8", "replace").strip()
            if text:
                return text.splitlines()[-1][:500]
        return "its process ended"

    def _start(self, program: Program) -> None:
        launch = {
            "executable": str(program.executable),
            "sandbox": program.sandbox,
            "memory_bytes": program.memory_bytes,
            "environment": self._environment(),
            "more": list(program.more_switches),
        }
        try:
            self.send({"launch": launch, "idle_seconds": program.idle_seconds})
            answer = self._started.get(timeout=_START_SECONDS)
        except queue.Empty:
            raise BrowserStartError(f"it did not start within {_START_SECONDS:.0f} s") from None
        except BrowserGoneError as exc:
            raise BrowserStartError(str(exc)) from exc
        if answer is None or "ready" not in answer:
            raise BrowserStartError(_reason(str(answer["broken"])) if answer else self.stderr_tail())

    def _environment(self) -> dict[str, str]:
        return {**bare_environment(), "TMPDIR": str(self._folder), "HOME": str(self._folder)}

    def _listen(self) -> None:
        stream = cast(BinaryIO, self._process.stdout)
        started = False
        with suppress(OSError, ValueError):
            while (message := wire.unpacked(stream.readline(wire.MAX_BYTES + 1))) is not None:
                if not started:
                    started = True
                    self._started.put(message)
                elif (answers := self._answers.get(message.get("of", 0))) is not None:
                    answers.put(message)
        with self._lock:
            self._gone = True
            self._started.put(None)
            for answers in self._answers.values():
                answers.put(None)


class Conversation:
    def __init__(self, process: BrowserProcess, answers: queue.SimpleQueue[Message | None]) -> None:
        self._process = process
        self._answers = answers

    def next(self, seconds: float) -> Message:
        """Return the next message. Raises `TimeoutError`, or `BrowserGoneError` if the process has ended."""
        try:
            message = self._answers.get(timeout=max(0.001, seconds))
        except queue.Empty:
            raise TimeoutError from None
        if message is None:
            raise BrowserGoneError(self._process.stderr_tail())
        return message

    def answer(self, number: int, loaded: Message | None) -> None:
        """Send the response to the page's request `number`. If the request failed, `loaded` is None.

        Raises `BrowserGoneError` if the process has ended.
        """
        self._process.send({"answer": number, "loaded": loaded})


def _reason(text: str) -> str:
    """Return the line of Playwright's and Chromium's output that most likely states why the browser did not start."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line or "FATAL" in line or "sandbox" in line.lower()]
    chosen: Any = (errors or lines or ["it gave no reason"])[0]
    return str(chosen)[:500]


def _remove_stale_folders() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError), (folder / _LOCK).open("rb") as lock:
            if time.time() - folder.stat().st_mtime < _START_SECONDS:
                continue  # a new browser process may not have locked its folder yet
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
