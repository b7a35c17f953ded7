"""An answer that is given again for a while, so that many who ask at once cost one question."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Kept[T]:
    """What `ask` said at most `seconds` ago. Of several threads one asks, the others wait for its answer.

    What `ask` raises is kept by nobody: the next one asks again.
    """

    def __init__(self, ask: Callable[[], T], seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._seconds = seconds
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._answer: tuple[float, T] | None = None  # and when it was given

    def __call__(self) -> T:
        with self._asking:
            kept = self._answer
            if kept is not None and self._monotonic() < kept[0] + self._seconds:
                return kept[1]
            answer = self._ask()
            self._answer = (self._monotonic(), answer)
            return answer

    def last(self, seconds: float) -> T | None:
        """The newest answer, if it is at most `seconds` old; asks nobody and waits for nobody."""
        kept = self._answer
        return kept[1] if kept is not None and self._monotonic() <= kept[0] + seconds else None
