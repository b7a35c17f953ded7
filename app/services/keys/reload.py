"""Reload the OpenAI keys of a running process.

A reload reads the key settings from the environment, `.env`, and the keys file. It is triggered by:

- a change of the content of OPENAI_API_KEYS_FILE that is stable for one poll, so that no half-written file is read;
- SIGHUP;
- a new modification time of the mark file, which one process sets to make all processes of its PROPINTEL_HOME reload.

If the new keys are unusable, the old keys stay in use. The content of the keys file is compared, because an edit within
one clock tick or a replaced mount may leave the modification time unchanged.

The kernel also sends SIGHUP when a terminal closes. A process started in that terminal then ends, except under nohup.
"""

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

#: Time between polls. A change of the keys file takes effect at the second poll after it.
POLL_SECONDS = 1.0
_KEY_FIELDS = ("api_keys", "numbered_keys", "api_key", "api_keys_file", "key_groups", "key_base_urls")
_UNREADABLE = "unreadable"
_NO_FILE = ""


class ReloadMark:
    """The file `PROPINTEL_HOME/keys.reload`. The file's modification time is the time of the last request to reload.

    Unlike a signal, the file needs no process ids, and reaches children that a worker forks later. A signal would end a
    child that has not installed its handler yet.
    """

    def __init__(self, home: Path) -> None:
        self._file = home.expanduser() / "keys.reload"

    def stamp(self) -> int:
        """Return the time of the last request in nanoseconds since the epoch, or 0 if there was none."""
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return 0

    def set(self) -> int:
        """Request a reload, and return the new time. Raises `ConfigurationError` if the file cannot be written."""
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
    """Reloads the keys when they change or on request. Not thread-safe.

    `apply` switches to the keys of new settings, and returns a line to log, or "" if the keys are unchanged. If `apply`
    raises an error, the old keys stay in use. `seen` is the reload mark's time when `settings` were loaded (None: now).
    If `watches_file` is False, changes of the keys file are ignored. If `passes_on` is given, a successful `ask` also
    sets the reload mark, and calls `passes_on` with the mark's new time.
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
        # `settings` may be older than the file, so the second poll reloads the keys
        self._settled: str | None = None if settings.openai.api_keys_file is not None else _NO_FILE
        self._pending: str | None = None

    def poll(self) -> None:
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
        """Reload now. If `passes_on` is given, also make the other processes with the same PROPINTEL_HOME reload."""
        if not self._reload(asked=True) or self._passes_on is None:
            return
        try:
            self._seen = self._mark.set()
        except ConfigurationError as exc:
            log.error("The other processes could not be asked to reload their OpenAI keys: %s", exc)
        else:
            self._passes_on(self._seen)

    def _reload(self, *, asked: bool) -> bool:
        """After a failure, the keys are read again only when the keys file changes or a reload is requested."""
        self._settled, self._pending = _content(self._settings), None
        try:
            # use only the key settings; a running process keeps its other settings, such as its database
            loaded, kept = self._load().openai, self._settings
            keys = {name: getattr(loaded, name) for name in _KEY_FIELDS}
            fresh = kept.model_copy(update={"openai": kept.openai.model_copy(update=keys)})
            # read the file before its keys, so that a later write counts as a change
            content = _content(fresh)
            summary = self._apply(fresh)
        except PropertyIntelligenceError as exc:
            log.error("OpenAI keys not reloaded, the old ones stay in use: %s", redact(str(exc)))
            return False
        self._settings, self._settled = fresh, content
        if summary:
            log.info("%s", summary)
        elif asked:
            log.info("OpenAI keys read again: nothing has changed")
        return True


class KeyReloader:
    """A thread that polls for changed keys, and reloads them on request. Start it only after forking."""

    def __init__(self, reload: KeyReload, poll_seconds: float = POLL_SECONDS) -> None:
        self._reload = reload
        self._poll_seconds = poll_seconds
        # unlike Event.set, SimpleQueue.put is reentrant, so a signal handler may call it
        self._asks: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="key-reloader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self) -> None:
        """Make the thread reload as soon as possible. Safe in a signal handler, and before `start`."""
        self._asks.put(True)

    def stop(self) -> None:
        """End the thread after its current reload. Safe to call again, or before `start`."""
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
    """The terminal in which this process was started, if stdout or stderr goes to a terminal.

    A process that ignores SIGHUP, as under nohup, is independent of its terminal.
    """

    def __init__(self) -> None:
        is_independent = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        self._attached = not is_independent and any(map(os.isatty, (1, 2))) and _reachable()

    @property
    def gone(self) -> bool:
        """Whether the terminal was closed. Safe in a signal handler."""
        return self._attached and not _reachable()


def on_sighup(act: Callable[[], None]) -> Callable[[], None]:
    """Call `act` at every SIGHUP, and return a function that restores the old handler.

    Outside the main thread, do nothing.

    `act` runs in the signal handler and must not take a lock or log. If the terminal was closed, SIGHUP does not call
    `act` but ends the process, unless SIGHUP was ignored before, as under nohup. There, SIGHUP always calls `act`.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    terminal = Terminal()

    def handle(signum: int, _: FrameType | None) -> None:
        if not terminal.gone:
            act()
        else:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)

    before = signal.signal(signal.SIGHUP, handle)

    def restore() -> None:
        signal.signal(signal.SIGHUP, before or signal.SIG_DFL)

    return restore


def _reachable() -> bool:
    """Return whether this process still has a controlling terminal (tty(4))."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _content(settings: Settings) -> str:
    if settings.openai.api_keys_file is None:
        return _NO_FILE
    try:
        return hashlib.sha256(settings.openai.api_keys_file.read_bytes()).hexdigest()
    except OSError:
        return _UNREADABLE
