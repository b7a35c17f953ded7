"""Limit the time of a call that may wait for a socket, a lock, or a hanging disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait

from app.errors import NoAnswerError


class TimeLimited[T]:
    """Calls `ask` and waits at most `seconds` for its answer. Error messages call the service `what`.

    After a timeout, the call continues in its thread, which does not delay the exit of the process. Until the call
    ends, further calls wait for its answer, so that a hanging service does not occupy more and more threads.
    """

    def __init__(self, ask: Callable[[], T], what: str, seconds: float) -> None:
        self._ask = ask
        self._what = what
        self._seconds = seconds
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    def __call__(self) -> T:
        """Return the answer. Raises the errors of `ask`, and `NoAnswerError` after `seconds`."""
        return self.begin()()

    def begin(self) -> Callable[[], T]:
        """Start or join a call. Returns a function that waits for the answer, until `seconds` from now."""
        with self._lock:
            call = self._running
            if call is None or call.done():
                call = self._running = Future()
                threading.Thread(target=self._run, args=(call,), name="bounded", daemon=True).start()
        until = time.monotonic() + self._seconds

        def result() -> T:
            if not wait([call], max(0.0, until - time.monotonic())).done:
                raise NoAnswerError(self._what, self._seconds)
            return call.result()

        return result

    def _run(self, call: Future[T]) -> None:
        try:
            call.set_result(self._ask())
        except BaseException as exc:  # noqa: BLE001 (raised by `result`)
            call.set_exception(exc)
