"""Retry writes while the database is busy, full, or unavailable.

Without retries, a job that cannot write its checkpoint would fetch its page, and pay for the model's answer, twice.
"""

import logging
from collections.abc import Callable

from app.clock import Clock
from app.errors.storage import RowGoneError, StoreError

log = logging.getLogger(__name__)

#: Default wait. It is shorter than a task's soft time limit, to leave time for the fetch and the model call.
MAX_WAIT_SECONDS = 120.0
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0


def retry_on_store_error[T](write: Callable[[], T], clock: Clock, max_wait_seconds: float = MAX_WAIT_SECONDS) -> T:
    """Return `write()`. Retry it while the database is locked, full, or unavailable. `write` must be idempotent.

    Raises the database's error after `max_wait_seconds`, and other errors at once.
    """
    until = clock.now_us() + round(max_wait_seconds * 1_000_000)
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return write()
        except StoreError as exc:
            if not exc.transient or isinstance(exc, RowGoneError) or clock.now_us() >= until:
                raise
            log.warning("Retrying a database write: %s", exc)
        clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
