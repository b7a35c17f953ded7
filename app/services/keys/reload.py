"""Keys that change while a process runs: what leads to a reload, and what must not.

A reload reads the variables of the keys anew, from the environment and `.env`, and the keys file. It happens when the
content of OPENAI_API_KEYS_FILE has changed and then stayed the same for one poll (a half-written file is not read), and
when somebody asks: SIGHUP, or the mark that one process sets for all of its PROPINTEL_HOME. Whatever cannot be used is
logged once and changes nothing. The content is compared, not the file's times: it is small, and an edit within one tick
of the clock or an exchanged mount is seen all the same.

The kernel sends SIGHUP also when a terminal goes away. A process that was started in one then ends, as it always did;
everybody else, a service, a container, a program under nohup, goes on.
"""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from app.errors import ConfigurationError, PropertyIntelligenceError
from app.redaction import redact
from app.settings import Settings, load_settings

log = logging.getLogger(__name__)

#: A change is noticed after one to two of these.
POLL_SECONDS = 1.0
_KEY_FIELDS = ("api_keys", "numbered_keys", "api_key", "api_keys_file", "key_groups", "key_base_urls")
#: What `_content` says of a file that is not there or cannot be read, and of no file at all.
_UNREADABLE = "unreadable"
_NO_FILE = ""


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


class KeyReload:
    """Decides when keys are read again, one step at a time; the thread is `KeyReloader`'s. Used by one thread.

    `apply` puts the keys of new settings to use and returns the line to log, "" for none; what it raises leaves the old
    keys in use. `seen` is the mark's stamp when `settings` were loaded. `watches_file`: False where only SIGHUP and the
    mark matter. With `passes_on`, a reload that was asked of this process is asked of all processes of its home, and
    `passes_on` gets the mark's new stamp.
    """

    def __init__(
        self,
        settings: Settings,
        apply: Callable[[Settings], str],
        *,
        load: Callable[[], Settings] = load_settings,
        seen: int | None = None,
        watches_file: bool = True,
        passes_on: Callable[[int], None] | None = None,
    ) -> None:
        self._settings = settings
        self._apply = apply
        self._load = load
        self._mark = ReloadMark(settings.state.propintel_home)
        self._seen = self._mark.stamp() if seen is None else seen
        self._watches_file = watches_file
        self._passes_on = passes_on
        # what was read before this object came to be is unknown: the first two polls read the file once more
        self._settled: str | None = None if settings.openai.api_keys_file is not None else _NO_FILE
        self._pending: str | None = None

    def poll(self) -> None:
        """Look whether there is a reason to reload, and do it if so."""
        stamp = self._mark.stamp()
        if stamp != self._seen:
            self._seen = stamp
            self._reload(asked=True)
            return
        if not self._watches_file:
            return
        content = _content(self._settings)
        if content == self._settled:
            self._pending = None
        elif content != self._pending:
            self._pending = content
        else:
            self._reload(asked=False)

    def ask(self) -> None:
        """Reload now: somebody asked this process."""
        if not self._reload(asked=True) or self._passes_on is None:
            return
        try:
            self._seen = self._mark.set()
        except ConfigurationError as exc:
            log.error("The other processes could not be asked to reload their OpenAI keys: %s", exc)
        else:
            self._passes_on(self._seen)

    def _reload(self, *, asked: bool) -> bool:
        """Read and apply. False: refused, which is logged, and not tried again before the file changes or one asks."""
        self._settled, self._pending = _content(self._settings), None
        try:
            # the keys alone: a process does not change its database or its secrets while it runs
            loaded, kept = self._load().openai, self._settings
            keys = {name: getattr(loaded, name) for name in _KEY_FIELDS}
            fresh = kept.model_copy(update={"openai": kept.openai.model_copy(update=keys)})
            content = _content(fresh)  # before it is read: what is written later is a change
            said = self._apply(fresh)
        except PropertyIntelligenceError as exc:
            log.error("OpenAI keys not reloaded, the old ones stay in use: %s", redact(str(exc)))
            return False
        self._settings, self._settled = fresh, content
        if said:
            log.info("%s", said)
        elif asked:
            log.info("OpenAI keys read again: nothing has changed")
        return True


class KeyReloader:
    """The one thread of a process that polls, and that reloads when a signal handler asks for it. Start it after a
    fork: a thread does not survive one."""

    def __init__(self, reload: KeyReload, poll_seconds: float = POLL_SECONDS) -> None:
        self._reload = reload
        self._poll_seconds = poll_seconds
        # SimpleQueue.put is reentrant, so that a signal handler may call it; an Event's set is not
        self._asks: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="key-reloader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self) -> None:
        """Reload as soon as possible, from the thread. Safe in a signal handler, and before `start`."""
        self._asks.put(True)

    def stop(self) -> None:
        """End the thread; a reload under way is finished. Safe to call again, or without `start`."""
        self._asks.put(False)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                asked: bool | None = self._asks.get(timeout=self._poll_seconds)
            except queue.Empty:
                asked = None
            if asked is False:
                return
            try:
                self._reload.poll() if asked is None else self._reload.ask()
            except Exception:
                log.exception("OpenAI keys could not be reloaded; the old ones stay in use")


class Terminal:
    """The terminal in which this process was started, if it shows its output there."""

    def __init__(self) -> None:
        self._attached = any(map(os.isatty, (1, 2))) and _reachable()

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


def _content(settings: Settings) -> str:
    """A digest of the keys file, and never the keys; or why there is none."""
    if settings.openai.api_keys_file is None:
        return _NO_FILE
    try:
        return hashlib.sha256(settings.openai.api_keys_file.read_bytes()).hexdigest()
    except OSError:
        return _UNREADABLE
