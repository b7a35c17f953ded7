"""SIGHUP to a worker: its keys are read again, and no job notices.

Celery's own answer to SIGHUP is to stop and start anew, which interrupts what is under way; the bootstep takes its
place as soon as Celery has installed it. A forking worker's parent holds no keys: it reads them for the children that
it will fork, and sets the mark that tells those it has (`app.services.keys.reload`). Everybody else reloads in place.
"""

from __future__ import annotations

import signal
from typing import Any

from celery import bootsteps

from app.keypool.keys import load_keys_again
from app.services.keys.reload import KeyReload, KeyWatch, on_sighup
from app.services.openai_client_manager import OpenAIClientManager, reload_of
from app.settings import Settings
from worker.configuration import adopt_keys, mark_at_load, note_mark, settings

_watch: KeyWatch | None = None


def watch_manager(manager: OpenAIClientManager) -> None:
    """In a process that runs tasks: follow the keys file and the mark from now on."""
    _start(reload_of(manager, settings(), seen=mark_at_load()))


def watch_for_children() -> None:
    """In a forking worker's parent: follow the mark, and pass on what SIGHUP asks."""
    _start(KeyReload(settings(), _adopt, seen=mark_at_load(), watches_file=False, passes_on=note_mark))


def listen() -> None:
    """Reload at SIGHUP."""
    if _watch is not None:
        on_sighup(_watch.ask)


def leave_hangup_to_the_parent() -> None:
    """In a forked child: survive SIGHUP when somebody signals all processes of a service; the parent sets the mark.

    A handler of our own would not stay: after this, billiard makes every handled signal of its list end the child.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def stop() -> None:
    """End the watch; safe to call when there is none. SIGHUP changes nothing any more."""
    global _watch
    watch, _watch = _watch, None
    if watch is not None:
        watch.stop()


class ReloadOnHangup(bootsteps.StartStopStep):
    """Started after Celery has installed its signal handlers, before it takes a job."""

    label = "Keys"

    def start(self, parent: Any) -> None:  # noqa: ARG002 (Celery gives the worker)
        if _watch is None:
            watch_for_children()
        listen()

    def stop(self, parent: Any) -> None:
        """Nothing: what is open is closed by the worker's shutdown signals, after the last job."""


def _start(reload: KeyReload) -> None:
    global _watch  # noqa: PLW0603 (one per process by design)
    _watch = KeyWatch(reload)
    _watch.start()


def _adopt(fresh: Settings) -> str:
    found = load_keys_again(fresh)
    adopt_keys(fresh)
    return f"{len(found.keys)} OpenAI keys read again for this worker's processes"
