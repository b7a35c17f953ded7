"""Read the worker's settings once, and reload the OpenAI keys on SIGHUP without interrupting jobs.

By default, Celery restarts the worker on SIGHUP, which interrupts running tasks. A bootstep replaces this handler after
Celery has installed it. The parent of a forking worker uses no keys itself. On SIGHUP, the parent reads the keys for
the children that it forks later, and touches the reload mark, a file in PROPINTEL_HOME. Running children reload their
keys when the file changes (`app.services.keys.reload`). A worker that does not fork reloads its own keys.
"""

import signal
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

from celery import bootsteps

from app.errors import ConfigurationError
from app.keypool.keys import load_keys_again
from app.plurals import counted
from app.services.keys.reload import KeyReload, KeyReloader, ReloadMark, on_sighup
from app.services.openai_client_manager import OpenAIClientManager, reload_of
from app.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The settings, and the reload mark's time stamp when the keys were read. A forked child inherits both."""

    settings: Settings
    mark: int


_loaded: _Loaded | None = None
_reloader: KeyReloader | None = None


def settings() -> Settings:
    """Return the process's settings. If they are invalid, print the reason and exit with code 2."""
    return _load().settings


def exit_with(reason: str) -> NoReturn:
    sys.stderr.write(f"{reason}\n")
    raise SystemExit(2)


def start_reloader(manager: OpenAIClientManager) -> None:
    """In a process that runs tasks, reload the keys of `manager` whenever the keys file or the reload mark changes."""
    _start(reload_of(manager, settings(), seen=_load().mark))


def start_reloader_for_children() -> None:
    """In a forking worker's parent, reload the keys for later children. On SIGHUP, running children also reload."""
    _start(KeyReload(settings(), _adopt, seen=_load().mark, watches_file=False, passes_on=_note_mark))


def ignore_sighup() -> None:
    """Ignore SIGHUP in a forked child. The parent's reload mark makes the child reload its keys.

    A handler would not work: billiard later replaces it by its own, which would end the child.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def stop_reloader() -> None:
    global _reloader
    reloader, _reloader = _reloader, None
    if reloader is not None:
        reloader.stop()


class ReloadOnSighup(bootsteps.StartStopStep):
    """A bootstep that replaces Celery's SIGHUP handler before the first job runs."""

    label = "Keys"

    def start(self, parent: Any) -> None:  # noqa: ARG002 (Celery passes the worker)
        if _reloader is None:
            start_reloader_for_children()
        if _reloader is not None:
            on_sighup(_reloader.ask)

    def stop(self, parent: Any) -> None:
        """Do nothing, because the handlers of the shutdown signals stop the reloader after the last job."""


def _load() -> _Loaded:
    if _loaded is not None:
        return _loaded
    try:
        return _keep(load_settings())
    except ConfigurationError as exc:
        exit_with(str(exc))


def _keep(found: Settings, mark: int | None = None) -> _Loaded:
    global _loaded  # noqa: PLW0603 (one per process by design)
    _loaded = _Loaded(found, ReloadMark(found.state.propintel_home).stamp() if mark is None else mark)
    return _loaded


def _note_mark(stamp: int) -> None:
    """Record the reload mark's new time `stamp`, so that children forked later do not reload the keys they inherit."""
    _keep(settings(), stamp)


def _adopt(fresh: Settings) -> str:
    found = load_keys_again(fresh)
    _keep(fresh)
    return f"{counted(len(found.keys), 'OpenAI key')} read again for this worker's processes"


def _start(reload: KeyReload) -> None:
    global _reloader  # noqa: PLW0603 (one per process by design)
    _reloader = KeyReloader(reload)
    _reloader.start()
