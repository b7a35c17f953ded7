"""A job's lease while it is worked on: renewed by a thread, so that a long page or model call does not lose it."""

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
    """How the lease owners of this worker are called: `HOST:PID:TOKEN:`, of its parent.

    Made at the first call, which is in the parent, so that forked children share it.
    """
    global _worker  # noqa: PLW0603 (one per worker by design)
    if _worker is None:
        _worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}:"
    return _worker


def new_owner() -> str:
    """The name under which one run of a job holds its lease, `HOST:PARENT:TOKEN:PID:TOKEN`; no two runs share one."""
    return f"{worker_name()}{os.getpid()}:{secrets.token_hex(4)}"


class LeaseKeeper:
    """Calls `renew` every `every_seconds` while its block runs. `renew` says False once the lease is another's.

    After `longest_seconds` it gives up: a run that takes longer hangs, and on a pool of threads nobody ends it.
    """

    def __init__(self, renew: Callable[[], bool], every_seconds: float, longest_seconds: float = math.inf) -> None:
        self._renew = renew
        self._every_seconds = every_seconds
        self._longest_seconds = longest_seconds
        self._done = threading.Event()
        # in the context of the job, so that its lines name it
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
                log.error(
                    "A job ran for more than %.0f s; its lease is let go and it starts anew", self._longest_seconds
                )
                return
            try:
                renewed = self._renew()
            except PropertyIntelligenceError as exc:
                log.warning("A job's lease could not be renewed, next try in %.0f s: %s", self._every_seconds, exc)
                continue
            if not renewed:
                log.info("A job's lease is another's now (cancelled, or taken over); what this run finds is not stored")
                return
