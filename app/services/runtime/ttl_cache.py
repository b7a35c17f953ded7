"""Cache the result of a function for some seconds, so that many callers share one call."""

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class TtlCache[T]:
    """Caches the result of `ask` for `seconds`. If several threads need a new result, one calls `ask`; the others wait.

    For another `grace_seconds`, callers get the old result while a thread renews it (`stale-while-revalidate`, RFC
    5861). Exceptions are not cached.
    """

    def __init__(
        self,
        ask: Callable[[], T],
        seconds: float,
        *,
        grace_seconds: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._grace_seconds = grace_seconds
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._answer: tuple[float, T] | None = None

    def __call__(self) -> T:
        kept = self._answer
        if kept is not None and self._monotonic() < kept[0] + self._seconds + self._grace_seconds:
            if self._monotonic() >= kept[0] + self._seconds and self._asking.acquire(blocking=False):
                try:
                    threading.Thread(target=self._ask_aside, name="kept", daemon=True).start()
                except RuntimeError as exc:  # no thread can start now, so the old result is used longer
                    self._asking.release()
                    log.debug("A cached result could not be renewed: %s", exc)
            return kept[1]
        with self._asking:
            kept = self._answer
            if kept is not None and self._monotonic() < kept[0] + self._seconds:
                return kept[1]
            return self._ask_now()

    def forget(self) -> None:
        self._answer = None

    def last(self, seconds: float) -> T | None:
        """Return the cached result if it is at most `seconds` old, without calling `ask` or waiting."""
        kept = self._answer
        return kept[1] if kept is not None and self._monotonic() <= kept[0] + seconds else None

    def _ask_now(self) -> T:
        answer = self._ask()
        self._answer = (self._monotonic(), answer)
        return answer

    def _ask_aside(self) -> None:
        """Renew the result, then release the lock that the starting thread has acquired."""
        try:
            self._ask_now()
        except Exception as exc:  # noqa: BLE001 (callers after the grace period get the error)
            log.debug("A cached result could not be renewed: %s", type(exc).__name__)
        finally:
            self._asking.release()
