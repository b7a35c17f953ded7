"""Limit the wait for a call that may hang on a socket, a lock, or a disk."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait

from app.errors import NoAnswerError


class TimeLimited[T]:
    """Calls `ask` and waits for its result. Raises `NoAnswerError` after `seconds`. `what` names the called service in
    error messages.

    After a timeout, `ask` continues in a daemon thread. While `ask` runs, further calls wait for the same result, so
    that a hanging service occupies only one thread.
    """

    def __init__(self, ask: Callable[[], T], what: str, seconds: float) -> None:
        self._ask = ask
        self._what = what
        self._seconds = seconds
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    def __call__(self) -> T:
        return self.begin()()

    def begin(self) -> Callable[[], T]:
        """Start a call or join the running call. Return a function that waits for its result for up to `seconds`."""
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
