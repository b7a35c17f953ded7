"""From a host name to its addresses, as a part that can be replaced: what a name answers is not to be trusted."""

from __future__ import annotations

import os
import queue
import socket
import threading
import weakref
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

from app.clock import Clock
from app.property.fetch.guard.ranges import IPAddress

_Answers = queue.SimpleQueue[list[IPAddress] | OSError]
#: no longer than the shortest time to live in common use, since the system does not tell that of its answers
_KEPT_US = 30_000_000
_MOST_KEPT = 10_000
#: threads that wait for a question; more are started when all are busy, and end
_MOST_IDLE = 16


class Resolver(Protocol):
    """Turns a host name into its addresses."""

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        """All addresses of `host`, best first. Raises `OSError` (`TimeoutError` if nothing came in time)."""
        ...


class SystemResolver:
    """The machine's resolver, whose answers are kept for half a minute. Thread-safe.

    It cannot be interrupted, so it is asked by threads of its own, of which a timeout leaves one behind until it has
    its answer. What is kept was an answer: the guard checks it again, and connections go to what was checked.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begin()
        begin = weakref.WeakMethod(self._begin)
        os.register_at_fork(after_in_child=lambda: (method := begin()) and method())

    def _begin(self) -> None:
        """A process has threads of its own; those of its parent did not come along."""
        self._kept: dict[str, tuple[int, Sequence[IPAddress]]] = {}
        self._questions: queue.SimpleQueue[tuple[str, _Answers]] = queue.SimpleQueue()
        self._idle = 0
        self._lock = threading.Lock()

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        now_us = self._clock.now_us()
        kept = self._kept.get(host)
        if kept is not None and kept[0] <= now_us < kept[0] + _KEPT_US:
            return kept[1]
        answers: _Answers = queue.SimpleQueue()
        self._ask(host, answers)
        try:
            answer = answers.get(timeout=max(0.01, timeout_seconds))
        except queue.Empty:
            raise TimeoutError(f"no answer in {timeout_seconds:.0f} s") from None
        if isinstance(answer, OSError):
            raise answer
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[host] = (now_us, answer)
        return answer

    def _ask(self, host: str, answers: _Answers) -> None:
        with self._lock:
            must_start = self._idle == 0
            self._idle -= not must_start
        if must_start:
            threading.Thread(target=self._work, daemon=True, name="resolver").start()
        self._questions.put((host, answers))

    def _work(self) -> None:
        while True:
            host, answers = self._questions.get()
            answers.put(_look_up(host))
            with self._lock:
                if self._idle >= _MOST_IDLE:
                    return
                self._idle += 1


def _look_up(host: str) -> list[IPAddress] | OSError:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [ip_address(str(row[4][0]).partition("%")[0]) for row in found]
    except OSError as exc:
        return exc
    except ValueError as exc:
        return OSError(str(exc))
