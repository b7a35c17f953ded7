"""A question that is asked for so long and no longer, whatever it waits for: a socket, a lock, a disk that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.errors import NoAnswerError


class Bounded[T]:
    """`ask` with a limit of `seconds`; `what` names the one who is asked.

    A call that is given up goes on in its thread, which no exit waits for. As long as it does, further calls wait for
    its answer instead of asking again: a service that hangs is not asked by ever more threads.
    """

    def __init__(self, ask: Callable[[], T], what: str, seconds: float) -> None:
        self._ask = ask
        self._what = what
        self._seconds = seconds
        self._lock = threading.Lock()
        self._under_way: _Call[T] | None = None

    def __call__(self) -> T:
        """The answer. Raises what `ask` raises, and `NoAnswerError`."""
        return self.begin()()

    def begin(self) -> Callable[[], T]:
        """Ask now; what is returned waits for the answer, until `seconds` from now, and raises as a call does."""
        with self._lock:
            call = self._under_way
            if call is None or call.over.is_set():
                call = self._under_way = _Call(self._ask)
        until = time.monotonic() + self._seconds

        def wait() -> T:
            if not call.over.wait(max(0.0, until - time.monotonic())):
                raise NoAnswerError(self._what, self._seconds)
            return call.answer()

        return wait


class _Call[T]:
    def __init__(self, ask: Callable[[], T]) -> None:
        self.over = threading.Event()
        self._ask = ask
        self._answers: list[T] = []
        self._failure: BaseException | None = None
        threading.Thread(target=self._run, name="bounded", daemon=True).start()

    def _run(self) -> None:
        try:
            self._answers.append(self._ask())
        except BaseException as exc:  # noqa: BLE001 (it is raised where the answer is awaited)
            self._failure = exc
        finally:
            self.over.set()

    def answer(self) -> T:
        if self._failure is not None:
            raise self._failure
        return self._answers[0]
