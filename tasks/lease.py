"""A job's lease while it is worked on: renewed by a thread, so that a long page or model call does not lose it."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable

from app.errors import PropertyIntelligenceError

log = logging.getLogger(__name__)


def new_owner() -> str:
    """The name under which one run of a job holds its lease; no two runs share one."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class LeaseKeeper:
    """Calls `renew` every `every_seconds` while its block runs. `renew` says False once the lease is another's."""

    def __init__(self, renew: Callable[[], bool], every_seconds: float) -> None:
        self._renew = renew
        self._every_seconds = every_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def __enter__(self) -> LeaseKeeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(self._every_seconds):
            try:
                renewed = self._renew()
            except PropertyIntelligenceError as exc:
                log.warning("A job's lease could not be renewed, next try in %.0f s: %s", self._every_seconds, exc)
                continue
            if not renewed:
                log.info("A job's lease is another's now (cancelled, or taken over); what this run finds is not stored")
                return
