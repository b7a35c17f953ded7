"""Renew a lease in a background thread, so that a run does not lose it during a long fetch or model call."""

from __future__ import annotations

import contextvars
import logging
import math
import os
import secrets
import socket
import threading
from collections.abc import Callable

from app.errors import PropertyIntelligenceError

log = logging.getLogger(__name__)

_worker: str | None = None


def worker_name() -> str:
    """Return the worker's name, `HOST:PID:TOKEN:`. The worker's lease owner names start with it.

    The worker's parent process must call this before it forks, so that all children share the name.
    """
    global _worker  # noqa: PLW0603 (one per worker by design)
    if _worker is None:
        _worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}:"
    return _worker


def new_owner() -> str:
    """Return a new lease owner name for one run: `HOST:PARENT_PID:TOKEN:PID:TOKEN`."""
    return f"{worker_name()}{os.getpid()}:{secrets.token_hex(4)}"


class LeaseKeeper:
    """Calls `renew` every `every_seconds` during the `with` block. Stops if `renew` returns False (the lease is lost).

    After `longest_seconds`, the run is assumed to hang and its lease is no longer renewed. This lets another run start
    even if the worker cannot kill the hanging run, as in a thread pool.
    """

    def __init__(self, renew: Callable[[], bool], every_seconds: float, longest_seconds: float = math.inf) -> None:
        self._renew = renew
        self._every_seconds = every_seconds
        self._longest_seconds = longest_seconds
        self._done = threading.Event()
        # the thread runs in a copy of the job's context, so that its log lines name the job
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run,), name="lease", daemon=True)

    def __enter__(self) -> LeaseKeeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        renewals = 0
        while not self._done.wait(self._every_seconds):
            renewals += 1
            if renewals * self._every_seconds > self._longest_seconds:
                log.error("A job ran for more than %.0f s; its lease ends and it starts again", self._longest_seconds)
                return
            try:
                renewed = self._renew()
            except PropertyIntelligenceError as exc:
                log.warning("A job's lease could not be renewed, next attempt in %.0f s: %s", self._every_seconds, exc)
                continue
            if not renewed:
                log.info("A job was canceled or taken over; the results of this run are not stored")
                return
