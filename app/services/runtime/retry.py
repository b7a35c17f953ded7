"""Holding on to what was paid for: no page or answer is thrown away because the database is busy or full just now.

Without this a job whose checkpoint could not be written would fetch its page and pay for its answer again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from app.clock import Clock
from app.errors.storage import StoreError

log = logging.getLogger(__name__)

#: below a task's soft time limit (`tasks._celery.config`), with room for the fetch and the model call before it
PATIENCE_SECONDS = 120.0
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0


def patiently[T](write: Callable[[], T], clock: Clock, patience_seconds: float = PATIENCE_SECONDS) -> T:
    """`write()`, tried again while the database is locked, full or away; after that long its error is raised. `write`
    must do no harm when it is repeated. Other errors are raised at once."""
    until = clock.now_us() + round(patience_seconds * 1_000_000)
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return write()
        except StoreError as exc:
            if not exc.transient or clock.now_us() >= until:
                raise
            log.warning("Waiting with the result in hand: %s", exc)
        clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
