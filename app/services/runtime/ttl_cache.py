"""An answer that is given again for a while, so that many who ask at once cost one question."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class TtlCache[T]:
    """What `ask` said at most `seconds` ago. Of several threads one asks, the others wait for its answer.

    With `grace_seconds` nobody waits who comes so soon after: the old answer is given again while a thread asks anew
    (`stale-while-revalidate`, RFC 5861). What `ask` raises is kept by nobody: the next one asks again.
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
        self._answer: tuple[float, T] | None = None  # and when it was given

    def __call__(self) -> T:
        kept = self._answer
        if kept is not None and self._monotonic() < kept[0] + self._seconds + self._grace_seconds:
            if self._monotonic() >= kept[0] + self._seconds and self._asking.acquire(blocking=False):
                try:
                    threading.Thread(target=self._ask_aside, name="kept", daemon=True).start()
                except RuntimeError as exc:  # no thread is to be had now; the old answer does meanwhile
                    self._asking.release()
                    log.debug("An answer could not be renewed: %s", exc)
            return kept[1]
        with self._asking:
            kept = self._answer
            if kept is not None and self._monotonic() < kept[0] + self._seconds:
                return kept[1]
            return self._ask_now()

    def forget(self) -> None:
        """What was said no longer holds: the next one asks anew."""
        self._answer = None

    def last(self, seconds: float) -> T | None:
        """The newest answer, if it is at most `seconds` old; asks nobody and waits for nobody."""
        kept = self._answer
        return kept[1] if kept is not None and self._monotonic() <= kept[0] + seconds else None

    def _ask_now(self) -> T:
        answer = self._ask()
        self._answer = (self._monotonic(), answer)
        return answer

    def _ask_aside(self) -> None:
        """With the lock held by whoever started this thread."""
        try:
            self._ask_now()
        except Exception as exc:  # noqa: BLE001 (who asks when the grace is over hears of it)
            log.debug("An answer could not be renewed: %s", type(exc).__name__)
        finally:
            self._asking.release()
